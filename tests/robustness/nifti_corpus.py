"""Bad (and odd) NIfTI files, each made by code: a good file and one thing changed."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

SHAPE = (8, 9, 10)
AFFINE = np.array([[2.0, 0, 0, -7], [0, 2, 0, -8], [0, 0, 2, -9], [0, 0, 0, 1]])


def volume() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(100, 10, SHAPE).astype(np.float32)


def nifti(data: NDArray[np.generic] | None = None, affine: NDArray[np.float64] = AFFINE, **fields: object) -> bytes:
    """A single-file NIfTI-1 with header fields overridden afterwards."""
    data = volume() if data is None else data
    header = nib.Nifti1Header()
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    header.set_xyzt_units("mm", "sec")
    header.set_sform(affine, 1)
    header.set_qform(affine, 1)
    header["vox_offset"] = 352
    for name, value in fields.items():
        header[name] = value
    return bytes(header.structarr.tobytes()) + b"\0\0\0\0" + data.tobytes(order="F")


def write(folder: Path, content: bytes, name: str = "x.nii") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content, 1, mtime=0) if name.endswith(".gz") else content)
    return path


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


def bomb() -> bytes:
    """2 MB of gzip that honestly declares and holds 2 GB of zeros."""
    head = nifti(np.zeros((1, 1, 1), np.int16), dim=[3, 1024, 1024, 1024, 1, 1, 1, 1])[:352]
    squeeze = zlib.compressobj(9, wbits=31)
    start = squeeze.compress(head) + squeeze.flush(zlib.Z_FULL_FLUSH)
    chunk = squeeze.compress(bytes(1 << 24)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return start + 128 * chunk + squeeze.flush()


def zipped(folder: Path) -> Path:
    path = folder / "x.nii.gz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.nii", nifti())
    return path


def fifo(folder: Path) -> Path:
    path = folder / "x.nii"
    os.mkfifo(path)
    return path


def link_loop(folder: Path) -> Path:
    (folder / "a.nii").symlink_to(folder / "b.nii")
    (folder / "b.nii").symlink_to(folder / "a.nii")
    return folder / "a.nii"


def dangling(folder: Path) -> Path:
    (folder / "a.nii.gz").symlink_to(folder / ".git/annex/objects/gone.nii.gz")
    return folder / "a.nii.gz"


def directory(folder: Path) -> Path:
    (folder / "x.nii.gz").mkdir()
    return folder / "x.nii.gz"


def flipped_byte(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def sform(rows: object) -> dict[str, object]:
    A = np.asarray(rows, float)
    return {"srow_x": A[0], "srow_y": A[1], "srow_z": A[2]}
