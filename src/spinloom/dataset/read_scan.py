"""Scan → Image, whatever the format."""

from __future__ import annotations

import hashlib

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.field_units import in_unit, stored_as
from spinloom.dataset.find_files import SLICES, suffix_of
from spinloom.dataset.offset import require_no_offset
from spinloom.dataset.scans import Scan
from spinloom.files import hashes
from spinloom.io.images import read_any
from spinloom.io.metaimage import voxel_file
from spinloom.io.slice_folder import read_stack

PICTURE_MM = (1.0, 1.0, 1.0)
"""Voxel size of pictures and plain arrays, which do not know it [mm]."""


def size_is_assumed(scan: Scan) -> bool:
    """Whether a scan is made of pictures or plain arrays, so that its voxel size is only a convention."""
    files = scan.path.iterdir() if scan.path.is_dir() else (scan.path,)
    return any(suffix_of(file.name) in SLICES for file in files)


def read_scan(scan: Scan) -> Image:
    """The image of a scan, refused if it cannot be learnt from. Pictures get voxels of 1 mm (see `size_is_assumed`);
    field maps are in Hz and B1 maps relative to nominal, whatever unit their sidecar names (see `field_units`).

    Raises InputError for a file that cannot be read, NaN or infinite voxels, an image whose voxels are all alike, a CT
    stored with an offset, and a mask or label map without any label.
    """
    if scan.slices:
        files = [file for _, file in scan.slices]
        image = read_stack(files, scan.path, spacing_mm=PICTURE_MM, quantity=stored_as(scan))
    else:
        image = read_any(scan.path, quantity=stored_as(scan), spacing_mm=PICTURE_MM)
    image = in_unit(image, scan)
    values = image.data
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        raise InputError("holds NaN or infinite voxels", file=scan.path, remedy="Leave it out or repair it.")
    if image.quantity is Quantity.LABEL:
        if not np.any(values):
            raise InputError(f"is an empty {scan.contrast}: no voxel is labelled", file=scan.path)
    elif values.min() == values.max():
        raise InputError(
            f"is constant: every voxel is {values.flat[0]}", file=scan.path, remedy="Leave it out or export it again."
        )
    require_no_offset(image, scan.path)
    return image


def sha256_scan(scan: Scan) -> str:
    """SHA-256 of a file, or of the names and hashes of its slices, its header and voxels, or a folder's files."""
    if scan.slices:
        files = [file for _, file in scan.slices]
    elif scan.path.is_dir():
        files = sorted(p for p in scan.path.iterdir() if p.is_file())
    elif scan.path.suffix.lower() == ".mhd":
        files = [scan.path, voxel_file(scan.path)]
    else:
        return hashes.sha256_file(scan.path)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{hashes.sha256_file(file)}\0".encode())
    return digest.hexdigest()
