"""Where the voxels of a coarser grid lie: centres move when blocks are merged, corners stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.affine import apply
from spinloom.core.errors import UsageError

Matrix = NDArray[np.float64]


def moved_affine(affine: ArrayLike, step: ArrayLike, first: ArrayLike) -> Matrix:
    """The affine of a grid whose voxel j lies at index first + step j of the old one.

        A' = A [diag(step) first; 0 1]

    affine  (4, 4);  step, first  (3,) [voxels of the old grid]
    """
    A = np.array(affine, float)
    out = A.copy()
    out[:3, :3] = A[:3, :3] * np.asarray(step, float)
    out[:3, 3] = apply(A, first)
    return out


def same_corners(affine: ArrayLike, shape: tuple[int, ...], new_shape: tuple[int, ...]) -> Matrix:
    """The affine of a grid of another shape that fills the same field of view, corner to corner.

    step = n / n',   first = (step - 1) / 2
    """
    step = np.asarray(shape, float) / np.asarray(new_shape, float)
    return moved_affine(affine, step, (step - 1) / 2)


def coarser(shape: tuple[int, ...], factors: tuple[float, float, float]) -> tuple[int, int, int]:
    """round(n / factor) along each axis.

    Raises UsageError for factors below 1 and for axes that would keep fewer than 2 voxels.
    """
    if len(factors) != 3 or not all(np.isfinite(f) and f >= 1 for f in factors):
        raise UsageError(f"three factors of 1 or more were expected, got {factors}")
    x, y, z = (round(n / f) for n, f in zip(shape, factors, strict=True))
    for n, m, f in zip(shape, (x, y, z), factors, strict=True):
        if m < 2 and f > 1:
            raise UsageError(f"{n} voxels divided by {f:g} leave fewer than 2", remedy="Choose a smaller factor.")
    return x, y, z
