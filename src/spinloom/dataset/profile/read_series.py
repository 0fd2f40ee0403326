"""One file → the images of a series over inversion or echo times."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from spinloom.core.image import Image
from spinloom.io.images import read_any
from spinloom.io.nifti import read_images


def read_series(path: str | os.PathLike[str]) -> tuple[Image, ...]:
    """The volumes of a 4D NIfTI, or the slices of an .npy (x, y, time). Raises InputError as the readers do."""
    if Path(path).suffix.lower() != ".npy":
        return read_images(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the unknown voxel size, which fits do not need
        whole = read_any(path)
    return tuple(Image(whole.data[:, :, [i]], whole.affine) for i in range(whole.data.shape[2]))
