"""What a folder or zip of DICOM holds: its files sorted into series, echoes and components."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.core.units import deg, ms
from spinloom.io.dicom_files import headers, named
from spinloom.io.dicom_frames import Frame, frames, number, said
from spinloom.io.dicom_sources import Source

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

    number       to ask for it by, from 1;  uid  of the series, which its echoes and components share
    modality     MR, CT ...;  description  as the scanner's user wrote it
    shape        columns, rows, slices
    TE, TR, TI   [s]; 0 if not said
    component    "" for magnitude and CT, PHASE, REAL, IMAGINARY
    """

    number: int
    uid: str
    modality: str
    description: str
    shape: tuple[int, int, int]
    TE: float
    TR: float = 0.0
    TI: float = 0.0
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
    groups, faults = groups_in(Path(path))
    tell(faults)
    return tuple(described(n, group) for n, group in enumerate(groups, start=1))


def groups_in(path: Path) -> tuple[list[list[Frame]], list[tuple[str, InputError]]]:
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
        raise faults[0][1] if faults else _nothing(path)
    return sorted(groups, key=lambda g: (g[0].uid, g[0].TE_ms, g[0].component, g[0].source.name)), faults


def _nothing(path: Path) -> InputError:
    """A folder or a file that holds DICOM but no picture, or a zip of anything."""
    if path.is_dir() or path.suffix.lower() != ".zip":
        remedy = "Contours, plans and reports are none: name the folder of the series that they belong to."
    else:
        remedy = "Pictures are read from a folder, not a zip."
    return InputError("holds no DICOM images", file=path, remedy=remedy)


def _frames_of(source: Source, header: Any, path: Path) -> list[Frame]:
    with named(source, path):
        return list(frames(source, header))


def tell(faults: list[tuple[str, InputError]]) -> None:
    for _, fault in faults[:3]:
        warnings.warn(f"left out: {fault}", stacklevel=3)
    if len(faults) > 3:
        warnings.warn(f"left out: {len(faults) - 3} more files", stacklevel=3)


def described(n: int, group: list[Frame]) -> Series:
    """The nth series, as list_series says it."""
    first = group[0]
    rows, columns = first.shape
    modality, description = (str(first.header.get(tag, "")) for tag in ("Modality", "SeriesDescription"))
    TE, TR, TI = (facts(first).get(name, 0.0) for name in ("TE", "TR", "TI"))
    return Series(n, first.uid, modality, description, (columns, rows, len(group)), TE, TR, TI, first.component)


def facts(frame: Frame) -> dict[str, float]:
    """TE, TR, TI [s], FA [rad], B0 [T], as far as they are said."""
    found = {"TE": frame.TE_ms * ms} if frame.TE_ms else {}
    for name, sequence, tag, unit in FACTS:
        value = number(said(frame.header, frame.index, sequence, tag))
        if value and value > 0 and name not in found:
            found[name] = value * unit
    return found
