"""A NIfTI member of a sample → voxels, in memory and with a limit on how large it may become."""

from __future__ import annotations

import math
import zlib

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.dataset.shards_index import AGAIN
from spinloom.files.gate import DEFAULT_CAP_BYTES

HEADER_BYTES = 352
GZIP = 16 + zlib.MAX_WBITS


def voxels(data: bytes, member: str, *, cap_bytes: int = DEFAULT_CAP_BYTES) -> NDArray[np.float32 | np.integer]:
    """(x, y, z) of a gzipped NIfTI-1 file as Spinloom writes it.

        value = scl_slope * stored + scl_inter

    Integers without scaling stay integers, everything else becomes float32. member: its name, for messages.
    Raises InputError for what is no such file, is cut short, or would hold more than cap_bytes.
    """
    unpack = zlib.decompressobj(GZIP)
    try:
        head = unpack.decompress(data, HEADER_BYTES)
        header = nib.Nifti1Header(head[:348])
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
        size, offset = math.prod(shape) * dtype.itemsize, int(header["vox_offset"])
        if min(shape, default=0) < 1 or not HEADER_BYTES <= offset <= 2**16 or size > cap_bytes:
            raise InputError(f"{member} announces {shape} voxels of {dtype}", remedy=AGAIN)
        body = unpack.decompress(unpack.unconsumed_tail, offset - HEADER_BYTES + size)
    except (zlib.error, HeaderDataError, WrapStructError, TypeError) as error:
        raise InputError(f"{member} is no gzipped NIfTI ({error})", remedy=AGAIN) from None
    if len(body) != offset - HEADER_BYTES + size:
        raise InputError(f"{member} is cut short", remedy=AGAIN)
    stored = np.frombuffer(body, dtype, offset=offset - HEADER_BYTES).reshape(shape, order="F")
    slope, inter = header.get_slope_inter()
    if (slope, inter) in ((None, None), (1.0, 0.0)) and dtype.kind in "iu":
        return stored.astype(dtype.newbyteorder("="))
    return (stored * np.float64(1 if slope is None else slope) + float(inter or 0)).astype(np.float32)


def affine_of(data: bytes, member: str) -> NDArray[np.float64]:
    """(4, 4) where a gzipped NIfTI lies [mm]. Raises InputError for what is no such file."""
    try:
        head = zlib.decompressobj(GZIP).decompress(data, HEADER_BYTES)
        return np.asarray(nib.Nifti1Header(head[:348]).get_best_affine(), np.float64)
    except (zlib.error, HeaderDataError, WrapStructError) as error:
        raise InputError(f"{member} is no gzipped NIfTI ({error})", remedy=AGAIN) from None
