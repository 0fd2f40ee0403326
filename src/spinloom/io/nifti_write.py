"""Image → NIfTI: sform and qform alike, millimetres and seconds, the same bytes for the same image."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import DTypeLike, NDArray

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.files import atomic

STORABLE = tuple(np.dtype(t) for t in ("u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8", "c8", "c16"))
SCANNER, OFFSET = 1, {nib.Nifti1Header: 352, nib.Nifti2Header: 544}


def write_image(
    image: Image, path: str | os.PathLike[str], *, dtype: DTypeLike | None = None, description: str = ""
) -> None:
    """Write .nii or .nii.gz.

    For an integer type, other than whole numbers that fit as they are and HU,

        stored = round(value / slope),   slope = max|value| / max(integer), rounded up to three digits

    so that a last-bit difference between processors moves a voxel by one step at most.

    image        the image
    path         ends in .nii or .nii.gz
    dtype        None: float32 for real numbers, complex64 for complex ones, and for integers and labels the
                 smallest of uint8, int16, uint16, int32 that holds them
    description  up to 79 characters kept in the header

    Raises InputError for NaN or inf, UsageError for a type NIfTI does not have or that cannot hold the values.
    """
    atomic.write_bytes(path, encode_image(image, path, dtype=dtype, description=description))


def encode_image(
    image: Image, path: str | os.PathLike[str], *, dtype: DTypeLike | None = None, description: str = ""
) -> bytes:
    """What write_image would write to `path`; nothing is written."""
    suffix = "".join(Path(path).suffixes[-2:])
    if not suffix.endswith((".nii", ".nii.gz")):
        raise UsageError(f"'{Path(path).name}' should end in .nii or .nii.gz")
    data = np.asarray(image.data)
    if data.dtype.kind in "fc" and not np.all(np.isfinite(data)):
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(data))} voxels are NaN or inf; this is not written",
            file=path,
            remedy="Put 0 in their place first.",
        )
    target = _target(data, image.quantity, dtype)
    stored, slope = _quantised(data, target, image.quantity)
    content = _header(image, target, slope, description) + np.ascontiguousarray(stored.T).tobytes()
    return atomic.gzip_bytes(content) if suffix.endswith(".gz") else content


def _target(data: NDArray[Any], quantity: Quantity, dtype: DTypeLike | None) -> np.dtype[Any]:
    if dtype is not None:
        target = np.dtype(dtype).newbyteorder("<")
        if np.dtype(dtype) not in STORABLE:
            raise UsageError(
                f"NIfTI has no {np.dtype(dtype)} voxels", remedy="Use int16, float32, or uint8 for labels."
            )
        if data.dtype.kind == "c" and target.kind != "c":
            raise UsageError(f"complex values do not fit in {np.dtype(dtype)}", remedy="Take the magnitude first.")
        return target
    if data.dtype.kind in "fc" and quantity is not Quantity.LABEL:
        return np.dtype("<c8" if data.dtype.kind == "c" else "<f4")
    low, high = (int(data.min()), int(data.max())) if data.size else (0, 0)
    for name in ("u1", "i2", "u2", "i4"):
        info = np.iinfo(name)
        if info.min <= low and high <= info.max:
            return np.dtype(name).newbyteorder("<")
    raise UsageError(f"integers from {low} to {high} do not fit in 32 bits")


def _quantised(data: NDArray[Any], target: np.dtype[Any], quantity: Quantity) -> tuple[NDArray[Any], float]:
    """Voxels as stored, and the slope that turns them back."""
    if target.kind in "fc":
        with np.errstate(over="ignore"):
            stored = data.astype(target)
        if not np.all(np.isfinite(stored)):
            raise UsageError(
                f"values up to {np.abs(data).max():.3g} do not fit in {target.name}", remedy="Use float64."
            )
        return stored, 1.0
    if data.dtype.kind == "b":
        return data.astype(target), 1.0
    info = np.iinfo(target)
    low, high = (float(data.min()), float(data.max())) if data.size else (0.0, 0.0)
    whole = data.dtype.kind in "iu" or quantity in (Quantity.LABEL, Quantity.HU) or bool(np.all(data == np.rint(data)))
    if whole and info.min <= low and high <= info.max:
        if quantity is Quantity.LABEL and data.dtype.kind == "f" and not np.all(data == np.rint(data)):
            raise UsageError("labels must be whole numbers")
        return np.rint(data).astype(target), 1.0
    if quantity in (Quantity.LABEL, Quantity.HU):
        raise UsageError(f"values from {low:g} to {high:g} do not fit in {target.name}")
    if low < 0 and info.min == 0:
        raise UsageError(f"negative values do not fit in {target.name}", remedy="Use int16.")
    slope = _round_up(max(abs(low), abs(high)) / info.max)
    return np.clip(np.rint(data / slope), info.min, info.max).astype(target), slope


def _round_up(x: float) -> float:
    """The next number of three significant digits, as the float32 that the header keeps (never below x)."""
    digit = 10.0 ** (math.floor(math.log10(x)) - 2)
    slope = np.float32(math.ceil(x / digit) * digit)
    return float(slope if slope >= x else np.nextafter(slope, np.float32(np.inf)))


def _header(image: Image, target: np.dtype[Any], slope: float, description: str) -> bytes:
    kind = nib.Nifti1Header if max(image.data.shape) <= np.iinfo(np.int16).max else nib.Nifti2Header
    header = kind(endianness="<")
    header.set_data_shape(image.data.shape)
    header.set_data_dtype(target)
    header.set_xyzt_units("mm", "sec")
    header.set_sform(image.affine, SCANNER)
    header["pixdim"][1:4] = voxel_sizes_mm(image.affine)
    axes = image.affine[:3, :3] / voxel_sizes_mm(image.affine)
    if np.abs(axes.T @ axes - np.eye(3)).max() < 1e-4:
        header.set_qform(image.affine, SCANNER)
    else:
        warnings.warn("a sheared affine has no qform; only the sform was written.", stacklevel=5)
    header["scl_slope"], header["scl_inter"] = slope, 0.0
    header["vox_offset"] = OFFSET[kind]
    header["descrip"] = description.encode("ascii", "replace")[:79]
    if image.quantity is Quantity.LABEL:
        header.set_intent("label")
    return bytes(header.binaryblock) + b"\0\0\0\0"
