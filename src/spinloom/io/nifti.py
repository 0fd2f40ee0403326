"""NIfTI-1 and NIfTI-2, plain or gzipped ↔ Image."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.files import gate
from spinloom.io.nifti_affine import AffineChoice, world_affine
from spinloom.io.nifti_header import Header, read_header
from spinloom.io.nifti_write import write_image as write_image
from spinloom.io.plausible import require_plausible

__all__ = ["read_image", "read_images", "write_image"]


def read_image(
    path: str | os.PathLike[str],
    *,
    quantity: Quantity | None = None,
    affine: AffineChoice = "auto",
    nonfinite: float | None = None,
) -> Image:
    """One volume.

        value = scl_slope * stored + scl_inter

    Integers without scaling stay integers; scaled ones become float32 (float64 from 32 bits up).

    quantity   what the numbers are; None: a signal. T1 that is plainly in ms and the like is refused.
               LABEL makes integers of whole numbers kept as floats
    affine     "auto", "sform" or "qform": which to believe if the file gives two that disagree
    nonfinite  None: NaN and inf are refused; a number: put in their place

    Raises InputError (file, fault, remedy) for everything else that is not a whole, placed, finite 3D image.
    """
    file = gate.admit(path)
    header = read_header(file)
    if len(header.shape) > 3:
        raise InputError(
            f"holds {math.prod(header.shape[3:])} volumes (shape {header.shape}), one was expected",
            file=path,
            remedy="Give one volume (spinloom.io.nifti.read_images reads a series).",
        )
    return _load(file, header, quantity or Quantity.SIGNAL, affine, nonfinite)[0]


def read_images(
    path: str | os.PathLike[str],
    *,
    quantity: Quantity | None = None,
    affine: AffineChoice = "auto",
    nonfinite: float | None = None,
) -> tuple[Image, ...]:
    """Every volume of a 3D or 4D file, in order; arguments as in read_image."""
    file = gate.admit(path)
    header = read_header(file)
    if len(header.shape) > 4:
        raise InputError(
            f"has shape {header.shape}; three axes, or four for a series, were expected",
            file=path,
            remedy="Split it into series of volumes.",
        )
    return _load(file, header, quantity or Quantity.SIGNAL, affine, nonfinite)


def _load(
    path: Path, header: Header, quantity: Quantity, affine: AffineChoice, nonfinite: float | None
) -> tuple[Image, ...]:
    A = world_affine(header, affine, path)
    stored = gate.read_exactly(path, header.offset + header.voxel_bytes)
    data = np.frombuffer(stored, header.dtype, offset=header.offset).reshape(header.shape, order="F")
    values = _finite(_scaled(data, header), nonfinite, path)
    if quantity is Quantity.LABEL:
        values = _labels(values, path)
    info = {"source": path.name} | ({"description": header.description} if header.description else {})
    frames = [values] if values.ndim == 3 else [values[..., i] for i in range(values.shape[3])]
    for frame in frames:
        require_plausible(frame, quantity, path)
    return tuple(Image(frame, A, quantity, MappingProxyType(info)) for frame in frames)


def _scaled(data: NDArray[Any], header: Header) -> NDArray[Any]:
    """Native byte order, scaled where the file says so."""
    if (header.slope, header.inter) == (1.0, 0.0):
        return data.astype(data.dtype.newbyteorder("="), copy=False)
    if data.dtype.kind == "c":
        return np.asarray(data * header.slope + header.inter, data.dtype.newbyteorder("="))
    narrow = data.dtype.itemsize < 4 or data.dtype == np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        return (data * np.float64(header.slope) + header.inter).astype(np.float32 if narrow else np.float64, copy=False)


def _finite(values: NDArray[Any], nonfinite: float | None, path: str | os.PathLike[str]) -> NDArray[Any]:
    if values.dtype.kind not in "fc":
        return values
    bad = ~np.isfinite(values)
    count = int(np.count_nonzero(bad))
    if count == 0:
        return values
    if nonfinite is None:
        raise InputError(
            f"{count} of {bad.size} voxels are NaN or inf",
            file=path,
            remedy="Put 0 in their place and save it again (in Python: nonfinite=0).",
        )
    return np.where(bad, np.asarray(nonfinite, values.dtype), values)


def _labels(values: NDArray[Any], path: str | os.PathLike[str]) -> NDArray[Any]:
    """Whole, non-negative numbers as integers."""
    if values.dtype.kind == "c":
        raise InputError(
            "holds complex numbers, labels were expected", file=path, remedy="Take the magnitude, or name a label map."
        )
    if values.dtype.kind == "f":
        whole = np.rint(values)
        off = float(np.abs(values - whole).max())
        if off > 1e-3 or float(np.abs(whole).max()) > 2**31 - 1:
            raise InputError(
                "holds numbers that are not whole, labels were expected",
                file=path,
                remedy="Resample labels with nearest neighbour.",
            )
        if off > 0:
            warnings.warn(
                f"{path}: labels differ from whole numbers by up to {off:.1g}; they were rounded.", stacklevel=4
            )
        values = whole.astype(np.int32)
    if values.min() < 0:
        raise InputError(
            f"holds the negative label {int(values.min())}", file=path, remedy="Give labels from 0 up; 0 is background."
        )
    return values
