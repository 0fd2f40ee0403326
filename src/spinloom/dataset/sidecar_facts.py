"""Acquisition facts beside a scan: BIDS sidecars (seconds, degrees) → SI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import radians
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.dataset.find_files import stem_of
from spinloom.files import gate

KEYS = {
    "TE": ("EchoTime", 2.0),
    "TR": ("RepetitionTime", 100.0),
    "TI": ("InversionTime", 20.0),
    "FA": ("FlipAngle", 360.0),
    "B0": ("MagneticFieldStrength", 30.0),
}
"""Name in this program → BIDS key, and the largest value that can be in BIDS units (s, degrees, T)."""
TOP = "dataset_description.json"
CAP_BYTES = 2**24


def facts_beside(scan: Path) -> dict[str, float]:
    """TE, TR, TI [s], FA [rad] and B0 [T] of a scan, as far as its sidecars say them.

    scan  an image file: name.nii.gz has name.json; within a BIDS data set also the sidecars above it, of which the
          nearest wins (BIDS: inheritance principle). TR of an MPRAGE is from inversion to inversion

    Raises InputError for a sidecar that is no JSON, and for values that are not in BIDS units.
    """
    told: dict[str, Any] = {}
    for file in sidecars(scan):
        told |= {key: (value, file) for key, value in read_sidecar(file).items()}
    if "RepetitionTimePreparation" in told:
        told["RepetitionTime"] = told["RepetitionTimePreparation"]
    facts = {}
    for name, (key, most) in KEYS.items():
        value, file = told.get(key, (None, scan))
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise InputError(
                f"{key} is {value!r}, not a number from 0 to {most:g}",
                file=file,
                remedy="BIDS has times in seconds, angles in degrees and fields in tesla.",
            )
        facts[name] = radians(value) if name == "FA" else float(value)
    return facts


def unit_beside(scan: Path) -> str | None:
    """What the sidecars of a map call its unit."""
    told: dict[str, Any] = {}
    for file in sidecars(scan):
        told |= read_sidecar(file)
    unit = told.get("Units")
    return unit if isinstance(unit, str) else None


def sidecars(scan: Path) -> tuple[Path, ...]:
    """Those that apply to a scan, the nearest last."""
    stem = stem_of(scan.name)
    own = scan.with_name(f"{stem}.json")
    above: list[Path] = []
    entities, suffix = stem.split("_")[:-1], stem.split("_")[-1]
    root = next((p for p in scan.parents if (p / TOP).is_file()), None)
    if root is not None and stem.startswith("sub-"):
        for folder in [*reversed(scan.parent.relative_to(root).parents), scan.parent.relative_to(root)]:
            for file in sorted((root / folder).glob(f"*{suffix}.json")):
                parts = file.stem.split("_")
                if parts[-1] == suffix and set(parts[:-1]) <= set(entities) and file != own:
                    above.append(file)
    return (*dict.fromkeys(above), *((own,) if own.is_file() else ()))


def read_sidecar(file: Path) -> Mapping[str, Any]:
    """Raises InputError for anything but a JSON object."""
    try:
        value = json.loads(gate.read_text(file, cap_bytes=CAP_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}", file=file, remedy="Repair it or take it away.") from None
    if not isinstance(value, dict):
        raise InputError("is no JSON object", file=file, remedy="Repair it or take it away.")
    return value
