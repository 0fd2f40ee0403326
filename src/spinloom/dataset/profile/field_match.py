"""How uneven B0 and B1+ of simulated heads are by default, to be stretched to what field maps say."""

from __future__ import annotations

import numpy as np

from spinloom.dataset.fields import Recipe
from spinloom.dataset.profile.measure import Profile
from spinloom.dataset.subject import make_subject

MAPS = {"fieldmap": "B0_inhomogeneity", "TB1map": "B1_inhomogeneity"}
"""Section of a profile → field of a recipe."""
MOST = 3.0
"""What a recipe allows."""


def inhomogeneities(profile: Profile, recipe: Recipe) -> dict[str, float]:
    """B0_inhomogeneity and B1_inhomogeneity whose standard deviation over the head is that of the measured maps.

    recipe  whose first subject is measured: both fields of it must be above 0
    """
    found: dict[str, float] = {}
    wanted = {s: profile.contrasts[s]["field_sd"].median for s in MAPS if "field_sd" in profile.contrasts.get(s, {})}
    if not wanted:
        return found
    subject = make_subject(recipe, 0)
    there = subject.phantom.PD > 0
    if "fieldmap" in wanted and subject.phantom.dB0 is not None:
        found[MAPS["fieldmap"]] = wanted["fieldmap"] / float(subject.phantom.dB0[there].std())
    if "TB1map" in wanted:
        grid = subject.phantom.grid
        at = np.argwhere(there)[::17] @ grid.affine[:3, :3].T + grid.affine[:3, 3]
        isocentre = np.zeros(3) if subject.scanner.isocentre_mm is None else np.asarray(subject.scanner.isocentre_mm)
        B1 = subject.scanner.B1((at - isocentre) * 1e-3)
        found[MAPS["TB1map"]] = wanted["TB1map"] / float(B1.std()) * float(subject.drawn["B1_inhomogeneity"])
    return {name: float(np.clip(v, 0, MOST)) for name, v in found.items()}
