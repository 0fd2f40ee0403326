"""One DICOM series, from a folder or a zip → Image in RAS+ millimetres; HU for CT.

Slices are sorted by where they lie, never by name or number. A tilted gantry makes a sheared grid, which is kept. What
does not make one even grid is refused with its reason: missing, doubled or unevenly spaced slices, several series.
Names, numbers and dates of people are not read.

DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (functional groups), C.11.1 (rescale).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.units import deg, ms
from spinloom.io.dicom_files import headers, module, quiet
from spinloom.io.dicom_frames import Frame, frames

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
EVEN = 0.03
"""Of the step between slices, by which they may lie off an even grid."""
TILT_DEG = 0.1
QUANTITIES = {"CT": Quantity.HU, "SEG": Quantity.LABEL}
FACTS = {
    "EchoTime": ("TE", ms),
    "RepetitionTime": ("TR", ms),
    "InversionTime": ("TI", ms),
    "FlipAngle": ("FA", deg),
    "MagneticFieldStrength": ("B0", 1.0),
}


@dataclass(frozen=True)
class Series:
    """What a folder or zip holds: one series, or one echo of it.

    number       to ask for it by, from 1
    modality     MR, CT ...;  description  as the scanner's user wrote it
    shape        columns, rows, slices
    TE           [s]; 0 if none
    """

    number: int
    modality: str
    description: str
    shape: tuple[int, int, int]
    TE: float


def list_series(path: str | os.PathLike[str]) -> tuple[Series, ...]:
    """What a folder or zip holds, in order of series and echo.

    Raises InputError if it holds no DICOM images, or a file that is broken.
    """
    return tuple(_series(n, group) for n, group in enumerate(_groups(Path(path)), start=1))


def read_series(path: str | os.PathLike[str], *, series: int | None = None, fill: bool = False) -> Image:
    """A DICOM series.

        position = IPP + column spacing (row cosines) i + row spacing (column cosines) j,   LPS → RAS

    path    a folder, a zip, or one file
    series  which, as list_series numbers them; None: there must be only one
    fill    interpolate linearly between slices that are missing or unevenly spaced, at their commonest spacing, and say
            so in info["filled"]

    Raises InputError naming what is in the way: see above; MachineError without pydicom.
    """
    place = Path(path)
    groups = _groups(place)
    if series is None and len(groups) > 1:
        held = "; ".join(f"{s.number}: {_told(s)}" for s in (_series(n, g) for n, g in enumerate(groups, start=1)))
        raise InputError(
            f"holds {len(groups)} series ({held})", file=place, remedy="Say which: series=1, or a folder for each."
        )
    if series is not None and not 1 <= series <= len(groups):
        raise InputError(f"has no series {series}: it holds {len(groups)}", file=place)
    group = groups[(series or 1) - 1]
    affine, ordered, at = _grid(group, place, fill)
    data = _pixels(ordered, place)
    header = ordered[0].header
    facts = dict(_facts(header, ordered[0]))
    if at is not None:
        facts["filled"] = f"{len(at)} slices interpolated from {len(ordered)}"
        data = _between(data.astype(np.float32), at)
    quantity = QUANTITIES.get(str(header.get("Modality", "")), Quantity.SIGNAL)
    return Image(data, affine, quantity, MappingProxyType(facts))


def _between(data: NDArray[Any], at: NDArray[np.float64]) -> NDArray[Any]:
    """Slices at fractional numbers `at` (m,) of slices data (x, y, z)."""
    low = np.clip(np.floor(at).astype(int), 0, data.shape[2] - 2)
    share = (at - low).astype(np.float32)
    return np.asarray(data[..., low] * (1 - share) + data[..., low + 1] * share)


def _groups(path: Path) -> list[list[Frame]]:
    if not path.exists():
        raise InputError("no such file or folder", file=path, remedy="Check the path.")
    found: dict[tuple[Any, ...], list[Frame]] = {}
    faults: list[InputError] = []
    for source, header in headers(path):
        try:
            for frame in frames(source, header):
                found.setdefault(frame.series, []).append(frame)
        except InputError as refused:
            faults.append(refused)
    if not found:
        raise faults[0] if faults else InputError("holds no DICOM images", file=path)
    for fault in faults[:3]:
        warnings.warn(f"left out: {fault}", stacklevel=3)
    return [found[key] for key in sorted(found)]


def _series(number: int, group: list[Frame]) -> Series:
    first = group[0]
    header = first.header
    shape = (int(header.Columns), int(header.Rows), len(group))
    return Series(
        number, str(header.get("Modality", "")), str(header.get("SeriesDescription", "")), shape, first.series[1] * ms
    )


def _told(s: Series) -> str:
    echo = f", TE {s.TE / ms:g} ms" if s.TE else ""
    return f"{s.modality} {s.description or 'without a name'} {' x '.join(map(str, s.shape))}{echo}"


def _grid(
    group: list[Frame], path: Path, fill: bool
) -> tuple[NDArray[np.float64], list[Frame], NDArray[np.float64] | None]:
    """Affine (4, 4); the frames in order along the normal of their plane; None, or the fractional numbers of those at
    which slices of an even grid lie."""
    first = group[0]
    normal = np.cross(first.along[0], first.along[1])
    spacings = {tuple(np.round(f.spacing, 4)) for f in group}
    if len(spacings) > 1:
        raise InputError(f"its slices differ in pixel spacing: {sorted(spacings)} mm", file=path)
    ordered = sorted(group, key=lambda f: float(f.position @ normal))
    positions = np.array([f.position for f in ordered])
    along, n = positions @ normal, len(ordered)
    at = None
    if n == 1:
        step = normal * first.thickness
    else:
        _require_even(ordered, along, path, fill)
        whole = positions[-1] - positions[0]
        off = np.linalg.norm(
            positions - positions[0] - np.outer((along - along[0]) / (along[-1] - along[0]), whole), axis=1
        )
        if off.max() > EVEN * np.linalg.norm(whole) / (n - 1) + 1e-3:
            raise InputError(
                f"its slices lie up to {off.max():.2f} mm off a straight line",
                file=path,
                remedy="Are two scans mixed in one folder? Keep one of them.",
            )
        step = whole / (n - 1)
        if fill and _uneven(along).size:
            gaps, count = np.unique(np.round(np.diff(along), 2), return_counts=True)
            step = whole * gaps[np.argmax(count)] / (along[-1] - along[0])
            places = np.arange(along[0], along[-1] + 1e-3, float(step @ normal))
            at = np.interp(places, along, np.arange(n, dtype=float))
    _tell_of_tilt(step, normal, path)
    affine = np.eye(4)
    affine[:3, 0] = first.along[0] * first.spacing[0]
    affine[:3, 1] = first.along[1] * first.spacing[1]
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    return LPS_TO_RAS @ affine, ordered, at


def _tell_of_tilt(step: NDArray[np.float64], normal: NDArray[np.float64], path: Path) -> None:
    tilt = float(np.degrees(np.arccos(np.clip(abs(step @ normal) / np.linalg.norm(step), 0, 1))))
    if tilt > TILT_DEG:
        warnings.warn(
            f"{path}: the gantry was tilted by {tilt:.1f}°; the grid is kept as it is, sheared: resample it before you "
            "take its axes for right-angled",
            stacklevel=4,
        )


def _uneven(along: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which gaps are not the usual one."""
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    return np.flatnonzero(np.abs(gaps - usual) > EVEN * usual + 1e-3)


def _require_even(ordered: list[Frame], along: NDArray[np.float64], path: Path, fill: bool) -> None:
    gaps = np.diff(along)
    if (doubled := np.flatnonzero(gaps < 1e-3)).size:
        a, b = ordered[doubled[0]], ordered[doubled[0] + 1]
        raise InputError(
            f"{len(doubled)} places are imaged more than once, the first by {_name(a)} and {_name(b)}",
            file=path,
            remedy="Keep one time point, coil or weighting of the series in the folder.",
        )
    odd = _uneven(along)
    if fill or not odd.size:
        return
    times = gaps[odd] / float(np.median(gaps))
    whole = (np.abs(times - np.round(times)) < 0.1).all() and (times > 1.5).all()
    after = _name(ordered[odd[0]])
    if whole:
        missing = int(np.round(times - 1).sum())
        raise InputError(
            f"{missing} of {len(ordered) + missing} slices are missing, the first after {after}",
            file=path,
            remedy="Find them, keep the slices of one side of the gap, or interpolate (fill=True).",
        )
    raise InputError(
        f"its slices are spaced unevenly: {gaps.min():.2f} to {gaps.max():.2f} mm, the first change after {after}",
        file=path,
        remedy="Keep the slices of one spacing in the folder, or interpolate (fill=True).",
    )


def _pixels(ordered: list[Frame], path: Path) -> NDArray[Any]:
    """(x, y, z): columns, rows, slices, scaled; integers stay integers where nothing is scaled."""
    stored: dict[Any, NDArray[Any]] = {}
    slices = []
    for frame in ordered:
        if frame.source not in stored:
            stored = {frame.source: _decoded(frame, path)}
        plane = stored[frame.source]
        flat = plane if plane.ndim == 2 else plane[frame.index]
        scaled = (
            flat if (frame.slope, frame.intercept) == (1.0, 0.0) else flat * np.float64(frame.slope) + frame.intercept
        )
        slices.append(_padded(scaled, flat, frame).T)
    data = np.stack(slices, axis=2)
    return data if data.dtype.kind in "iu" else data.astype(np.float32)


def _padded(scaled: NDArray[Any], flat: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """What a CT puts outside of its circle counts as air."""
    padding = frame.header.get("PixelPaddingValue")
    if padding is None or str(frame.header.get("Modality", "")) != "CT":
        return scaled
    return np.where(flat == int(padding), np.asarray(-1000, scaled.dtype), scaled)


def _decoded(frame: Frame, path: Path) -> NDArray[Any]:
    pydicom = module()
    try:
        with quiet():
            full = pydicom.dcmread(frame.source.open())
            if not any(tag in full for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
                raise InputError(f"{frame.source.name} holds no pixels", file=path)
            return np.asarray(full.pixel_array)
    except InputError:
        raise
    except Exception as error:  # decoders fail in many ways; the file and the reason are named
        syntax = getattr(getattr(frame.header, "file_meta", None), "TransferSyntaxUID", None)
        kind = getattr(syntax, "name", "an unknown transfer syntax")
        raise InputError(
            f"{frame.source.name}: its pixels ({kind}) cannot be decoded: {' '.join(str(error).split())[:200]}",
            file=path,
            remedy="Install a decoder (pip install 'pylibjpeg[all]'), or convert the series.",
        ) from error


def _facts(header: Any, frame: Frame) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for tag, (name, unit) in FACTS.items():
        try:
            found[name] = float(header.get(tag)) * unit
        except (TypeError, ValueError):
            continue
    if frame.series[1]:
        found["TE"] = frame.series[1] * ms
    for tag, name in (("Modality", "modality"), ("Manufacturer", "manufacturer"), ("ManufacturerModelName", "model")):
        if header.get(tag):
            found[name] = str(header.get(tag))
    return MappingProxyType(found)


def _name(frame: Frame) -> str:
    return frame.source.name + (
        f" frame {frame.index + 1}" if int(frame.header.get("NumberOfFrames", 1) or 1) > 1 else ""
    )
