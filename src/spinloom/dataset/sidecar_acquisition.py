"""The acquisition of a scan, as far as its JSON sidecars tell it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.dataset.sidecar_facts import facts_beside, read_sidecar, sidecars
from spinloom.simulation.acquisition import ALIASES, FAMILIES, Acquisition

SEQUENCES = "ScanningSequence"
"""BIDS: SE, GR, IR ... of the DICOM header, one or several."""


def acquisition_beside(scan: Path, given: Mapping[str, float | str]) -> Acquisition:
    """What the sidecars tell, under what is given: family, TR, TE, TI [s], FA [rad], B0 [T].

    Raises InputError naming what is missing, and what facts_beside raises; UsageError for numbers that make no sense.
    """
    facts: dict[str, float] = dict(facts_beside(scan))
    said = str(given.get("family", ""))
    family = ALIASES.get(said, said) or family_beside(scan)
    facts |= {name: float(value) for name, value in given.items() if name != "family"}
    missing = [n for n in (*FAMILIES.get(family, ()), "B0") if n not in facts]
    if not family or missing:
        lacks = "its sequence family" if not family else ", ".join(missing)
        raise InputError(
            f"nothing tells {lacks}",
            file=scan,
            remedy="Say it, e.g. --source-protocol 'MPRAGE TR=2.3s TI=0.9s TE=3ms FA=9deg B0=3T', or in its sidecar.",
        )
    return Acquisition(family, **{n: facts[n] for n in (*FAMILIES.get(family, ()), "B0")})


def family_beside(scan: Path) -> str:
    """Of ScanningSequence, the nearest sidecar's: GR and IR MPRAGE, GR GRE, IR IR, SE SE; "" if it is not told."""
    told: object = None
    for file in sidecars(scan):
        told = read_sidecar(file).get(SEQUENCES, told)
    words = set("".join(c if c.isalpha() else " " for c in str(told)).split())
    if "GR" in words:
        return "MPRAGE" if "IR" in words else "GRE"
    return "IR" if "IR" in words else "SE" if "SE" in words else ""
