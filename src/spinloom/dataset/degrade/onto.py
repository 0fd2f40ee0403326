"""An image on a finer grid, through its voxels and by the affines."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from scipy.ndimage import affine_transform

from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity


def spline_onto(image: Image, grid: Grid, order: int = 3) -> Image:
    """The image where another grid's voxels are, by a spline through its voxels: 3 is cubic interpolation.

    image  real or complex; labels are taken from the nearest voxel whatever the order
    grid   where the result lies; beyond the image its edge goes on

    Nothing is averaged, so this is for grids that are finer, or alike.
    """
    A = np.linalg.inv(image.affine) @ grid.affine
    label = image.quantity is Quantity.LABEL
    data = np.asarray(image.data)
    values = data if label or data.dtype.kind == "c" else data.astype(np.float32)
    step = np.diag(A[:3, :3])
    straight = np.abs(A[:3, :3] - np.diag(step)).max() < 1e-9
    matrix, order = step if straight else A[:3, :3], 0 if label else order
    out = affine_transform(  # type: ignore[call-overload]
        values, matrix, A[:3, 3], output_shape=grid.shape, order=order, mode="nearest"
    )
    return Image(out, grid.affine, image.quantity, MappingProxyType(dict(image.info)))
