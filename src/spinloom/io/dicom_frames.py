"""A DICOM header → its frames: where each lies, how its numbers are scaled, and which series it is of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.io.dicom_files import Source

LARGEST_SIDE = 32_768
MOST_VOXELS = 2**31


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice.

    source, index   its file, and its number therein
    series          (uid, echo time [ms], rows, columns, orientation): what must agree within one image
    position        of its first pixel, LPS (3,) [mm];  along  unit vectors of columns and rows (2, 3)
    spacing         between columns and between rows [mm];  thickness [mm]
    slope, intercept  value = slope stored + intercept
    """

    source: Source
    index: int
    series: tuple[Any, ...]
    position: NDArray[np.float64]
    along: NDArray[np.float64]
    spacing: tuple[float, float]
    thickness: float
    slope: float
    intercept: float
    header: Any


def frames(source: Source, header: Any) -> Iterator[Frame]:
    """The frames of a file that holds an image in space.

    Raises InputError naming the file for colour pictures, mosaics, and images without a place.
    """
    if "Rows" not in header or "Columns" not in header:
        return
    _require_image(source, header)
    count = int(header.get("NumberOfFrames", 1) or 1)
    shared = _first(header, "SharedFunctionalGroupsSequence")
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    if count > 1 and per_frame is None:
        raise _refused(source, f"holds {count} frames and does not say where they lie", "Export it as single slices.")
    if per_frame is not None and len(per_frame) != count:
        raise _refused(
            source, f"says {count} frames and describes {len(per_frame)}", "It may be cut short: export it again."
        )
    for index in range(count):
        own = None if per_frame is None else per_frame[index]
        yield _frame(source, index, header, [g for g in (own, shared) if g is not None])


def _frame(source: Source, index: int, header: Any, groups: list[Any]) -> Frame:
    def said(sequence: str, tag: str) -> Any:
        for group in groups:
            item = _first(group, sequence)
            if item is not None and tag in item:
                return item.get(tag)
        return header.get(tag)

    position = _numbers(said("PlanePositionSequence", "ImagePositionPatient"), 3)
    orientation = _numbers(said("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    spacing = _numbers(said("PixelMeasuresSequence", "PixelSpacing"), 2)
    for what, value in (
        ("ImagePositionPatient", position),
        ("ImageOrientationPatient", orientation),
        ("PixelSpacing", spacing),
    ):
        if value is None:
            raise _refused(
                source, f"has no usable {what}: it does not say where it lies", "Export the original images."
            )
    assert position is not None
    assert orientation is not None
    assert spacing is not None
    along = orientation.reshape(2, 3)
    size = np.linalg.norm(along, axis=1)
    if np.abs(size - 1).max() > 1e-2 or abs(float(along[0] @ along[1])) > 1e-2 or spacing.min() <= 0:
        raise _refused(
            source, f"has an impossible orientation or spacing: {orientation.tolist()}, {spacing.tolist()}", None
        )
    TE = _number(said("MREchoSequence", "EffectiveEchoTime")) or _number(header.get("EchoTime")) or 0.0
    key = (
        str(header.get("SeriesInstanceUID", "")),
        round(TE, 3),
        int(header.Rows),
        int(header.Columns),
        tuple(float(v) + 0.0 for v in np.round(orientation, 2)),
    )
    thick = (
        _number(said("PixelMeasuresSequence", "SliceThickness")) or _number(header.get("SpacingBetweenSlices")) or 1.0
    )
    slope = _number(said("PixelValueTransformationSequence", "RescaleSlope"))
    shift = _number(said("PixelValueTransformationSequence", "RescaleIntercept"))
    return Frame(
        source, index, key, position, along / size[:, None], (float(spacing[1]), float(spacing[0])), thick,
        1.0 if slope is None else slope, shift or 0.0, header,
    )  # fmt: skip


def _require_image(source: Source, header: Any) -> None:
    rows, columns, count = int(header.Rows), int(header.Columns), int(header.get("NumberOfFrames", 1) or 1)
    if not (
        0 < rows <= LARGEST_SIDE and 0 < columns <= LARGEST_SIDE and 0 < count and rows * columns * count <= MOST_VOXELS
    ):
        raise _refused(source, f"claims {rows} x {columns} x {count} pixels", "It is damaged: export it again.")
    if int(header.get("SamplesPerPixel", 1) or 1) != 1:
        raise _refused(
            source, "is a colour picture, not an image of one number per pixel", "Export the original series."
        )
    if "MOSAIC" in [str(v).upper() for v in header.get("ImageType", ())]:
        raise _refused(source, "is a Siemens mosaic", "Convert it with dcm2niix first.")


def _first(group: Any, name: str) -> Any:
    found = group.get(name)
    return found[0] if found else None


def _numbers(value: Any, n: int) -> NDArray[np.float64] | None:
    try:
        found = np.array([float(v) for v in value])
    except (TypeError, ValueError):
        return None
    return found if len(found) == n and np.isfinite(found).all() else None


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def _refused(source: Source, fault: str, remedy: str | None) -> InputError:
    return InputError(f"{source.name} {fault}" if source.member else fault, file=source.path, remedy=remedy)
