"""Frames in order → one array of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, MachineError
from spinloom.io.dicom_files import module, named, quiet
from spinloom.io.dicom_frames import Frame, number
from spinloom.io.dicom_kinds import MOST_VOXELS

AIR_HU = -1000
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def values(ordered: list[Frame], path: Path) -> NDArray[Any]:
    """(x, y, z): columns, rows, slices.

        value = slope stored + intercept

    Whole numbers stay integers; others become float32. What a CT marks as lying outside of its circle becomes air,
    -1000 HU.
    """
    rows, columns = ordered[0].shape
    if rows * columns * len(ordered) > MOST_VOXELS:
        raise InputError(
            f"claims {rows} x {columns} x {len(ordered)} voxels, more than the limit",
            file=path,
            remedy="Export a part of the series.",
        )
    whole = all(f.slope.is_integer() and f.intercept.is_integer() for f in ordered)
    data: NDArray[Any] | None = None
    decoded: tuple[object, NDArray[Any]] = (None, np.empty(0))
    for k, frame in enumerate(ordered):
        if frame.source != decoded[0]:
            decoded = (frame.source, _decoded(frame, path))
        stored = decoded[1] if decoded[1].ndim == 2 else decoded[1][frame.index]
        if data is None:
            whole = whole and all(_fits(stored.dtype, f) for f in ordered)
            data = _room((len(ordered), rows, columns), np.int32 if whole else np.float32, path)
        with np.errstate(over="ignore", invalid="ignore"):  # infinity is refused below
            data[k] = _scaled(stored, frame)
    assert data is not None
    if not np.isfinite(data).all():
        raise InputError("holds NaN or infinite values", file=path, remedy="Export it again.")
    kind = np.int16 if whole and data.min() >= -(2**15) and data.max() < 2**15 else data.dtype
    return np.ascontiguousarray(data.astype(kind, copy=False).transpose(2, 1, 0))


def _fits(stored: np.dtype[Any], frame: Frame) -> bool:
    """Whether the frame's values are sure to be integers of 32 bits."""
    if stored.kind not in "iu":
        return False
    ends = [frame.slope * float(end) + frame.intercept for end in (np.iinfo(stored).min, np.iinfo(stored).max)]
    return max(map(abs, ends)) < 2**31


def _scaled(stored: NDArray[Any], frame: Frame) -> NDArray[Any]:
    value = stored * np.float64(frame.slope) + frame.intercept
    padding = number(frame.header.get("PixelPaddingValue"))
    if padding is None or frame.header.get("Modality") != "CT":
        return np.asarray(value)
    limit = number(frame.header.get("PixelPaddingRangeLimit"))
    # said signed or unsigned, whatever the pixels are: the bits are what counts
    ends = np.array([padding, padding if limit is None else limit]).astype(np.int64).astype(stored.dtype)
    return np.where((stored >= ends.min()) & (stored <= ends.max()), AIR_HU, value)


def _room(shape: tuple[int, int, int], dtype: type[Any], path: Path) -> NDArray[Any]:
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        raise MachineError(
            f"not enough memory for {' x '.join(map(str, shape))} voxels",
            file=path,
            remedy="Close other programs, or use a machine with more memory.",
        ) from error


def _decoded(frame: Frame, path: Path) -> NDArray[Any]:
    """All that is stored in the frame's file: (rows, columns), or (frames, rows, columns)."""
    pydicom = module()
    with named(frame.source, path):
        with frame.source.opened() as stream, quiet():
            full = pydicom.dcmread(stream)
        if not any(tag in full for tag in PIXELS):
            raise InputError(f"{frame.source.name} holds no pixels", file=path, remedy="Copy it again.")
    try:
        with quiet():
            found = np.asarray(full.pixel_array)
    except MemoryError as error:
        raise MachineError(
            f"not enough memory to decode {frame.source.name}",
            file=path,
            remedy="Close other programs, or use a machine with more memory.",
        ) from error
    except Exception as error:  # decoders fail in many ways; the file and the reason are named
        kind = getattr(getattr(full.file_meta, "TransferSyntaxUID", None), "name", "an unknown transfer syntax")
        missing = "missing dependencies" in str(error)
        reason = "no decoder is installed" if missing else " ".join(str(error).split())[:200]
        raise InputError(
            f"{frame.source.name}: its pixels ({kind}) cannot be decoded: {reason}",
            file=path,
            remedy="pip install python-gdcm, or convert the series with gdcmconv --raw."
            if missing
            else "It may be cut short: copy or export it again.",
        ) from error
    if found.shape[-2:] != frame.shape or found.ndim > 3:
        raise InputError(
            f"{frame.source.name}: decodes to {found.shape}, {frame.shape} is said",
            file=path,
            remedy="Export it again uncompressed.",
        )
    return found
