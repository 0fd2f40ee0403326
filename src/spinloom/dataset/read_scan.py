"""Scan → Image, whatever the format."""

from __future__ import annotations

import hashlib
from importlib import import_module

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.scans import Scan
from spinloom.files import hashes


def read_scan(scan: Scan) -> Image:
    """The image of a scan, refused if it cannot be learnt from.

    Raises InputError for a file that cannot be read, NaN or infinite voxels, an image whose voxels are all alike and a
    mask or label map without any label.
    """
    image = _read(scan)
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
    return image


def sha256_scan(scan: Scan) -> str:
    """SHA-256 of a file, or of the names and hashes of a folder's files."""
    if not scan.path.is_dir():
        return hashes.sha256_file(scan.path)
    digest = hashlib.sha256()
    for file in sorted(p for p in scan.path.iterdir() if p.is_file()):
        digest.update(f"{file.name}\0{hashes.sha256_file(file)}\0".encode())
    return digest.hexdigest()


def _read(scan: Scan) -> Image:
    if scan.path.name.lower().endswith(".mha"):
        from spinloom.io.metaimage import read_mha

        return read_mha(scan.path, quantity=scan.quantity)
    if scan.path.name.lower().endswith((".nii", ".nii.gz")):
        from spinloom.io import read_image

        return read_image(scan.path, quantity=scan.quantity)
    try:
        images = import_module("spinloom.io.images")  # by name, as long as only some installations have this reader
    except ModuleNotFoundError as error:
        raise InputError("is neither NIfTI nor MHA", file=scan.path, remedy="Convert it to NIfTI.") from error
    return images.read_any(scan.path, quantity=scan.quantity)
