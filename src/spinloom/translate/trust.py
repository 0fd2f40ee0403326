"""Trust: does an image show what its source can explain, or what nothing but the network put there?

    source - network -> T1, T2, PD - signal equation, protocol fitted -> what is expected        e
    z = (image - e) / sigma,     sigma of voxels like e in images where nothing is wrong
    misfit = |G z - F z|         G a Gaussian over a small neighbourhood, F over a wide one
    trust = share of voxels, in images where nothing is wrong, that misfit at least as much

Maps explain all contrasts at once and the signal equation allows no others, so that the auditor need not have learnt
from images of the contrast that it judges. What the source does not show, it cannot judge: see the study.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.errors import InputError
from spinloom.evaluation.conformal import weighted

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
AROUND_MM = 2.0
"""Standard deviation of G: lesions of 5 mm and more keep most of their misfit."""
FAR_MM = 10.0
"""Of F: what is left of shading, and that this person's white matter is not everybody's, is no misfit of a place."""
LEVELS = (24, 6)
"""Steps of the table of sigma: expected intensity, and edge."""
SIGMA_LEAST = 0.01
"""Of the 99.5th percentile of the image."""
P_LEAST = 1e-4
NAMES = ("intensity", "edge", "sigma", "misfit", "trust")


@dataclass(frozen=True, eq=False)
class Usual:
    """How images misfit in which nothing is wrong.

    intensity, edge  edges of the bins of e and of its gradient, both over the 99.5th percentile of e
    sigma            (LEVELS) mean |image - e| of a bin, times sqrt(pi/2)
    trust, misfit    (n,) points of a falling curve: the trust of a misfit
    subjects         how many
    """

    intensity: NDArray[np.float64]
    edge: NDArray[np.float64]
    sigma: NDArray[np.float64]
    misfit: NDArray[np.float64]
    trust: NDArray[np.float64]
    subjects: int

    def to_json(self) -> dict[str, Any]:
        return {n: np.round(getattr(self, n), 5).tolist() for n in NAMES} | {"subjects": self.subjects}


def usual_of(told: Any) -> Usual:
    """Raises InputError for values that are none."""
    try:
        intensity, edge, sigma, away, trust = (np.asarray(told[n], float) for n in NAMES)
        made = Usual(intensity, edge, sigma, away, trust, int(told["subjects"]))
        parts = (intensity, edge, sigma, away, trust)
        sound = made.sigma.shape == (len(made.intensity) + 1, len(made.edge) + 1) and len(made.misfit) == len(
            made.trust
        )
        if not sound or not (made.sigma > 0).all() or not np.isfinite(np.concatenate([p.ravel() for p in parts])).all():
            raise ValueError("its numbers do not fit together")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the auditor's calibration is damaged: {error}", remedy="Train it again.") from error
    return made


def calibrated_for(about: Mapping[str, Any], contrast: str) -> Usual:
    """What the header of an auditor says of a contrast. Raises InputError if it says nothing."""
    known = about.get("trust")
    if not isinstance(known, Mapping) or not known:
        raise InputError("the model is no auditor: it was never calibrated", remedy="spinloom study trust makes one.")
    if contrast not in known:
        raise InputError(f"the auditor was not calibrated for {contrast}", remedy=f"It is for {', '.join(known)}.")
    return usual_of(known[contrast])


def unit_of(expected: Values, inside: Mask) -> float:
    """The 99.5th percentile of what is expected, in which residuals are counted."""
    return max(float(np.percentile(expected[inside], 99.5)), 1e-9)


def cells(
    expected: Values, inside: Mask, intensity: NDArray[np.float64], edge: NDArray[np.float64]
) -> NDArray[np.intp]:
    """(2, ...) bin of every voxel."""
    unit = unit_of(expected, inside)
    steep = np.sqrt(sum(np.gradient(expected.astype(np.float32) / unit, axis=a) ** 2 for a in (0, 1)))
    return np.stack((np.searchsorted(intensity, expected / unit), np.searchsorted(edge, steep)))


def misfit(image: Values, expected: Values, inside: Mask, voxel_mm: Sequence[float], usual: Usual) -> Values:
    """|G z - F z| (x, y, z), 0 outside; what is outside counts as nothing rather than as fitting:  G (m z) / G m."""
    at = cells(expected, inside, usual.intensity, usual.edge)
    sigma = usual.sigma[at[0], at[1]] * unit_of(expected, inside)
    return smoothed((image - expected) / sigma, inside, voxel_mm)


def smoothed(z: Values, inside: Mask, voxel_mm: Sequence[float]) -> Values:
    near, far = (averaged(z, inside, [mm / v for v in voxel_mm]) for mm in (AROUND_MM, FAR_MM))
    return np.asarray(np.where(inside, np.abs(near - far), 0), np.float32)


def averaged(z: Values, inside: Mask, width: Sequence[float]) -> Values:
    """G (m z) / G m (x, y, z);  width of G [voxel]."""
    total = gaussian_filter(np.where(inside, z, 0).astype(np.float32), width, truncate=2.5)
    share = gaussian_filter(inside.astype(np.float32), width, truncate=2.5)
    return np.asarray(total / np.maximum(share, 0.02), np.float32)


def trust_of(values: Values, inside: Mask, usual: Usual) -> Values:
    """Trust (x, y, z) of a misfit, on straight lines between the points of the curve; 1 outside."""
    found = np.interp(values, usual.misfit, usual.trust)
    return np.asarray(np.where(inside, found, 1.0), np.float32)


def usual(cases: Sequence[tuple[Values, Values, Mask]], voxel_mm: Sequence[float]) -> Usual:
    """Learnt from (image, expected, inside) of subjects in whose images nothing is wrong.

    Raises InputError for fewer than 10 subjects.
    """
    if len(cases) < 10:
        raise InputError(f"{len(cases)} subjects calibrate no trust", remedy="Ten at least.")
    intensity = np.linspace(0, 1.2, LEVELS[0])[1:-1]
    steep = np.concatenate([_steep(e, m)[m][::7] for _, e, m in cases])
    edge = np.unique(np.quantile(steep, np.linspace(0, 1, LEVELS[1] + 1)[1:-1]))
    total, count = np.zeros((2, len(intensity) + 1, len(edge) + 1))
    for image, e, m in cases:
        at = cells(e, m, intensity, edge)[:, m]
        np.add.at(total, (at[0], at[1]), np.abs(image - e)[m] / unit_of(e, m))
        np.add.at(count, (at[0], at[1]), 1)
    overall = total.sum() / max(count.sum(), 1)
    sigma = math.sqrt(math.pi / 2) * (total + 50 * overall) / (count + 50)  # bins of few voxels: like all
    first = Usual(intensity, edge, np.maximum(sigma, SIGMA_LEAST), np.zeros(1), np.ones(1), len(cases))
    values, weights = weighted([misfit(i, e, m, voxel_mm, first)[m][::3] for i, e, m in cases])
    above = 1 - np.cumsum(weights)
    points = np.unique(np.concatenate((np.linspace(1, 0.1, 60), np.geomspace(0.1, P_LEAST, 60))))[::-1]
    index = np.minimum(np.searchsorted(-above, -points), len(values) - 1)
    return Usual(intensity, edge, first.sigma, values[index], np.maximum(above[index], 0), len(cases))


def _steep(e: Values, m: Mask) -> NDArray[np.float64]:
    unit = unit_of(e, m)
    return np.asarray(np.sqrt(sum(np.gradient(e / unit, axis=a) ** 2 for a in (0, 1))))
