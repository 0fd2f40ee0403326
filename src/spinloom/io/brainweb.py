"""BrainWeb anatomical models: MINC label volumes, and headerless bytes recognised by their size.

Aubert-Broche, Collins & Evans, NeuroImage 32, 138 (2006).
"""

from __future__ import annotations

import math
import os
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import centred
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.files import gate
from spinloom.io.safe_h5 import open_h5

CAP_BYTES = 2**30
MINC1_MAGIC = b"CDF"
N_CLASSES = 12
OFF_LABEL = 0.05
RAW_GRIDS = {
    181 * 217 * 181: ((181, 217, 181), 1.0, (-90.0, -126.0, -72.0)),
    362 * 434 * 362: ((362, 434, 362), 0.5, (-90.25, -126.25, -72.25)),
}


def read_minc(path: str | os.PathLike[str]) -> Image:
    """A MINC-1 or MINC-2 volume (plain or gzipped) of whole numbers as labels.

    Raises InputError for damage, more than three axes, or values that are not whole.
    """
    file = gate.admit(path, cap_bytes=CAP_BYTES)
    content = _all_bytes(file)
    try:
        if content[:3] == MINC1_MAGIC:
            holder = {"image": nib.FileHolder(fileobj=BytesIO(content))}
            volume = nib.Minc1Image.from_file_map(holder, mmap=False)
        else:
            with open_h5(path):
                volume = nib.Minc2Image.from_filename(os.fspath(file))
        if volume.ndim != 3 or math.prod(volume.shape) * 8 > CAP_BYTES * 4:
            raise InputError(
                f"has shape {volume.shape}; three axes were expected", file=path, remedy="Export one volume."
            )
        values = np.asanyarray(volume.dataobj)
    except InputError:
        raise
    except Exception as error:  # netCDF and MINC damage surfaces as many kinds
        raise InputError(
            f"is not a readable MINC volume ({str(error)[:150]})", file=path, remedy="Copy it again."
        ) from error
    return Image(_whole(values, path), volume.affine, Quantity.LABEL, MappingProxyType({"source": Path(path).name}))


def read_raw(path: str | os.PathLike[str]) -> Image:
    """Headerless unsigned bytes, x fastest, of BrainWeb's 1 mm (181 x 217 x 181) or 0.5 mm (362 x 434 x 362) grid."""
    file = gate.admit(path, cap_bytes=CAP_BYTES)
    content = _all_bytes(file)
    if len(content) not in RAW_GRIDS:
        raise InputError(
            f"holds {len(content)} bytes; BrainWeb's raw volumes hold {' or '.join(map(str, RAW_GRIDS))}",
            file=path,
            remedy="Convert it to NIfTI.",
        )
    shape, size, start = RAW_GRIDS[len(content)]
    affine = centred(shape, size)
    affine[:3, 3] = start
    data = _unstretched(np.frombuffer(content, np.uint8)).reshape(shape, order="F")
    return Image(data, affine, Quantity.LABEL, MappingProxyType({"source": Path(path).name}))


def _all_bytes(file: Path) -> bytes:
    with gate.open_stream(file) as stream:
        content = stream.read(CAP_BYTES + 1)
    if len(content) > CAP_BYTES:
        raise InputError(
            f"unpacks to more than {CAP_BYTES / 2**30:.0f} GiB",
            file=file,
            remedy="BrainWeb phantoms are 7 MB: is it the right file?",
        )
    return content


def _unstretched(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BrainWeb's bytes are the classes 0 to 11, or the same stretched to 0 to 255 (23 is class 1, 46 class 2 ...)."""
    stretched = np.rint(np.arange(N_CLASSES) * 255 / (N_CLASSES - 1)).astype(np.uint8)
    if stored.max() < N_CLASSES or not np.all(np.isin(np.unique(stored), stretched)):
        return stored
    return np.searchsorted(stretched, stored).astype(np.uint8)


def _whole(values: NDArray[np.generic], path: str | os.PathLike[str]) -> NDArray[np.int32]:
    """MINC stretches its bytes over the range of values, so a label comes back up to 11 / 510 off."""
    numbers = values.astype(np.float64)
    if (
        not np.all(np.isfinite(numbers))
        or np.abs(numbers - np.rint(numbers)).max() > OFF_LABEL
        or numbers.min() < -OFF_LABEL
    ):
        raise InputError("holds numbers that are not labels", file=path, remedy="Use the crisp (discrete) model.")
    return np.rint(numbers).astype(np.int32)
