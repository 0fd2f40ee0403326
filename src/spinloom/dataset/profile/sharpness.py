"""How sharp a scan really is along each axis: where its k-space ends.

A scan interpolated by zero filling has next to nothing beyond the k_max that was acquired. Its measured voxel is

    L = 1 / (2 k_max),

whatever the voxel of the file says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.image import Image
from spinloom.core.masks import head

FALL = 8.0
"""Factor by which the power drops at the edge of what was acquired, within the width of the window's own spectrum."""


def acquired_voxel_mm(image: Image) -> tuple[float, float, float]:
    """Acquired voxel along each axis of the image [mm]: that of the file where its k-space is full."""
    v = np.abs(np.asarray(image.data, float))
    inside = head(v)
    v = v * _window(inside)  # a magnitude is band-limited only where signal is far above noise, and edges are not
    sizes = voxel_sizes_mm(image.affine)
    found = [float(d) / _filled(v, axis) for axis, d in enumerate(sizes)]
    return found[0], found[1], found[2]


def _filled(v: NDArray[np.float64], axis: int) -> float:
    """Part of k-space along an axis that holds more than what is beyond the sharpest fall; 1 if there is none."""
    n = v.shape[axis]
    if n < 32:  # too few steps of k to see a fall; slices are not Fourier encoded anyway
        return 1.0
    power = np.mean(np.abs(np.fft.rfft(v, axis=axis)) ** 2, axis=tuple(a for a in range(3) if a != axis))
    level = np.log(np.maximum(power[1:-1], power.max() * 1e-30))
    step = max(3, n // 24)
    first = len(level) // 4
    falls = (level[:-step] - level[step:])[first:]
    if not len(falls):
        return 1.0
    at = int(np.argmax(falls)) + first
    beyond = level[at + step :]
    if falls.max() < np.log(FALL) or len(beyond) < 3 or beyond.max() > level[at] - np.log(FALL) / 2:
        return 1.0
    return float((at + 1) / (n / 2))


def _window(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 in the middle of the head, falling smoothly to nothing at its edge."""
    distance = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1, 1:-1]
    depth = np.clip(distance / (0.6 * max(float(distance.max()), 1.0)), 0, 1)
    return np.asarray(depth**2 * (3 - 2 * depth)) ** 2
