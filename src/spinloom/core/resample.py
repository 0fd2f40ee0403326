"""One image on another's grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter

from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity

FWHM = float(2 * np.sqrt(2 * np.log(2)))
"""Full width at half maximum of a Gaussian of standard deviation 1."""
AIR_HU = -1000.0


def resample(image: Image, grid: Grid, *, outside: float | None = None) -> Image:
    """The image where another grid's voxels are, by the affines alone.

        out(r) = linear interpolation of (image * Gaussian) at r,   FWHM_axis^2 = max(0, d_grid^2 - d_image^2)

    The Gaussian is there where the new voxels are larger, so that they average what they cover. Labels are taken from
    the nearest voxel.

    image    any quantity, real or complex
    grid     where the result lies
    outside  value beyond the image; None: 0, air for CT numbers

    Raises nothing; `covered` says how much of a grid an image reaches.
    """
    A = np.linalg.inv(image.affine) @ grid.affine
    fill = outside if outside is not None else AIR_HU if image.quantity is Quantity.HU else 0.0
    if image.quantity is Quantity.LABEL:
        data = affine_transform(
            np.asarray(image.data, np.int64), A, output_shape=grid.shape, order=0, cval=fill, mode="grid-constant"
        )
        return replace(image, data=data, affine=grid.affine)
    sigma = np.sqrt(np.maximum(0.0, _reach(A) ** 2 - 1)) / FWHM
    values = image.data.astype(np.complex64 if image.data.dtype.kind == "c" else np.float32, copy=False)
    if (sigma > 0.1).any():
        values = gaussian_filter(values, sigma, mode="nearest")
    data = affine_transform(values, A, output_shape=grid.shape, order=1, cval=fill, mode="grid-constant")
    return replace(image, data=data, affine=grid.affine)


def covered(image: Image, grid: Grid) -> float:
    """Share of a grid's voxels whose centre lies within the image, 0 to 1."""
    A = np.linalg.inv(image.affine) @ grid.affine
    inside = np.ones(grid.shape, bool)
    i, j, k = np.ogrid[tuple(slice(n) for n in grid.shape)]
    for row, n in zip(A[:3], image.data.shape, strict=True):
        at = row[0] * i + row[1] * j + row[2] * k + row[3]
        inside &= (at >= -0.5) & (at <= n - 0.5)
    return float(inside.mean())


def _reach(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) extent of one new voxel along each axis of the image [voxels of the image]."""
    return np.asarray(np.abs(A[:3, :3]).max(axis=1))
