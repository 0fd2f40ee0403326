"""The header of a NIfTI file, checked field by field before any voxel is unpacked.

NIfTI-1.1 Data Format, Cox et al., nifti.nimh.nih.gov (2004); NIfTI-2 (2011).
"""

from __future__ import annotations

import math
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.files import gate

VOXEL_CAP_BYTES = 4 * 2**30
BOMB_BYTES = 2**29
BOMB_RATIO = 200
MAX_EXTENSION_BYTES = 64 * 2**20
HEAD_BYTES = 540

DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 32: "c8", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
DTYPES |= {1024: "i8", 1280: "u8", 1792: "c16"}
REFUSED_TYPES = {1: "1-bit", 128: "RGB colour", 1536: "128-bit float", 2048: "256-bit complex", 2304: "RGBA colour"}
UNITS_IN_MM = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}


@dataclass(frozen=True, eq=False)
class Header:
    """What a reader needs to know.

    shape         voxels along each stored axis, at least three
    dtype         of a stored voxel, byte order included
    offset        bytes before the first voxel
    slope, inter  value = slope * stored + inter; 1, 0 where the file says "no scaling"
    sform, qform  (4, 4) as stored in the file's unit, None where the file gives none
    unit_mm       the file's length unit [mm]
    spacing       (3,) pixdim of the first three axes, in the file's unit
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    inter: float
    sform: NDArray[np.float64] | None
    qform: NDArray[np.float64] | None
    unit_mm: float
    spacing: NDArray[np.float64]
    description: str

    @property
    def voxel_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(path: Path) -> Header:
    """The header of an admitted file, or InputError; looks at no more than the first 540 unpacked bytes."""
    head = gate.read_head(path, HEAD_BYTES)
    raw = _recognise(head, path)
    code = int(raw["datatype"])
    if code in REFUSED_TYPES:
        raise InputError(
            f"holds {REFUSED_TYPES[code]} voxels, numbers were expected",
            file=path,
            remedy="Convert it to one number per voxel.",
        )
    if code not in DTYPES:
        raise InputError(f"has the unknown data type code {code}", file=path, remedy=_AGAIN)
    dtype = np.dtype(raw.endianness + DTYPES[code])
    if int(raw["bitpix"]) != 8 * dtype.itemsize:
        raise InputError(
            f"says {int(raw['bitpix'])} bits per voxel, but its type {dtype.name} has {8 * dtype.itemsize}",
            file=path,
            remedy="Its header is damaged: convert it again.",
        )
    slope, inter = _scaling(raw, path)
    header = Header(
        shape=_shape(raw, path),
        dtype=dtype,
        offset=_offset(raw, path),
        slope=slope,
        inter=inter,
        sform=_sform(raw),
        qform=_qform(raw),
        unit_mm=_unit(raw, path),
        spacing=np.asarray(raw["pixdim"][1:4], float),
        description=bytes(raw["descrip"]).split(b"\0")[0].decode("latin-1"),
    )
    _check_size(header, path)
    return header


_AGAIN = "Copy or download it again."


def _recognise(head: bytes, path: Path) -> Any:
    """nibabel's view of the header fields, after the magic says it is a single-file NIfTI."""
    if len(head) >= 348 and head[344:348] == b"ni1\0":
        raise InputError("is the header of a .hdr/.img pair", file=path, remedy="Convert the pair to one .nii file.")
    for kind, size, magic in ((nib.Nifti1Header, 348, slice(344, 348)), (nib.Nifti2Header, 540, slice(4, 8))):
        if len(head) >= size and head[magic][:3] in (b"n+1", b"n+2") and size in _first_int(head):
            return kind(head[:size], check=False, endianness="<" if _first_int(head)[0] == size else ">")
    start = head[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"version https://git-lfs", b"/annex/")):
        raise InputError("is a web page or a pointer, not an image", file=path, remedy="Download the file itself.")
    if head[:4] == b"PK\x03\x04":
        raise InputError("is a zip archive", file=path, remedy="Unpack it first.")
    if len(head) >= 4 and 348 in _first_int(head):
        raise InputError(
            "has a NIfTI size field but not its magic (an Analyze 7.5 file?)", file=path, remedy="Convert it to .nii."
        )
    raise InputError(
        "is not a NIfTI file", file=path, remedy="Expected .nii or .nii.gz; check that it was copied whole."
    )


def _first_int(head: bytes) -> tuple[int, int]:
    return struct.unpack("<i", head[:4])[0], struct.unpack(">i", head[:4])[0]


def _shape(raw: Any, path: Path) -> tuple[int, ...]:
    n = int(raw["dim"][0])
    if not 1 <= n <= 7:
        raise InputError(f"says it has {n} axes", file=path, remedy=_AGAIN)
    shape = tuple(int(d) for d in raw["dim"][1 : n + 1])
    if min(shape) < 1:
        raise InputError(f"has the impossible shape {shape}", file=path, remedy=_AGAIN)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) < 2:
        raise InputError(f"has shape {shape}; an image needs two axes or three", file=path, remedy="Is it an image?")
    return shape if len(shape) > 2 else (*shape, 1)


def _offset(raw: Any, path: Path) -> int:
    offset = float(raw["vox_offset"])
    least = int(raw["sizeof_hdr"])
    if not math.isfinite(offset) or offset != int(offset) or not least <= offset <= MAX_EXTENSION_BYTES:
        raise InputError(f"says its voxels start at byte {offset:g}", file=path, remedy=_AGAIN)
    return int(offset)


def _scaling(raw: Any, path: Path) -> tuple[float, float]:
    """NIfTI: a slope of 0 means no scaling; nibabel writes NaN for the same."""
    slope, inter = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or (math.isnan(slope) and (math.isnan(inter) or inter == 0)):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(inter)):
        raise InputError(f"has the scaling slope {slope} and intercept {inter}", file=path, remedy="Write it again.")
    return slope, inter


def _sform(raw: Any) -> NDArray[np.float64] | None:
    if int(raw["sform_code"]) <= 0:
        return None
    return np.array([raw["srow_x"], raw["srow_y"], raw["srow_z"], [0, 0, 0, 1]], np.float64)


def _qform(raw: Any) -> NDArray[np.float64] | None:
    """R(quaternion) diag(pixdim), third axis flipped where qfac < 0; NaN where the quaternion is not one."""
    if int(raw["qform_code"]) <= 0:
        return None
    b, c, d = (float(raw[f"quatern_{n}"]) for n in "bcd")
    rest = 1.0 - (b * b + c * c + d * d)
    A = np.eye(4)
    if not rest > -1e-4:
        A[:3] = np.nan
        return A
    a = math.sqrt(rest) if rest > 3 * np.finfo(np.float32).eps else 0.0
    b, c, d = (q / math.sqrt(a * a + b * b + c * c + d * d) for q in (b, c, d))
    R = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    qfac = -1.0 if float(raw["pixdim"][0]) < 0 else 1.0
    A[:3, :3] = R * (np.asarray(raw["pixdim"][1:4], float) * [1.0, 1.0, qfac])
    A[:3, 3] = [float(raw[f"qoffset_{n}"]) for n in "xyz"]
    return A


def _unit(raw: Any, path: Path) -> float:
    code = int(raw["xyzt_units"]) & 0x07
    if code not in UNITS_IN_MM:
        raise InputError(f"has the unknown length unit code {code}", file=path, remedy="Set xyzt_units to 2 (mm).")
    if code == 0 and int(raw["xyzt_units"]):
        warnings.warn(f"{path}: gives a unit of time and none of length; lengths were taken as mm.", stacklevel=4)
    return UNITS_IN_MM[code]


def _check_size(header: Header, path: Path) -> None:
    """Refuse what is too large, what cannot be inside, and what unpacks suspiciously well, before unpacking."""
    need, stored = header.offset + header.voxel_bytes, path.stat().st_size
    packed = gate.is_gzip(path)
    if not packed and stored < need:
        raise InputError(f"holds {stored} bytes where its header promises {need}", file=path, remedy=_AGAIN)
    if packed and need > 1032 * stored + 4096:
        raise InputError(
            f"promises {need} bytes, which {stored} compressed bytes cannot hold", file=path, remedy=_AGAIN
        )
    if header.voxel_bytes > VOXEL_CAP_BYTES:
        raise InputError(
            f"its voxels take {header.voxel_bytes / 2**30:.1f} GiB; the limit is {VOXEL_CAP_BYTES / 2**30:.0f} GiB",
            file=path,
            remedy="Crop or downsample it first.",
        )
    if packed and need > BOMB_BYTES and need > BOMB_RATIO * stored:
        raise InputError(
            f"would unpack {stored} bytes into {need}; no real image does",
            file=path,
            remedy="If you trust it, gunzip it and give the .nii.",
        )
