"""Affine geometry: 4 x 4 matrices from voxel index (centre) to RAS+ millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def apply(affine: ArrayLike, points: ArrayLike) -> FloatArray:
    """Map points: y = A x + b.

    affine  (4, 4)
    points  (..., 3)
    returns (..., 3)
    """
    A = np.asarray(affine, float)
    return np.asarray(points, float) @ A[:3, :3].T + A[:3, 3]


def voxel_sizes_mm(affine: ArrayLike) -> FloatArray:
    """Column norms of the linear part, (3,) [mm]."""
    A = np.asarray(affine, float)
    return np.linalg.norm(A[:3, :3], axis=0)


def centred(shape: tuple[int, int, int], voxel_mm: ArrayLike, centre_mm: ArrayLike = (0.0, 0.0, 0.0)) -> FloatArray:
    """Axis-aligned RAS+ affine whose grid centre, index (shape - 1) / 2, lies at centre_mm.

    shape      voxels along x, y, z
    voxel_mm   (3,) or scalar [mm]
    centre_mm  (3,) [mm]
    """
    size = np.broadcast_to(np.asarray(voxel_mm, float), (3,))
    A = np.diag([*size, 1.0])
    A[:3, 3] = np.asarray(centre_mm, float) - size * (np.asarray(shape) - 1) / 2
    return A


def is_axis_aligned(affine: ArrayLike, tolerance: float = 1e-4) -> bool:
    """Whether each voxel axis is parallel to one world axis (any order, any sign)."""
    R = np.asarray(affine, float)[:3, :3]
    R = R / np.linalg.norm(R, axis=0)
    return bool(np.all(np.sort(np.abs(R), axis=0)[:2] < tolerance))


def to_ras(data: NDArray[np.generic], affine: ArrayLike) -> tuple[NDArray[np.generic], FloatArray]:
    """Reorder and flip axes so that the voxel axes run as close to R, A, S as they can; no interpolation.

    data    (x, y, z, ...)
    affine  (4, 4)
    returns the reordered view and its affine
    """
    A = np.asarray(affine, float)
    R = np.abs(A[:3, :3] / np.linalg.norm(A[:3, :3], axis=0))
    from itertools import permutations

    order = max(permutations(range(3)), key=lambda p: sum(R[w, v] for w, v in enumerate(p)))
    data = np.transpose(data, (*order, *range(3, data.ndim)))
    A = A[:, [*order, 3]].copy()
    for axis in range(3):
        if A[axis, axis] < 0:
            data = np.flip(data, axis)
            A[:3, 3] += A[:3, axis] * (data.shape[axis] - 1)
            A[:3, axis] *= -1
    return data, A
