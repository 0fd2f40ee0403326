"""A DICOM header → its frames: where each lies, how its numbers are scaled, and which series it is of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.io.dicom_kinds import refused, require_image
from spinloom.io.dicom_sources import Source

SPACINGS_MM, FARTHEST_MM = (1e-4, 1e3), 1e5
"""From micro-CT to more than any scanner has; beyond, a header is damaged."""
COMPONENTS = {"P": "PHASE", "PHASE": "PHASE", "R": "REAL", "REAL": "REAL", "I": "IMAGINARY", "IMAGINARY": "IMAGINARY"}


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice.

    source, index    its file, and its number therein
    uid, component   of its series; "" (magnitude, or CT), PHASE, REAL or IMAGINARY
    TE_ms            0 if there is none
    position         of its first pixel, LPS (3,) [mm];  along  unit vectors of columns and rows (2, 3)
    spacing          between columns and between rows [mm];  thickness [mm], None where it is not said
    slope, intercept  value = slope stored + intercept
    """

    source: Source
    index: int
    uid: str
    component: str
    TE_ms: float
    position: NDArray[np.float64]
    along: NDArray[np.float64]
    spacing: NDArray[np.float64]
    thickness: float | None
    slope: float
    intercept: float
    header: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return int(self.header.Rows), int(self.header.Columns)

    @property
    def name(self) -> str:
        return self.source.name + (f" frame {self.index + 1}" if frame_count(self.header) > 1 else "")

    def is_beside(self, other: Frame) -> bool:
        """Whether both belong to one image: series, echo, component, size and orientation agree."""
        return (
            (self.uid, self.component, self.shape) == (other.uid, other.component, other.shape)
            and abs(self.TE_ms - other.TE_ms) <= 0.01 * max(self.TE_ms, other.TE_ms)
            and float(np.abs(self.along - other.along).max()) < 2e-3
        )


def frames(source: Source, header: Any) -> Iterator[Frame]:
    """The frames of a file that holds an image in space.

    Raises InputError naming the file for what is no MR or CT image, and for images without a place.
    """
    if "Rows" not in header or "Columns" not in header:
        return
    require_image(source, header)
    count = frame_count(header)
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    if count > 1 and per_frame is None:
        raise refused(source, f"holds {count} frames and does not say where they lie", "Export it as single slices.")
    if per_frame is not None and len(per_frame) != count:
        raise refused(
            source, f"says {count} frames and describes {len(per_frame)}", "It may be cut short: export it again."
        )
    for index in range(count):
        yield _frame(source, index, header)


def frame_count(header: Any) -> int:
    return int(header.get("NumberOfFrames", 1) or 1)


def said(header: Any, index: int, sequence: str, tag: str) -> Any:
    """A value of one frame: of its functional group, else of the group shared by all, else of the file."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    shared = header.get("SharedFunctionalGroupsSequence")
    for group in (per_frame[index] if per_frame else None, shared[0] if shared else None):
        item = None if group is None else group.get(sequence)
        if item and tag in item[0]:
            return item[0].get(tag)
    return header.get(tag)


def number(value: Any) -> float | None:
    """A finite float, or None."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def _frame(source: Source, index: int, header: Any) -> Frame:
    def vector(sequence: str, tag: str, n: int) -> NDArray[np.float64]:
        values = [number(v) for v in said(header, index, sequence, tag) or ()]
        if len(values) != n or None in values:
            raise refused(source, f"has no usable {tag}: it does not say where it lies", "Export the original images.")
        return np.array(values, float)

    position = vector("PlanePositionSequence", "ImagePositionPatient", 3)
    along = vector("PlaneOrientationSequence", "ImageOrientationPatient", 6).reshape(2, 3)
    spacing = vector("PixelMeasuresSequence", "PixelSpacing", 2)
    size = np.linalg.norm(along, axis=1)
    skewed = np.abs(size - 1).max() > 1e-2 or abs(float(along[0] @ along[1])) > 1e-2
    if skewed or not SPACINGS_MM[0] <= spacing.min() <= spacing.max() <= SPACINGS_MM[1]:
        raise refused(
            source,
            f"has an impossible orientation or spacing: {along.ravel().tolist()}, {spacing.tolist()}",
            "Export the original images, or give the series without it.",
        )
    thickness = number(said(header, index, "PixelMeasuresSequence", "SliceThickness")) or None
    if np.abs(position).max() > FARTHEST_MM or (thickness or 1) > SPACINGS_MM[1]:
        raise refused(
            source,
            f"has an impossible place or thickness: {position.tolist()}, {thickness}",
            "Export the original images, or give the series without it.",
        )
    TE_ms = number(said(header, index, "MREchoSequence", "EffectiveEchoTime")) or number(header.get("EchoTime"))
    slope = _scale(source, header, index, "RescaleSlope")
    shift = _scale(source, header, index, "RescaleIntercept")
    if header.get("Modality") == "CT":
        _require_HU(source, slope, shift, said(header, index, "PixelValueTransformationSequence", "RescaleType"))
    return Frame(
        source=source,
        index=index,
        uid=str(header.get("SeriesInstanceUID", "")),
        component=_component(header, index),
        TE_ms=max(TE_ms or 0.0, 0.0),
        position=position,
        along=along / size[:, None],
        spacing=spacing[::-1].copy(),  # the file says rows first
        thickness=thickness,
        slope=1.0 if slope is None else slope,
        intercept=shift or 0.0,
        header=header,
    )


def _scale(source: Source, header: Any, index: int, tag: str) -> float | None:
    """Rescale slope or intercept; None if it is not said."""
    value = said(header, index, "PixelValueTransformationSequence", tag)
    found = number(value)
    if value not in (None, "") and (found is None or (found == 0 and tag == "RescaleSlope")):
        raise refused(source, f"has a {tag} that is no scale: {value}", "Export the original images.")
    return found


def _component(header: Any, index: int) -> str:
    """Of complex data, what this frame holds; Siemens says it in the third word of the image's type."""
    said_so = said(header, index, "MRImageFrameTypeSequence", "ComplexImageComponent")
    words = [str(v).upper() for v in header.get("ImageType") or ()]
    return COMPONENTS.get(str(said_so).upper(), COMPONENTS.get(words[2], "") if len(words) > 2 else "")


def _require_HU(source: Source, slope: float | None, intercept: float | None, kind: Any) -> None:
    if slope is None or intercept is None:
        raise refused(
            source, "is a CT image without a usable rescale slope and intercept", "Export the original series."
        )
    if kind not in (None, "", "HU"):
        raise refused(
            source, f"is a CT image whose numbers are no HU (its rescale type is {kind})", "Give the original CT."
        )
