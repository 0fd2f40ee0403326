"""One DICOM series, from a folder or a zip → Image in RAS+ millimetres; HU for CT.

Slices are sorted by where they lie, never by name or number. A tilted gantry makes a sheared grid, which is kept. What
does not make one even grid is refused with its reason: missing, doubled or unevenly spaced slices, several series.
Names, numbers and dates of people are not read.

DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (functional groups), C.11.1 (rescale).
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.units import deg, ms
from spinloom.io.dicom_files import Source, headers, named
from spinloom.io.dicom_frames import Frame, frames, number, said
from spinloom.io.dicom_grid import grid
from spinloom.io.dicom_kinds import QUANTITIES
from spinloom.io.dicom_pixels import values
from spinloom.io.plausible import require_plausible

FACTS = (
    ("TR", "MRTimingAndRelatedParametersSequence", "RepetitionTime", ms),
    ("TI", "MRModifierSequence", "InversionTimes", ms),
    ("TI", "", "InversionTime", ms),
    ("FA", "MRTimingAndRelatedParametersSequence", "FlipAngle", deg),
    ("B0", "", "MagneticFieldStrength", 1.0),
)


@dataclass(frozen=True)
class Series:
    """What a folder or zip holds: one series, or one echo or component of it.

    number       to ask for it by, from 1
    modality     MR, CT ...;  description  as the scanner's user wrote it
    shape        columns, rows, slices
    TE           [s]; 0 if none
    component    "" for magnitude and CT, PHASE, REAL, IMAGINARY
    """

    number: int
    modality: str
    description: str
    shape: tuple[int, int, int]
    TE: float
    component: str = ""

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape))
        echo = f", TE {self.TE / ms:g} ms" if self.TE else ""
        part = f", {self.component.lower()}" if self.component else ""
        return f"{self.number}: {self.modality} {self.description or 'without a name'} {size}{echo}{part}"


def list_series(path: str | os.PathLike[str]) -> tuple[Series, ...]:
    """What a folder or zip holds, in order of series and echo.

    Raises InputError if it holds no DICOM images, or a file that is broken.
    """
    groups, faults = _groups(Path(path))
    _tell(faults)
    return tuple(_series(n, group) for n, group in enumerate(groups, start=1))


def read_series(path: str | os.PathLike[str], *, series: int | None = None, fill: bool = False) -> Image:
    """A DICOM series.

        position = IPP + column spacing (row cosines) i + row spacing (column cosines) j + step k,   LPS → RAS
        value    = slope stored + intercept

    path    a folder, a zip, or one file
    series  which, as list_series numbers them; None: there must be only one
    fill    interpolate linearly between slices that are missing or unevenly spaced, at their commonest spacing, and say
            so in info["filled"]

    Images of other series that cannot be read are left out, with a warning.
    Raises InputError naming what is in the way: see above; MachineError without pydicom.
    """
    place = Path(path)
    groups, faults = _groups(place)
    if series is None and len(groups) > 1:
        held = "; ".join(str(_series(n, group)) for n, group in enumerate(groups, start=1))
        raise InputError(
            f"holds {len(groups)} series ({held})", file=place, remedy="Say which: series=1, or a folder for each."
        )
    if series is not None and not 1 <= series <= len(groups):
        raise InputError(f"has no series {series}: it holds {len(groups)}", file=place)
    group = groups[(series or 1) - 1]
    for uid, fault in faults:
        if uid == group[0].uid:  # without it the volume would be short of a slice
            raise fault
    _tell(faults)
    affine, ordered, at = grid(group, place, fill=fill)
    data = values(ordered, place)
    facts = _facts(ordered[0])
    if at is not None:
        facts["filled"] = f"{len(at)} slices interpolated from {len(ordered)}"
        data = _between(data.astype(np.float32), at)
    quantity = QUANTITIES[str(ordered[0].header.Modality)]
    require_plausible(data, quantity, place)
    return Image(data, affine, quantity, MappingProxyType(facts))


def _between(data: NDArray[Any], at: NDArray[np.float64]) -> NDArray[Any]:
    """Slices at fractional numbers `at` (m,) of slices data (x, y, z)."""
    low = np.clip(np.floor(at).astype(int), 0, data.shape[2] - 2)
    share = (at - low).astype(np.float32)
    return np.asarray(data[..., low] * (1 - share) + data[..., low + 1] * share)


def _groups(path: Path) -> tuple[list[list[Frame]], list[tuple[str, InputError]]]:
    """Frames that belong together; and the series and fault of each file that was refused."""
    if not path.exists():
        raise InputError("no such file or folder", file=path, remedy="Check the path.")
    groups: list[list[Frame]] = []
    faults: list[tuple[str, InputError]] = []
    for source, header in headers(path):
        try:
            found = _frames_of(source, header, path)
        except InputError as fault:
            faults.append((str(header.get("SeriesInstanceUID", "")), fault))
            continue
        for frame in found:
            home = next((g for g in groups if g[0].is_beside(frame)), None)
            groups.append([frame]) if home is None else home.append(frame)
    if not groups:
        raise faults[0][1] if faults else InputError("holds no DICOM images", file=path)
    return sorted(groups, key=lambda g: (g[0].uid, g[0].TE_ms, g[0].component, g[0].source.name)), faults


def _frames_of(source: Source, header: Any, path: Path) -> list[Frame]:
    with named(source, path):
        return list(frames(source, header))


def _tell(faults: list[tuple[str, InputError]]) -> None:
    for _, fault in faults[:3]:
        warnings.warn(f"left out: {fault}", stacklevel=3)
    if len(faults) > 3:
        warnings.warn(f"left out: {len(faults) - 3} more files", stacklevel=3)


def _series(n: int, group: list[Frame]) -> Series:
    first = group[0]
    rows, columns = first.shape
    modality, description = (str(first.header.get(tag, "")) for tag in ("Modality", "SeriesDescription"))
    return Series(n, modality, description, (columns, rows, len(group)), first.TE_ms * ms, first.component)


def _facts(frame: Frame) -> dict[str, object]:
    """TE, TR, TI [s], FA [rad], B0 [T], and the make of the scanner, as far as they are said."""
    found: dict[str, object] = {"TE": frame.TE_ms * ms} if frame.TE_ms else {}
    for name, sequence, tag, unit in FACTS:
        value = number(said(frame.header, frame.index, sequence, tag))
        if value and value > 0 and name not in found:
            found[name] = value * unit
    for tag, name in (("Modality", "modality"), ("Manufacturer", "manufacturer"), ("ManufacturerModelName", "model")):
        if frame.header.get(tag):
            found[name] = str(frame.header.get(tag))
    return found
