"""Overlap and distance of two segmentations: Dice, 95 % Hausdorff distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, generate_binary_structure

from spinloom.core.errors import InputError

Mask = NDArray[np.bool_]


def dice(x: ArrayLike, y: ArrayLike) -> float:
    """2 |x and y| / (|x| + |y|) of two masks (...); NaN where both are empty.

    Dice, Ecology 26, 297 (1945).
    """
    a, b = _masks(x, y)
    size = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / size if size else float("nan")


def hd95(x: ArrayLike, y: ArrayLike, voxel_mm: tuple[float, ...]) -> float:
    """The larger of the two 95th percentiles of distances from one surface to the other [mm].

    x, y      masks (...);  voxel_mm  size of a voxel along each axis [mm]
    returns   infinite where one mask is empty, NaN where both are

    A surface is the voxels of a mask that touch a face outside of it. Huttenlocher et al., IEEE Trans. Pattern Anal.
    Mach. Intell. 15, 850 (1993).
    """
    a, b = _masks(x, y)
    if not a.any() or not b.any():
        return float("nan") if not (a.any() or b.any()) else float("inf")
    first, second = _surface(a), _surface(b)
    to_second = distance_transform_edt(~second, sampling=voxel_mm)[first]
    to_first = distance_transform_edt(~first, sampling=voxel_mm)[second]
    return float(max(np.percentile(to_second, 95), np.percentile(to_first, 95)))


def _masks(x: ArrayLike, y: ArrayLike) -> tuple[Mask, Mask]:
    a, b = np.asarray(x, bool), np.asarray(y, bool)
    if a.shape != b.shape:
        raise InputError(f"segmentations of different shapes: {a.shape} and {b.shape}")
    return a, b


def _surface(a: Mask) -> Mask:
    return np.asarray(a & ~binary_erosion(a, generate_binary_structure(a.ndim, 1)))
