"""Trilinear interpolation of many maps at once: the maps are interleaved, so that one visit fetches all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def sample(
    maps: NDArray[np.float32] | NDArray[np.int8], x: float, y: float, z: float, out: NDArray[np.float32]
) -> None:
    """Interpolate at one point; beyond the border the border value holds.

        out_c = sum_corners w_x w_y w_z maps[corner, c],    w = 1 - |distance|

    maps     (x, y, z, c)
    x, y, z  position [voxel index]
    out      (c,) overwritten
    """
    nx, ny, nz, nc = maps.shape
    x = min(max(x, 0.0), nx - 1.0)
    y = min(max(y, 0.0), ny - 1.0)
    z = min(max(z, 0.0), nz - 1.0)
    i = max(min(int(x), nx - 2), 0)
    j = max(min(int(y), ny - 2), 0)
    k = max(min(int(z), nz - 2), 0)
    a, b, c = np.float32(x - i), np.float32(y - j), np.float32(z - k)
    one = np.float32(1)
    i1, j1, k1 = min(i + 1, nx - 1), min(j + 1, ny - 1), min(k + 1, nz - 1)
    w000, w001 = (one - a) * (one - b) * (one - c), (one - a) * (one - b) * c
    w010, w011 = (one - a) * b * (one - c), (one - a) * b * c
    w100, w101 = a * (one - b) * (one - c), a * (one - b) * c
    w110, w111 = a * b * (one - c), a * b * c
    for m in range(nc):
        out[m] = (
            w000 * np.float32(maps[i, j, k, m])
            + w001 * np.float32(maps[i, j, k1, m])
            + w010 * np.float32(maps[i, j1, k, m])
            + w011 * np.float32(maps[i, j1, k1, m])
            + w100 * np.float32(maps[i1, j, k, m])
            + w101 * np.float32(maps[i1, j, k1, m])
            + w110 * np.float32(maps[i1, j1, k, m])
            + w111 * np.float32(maps[i1, j1, k1, m])
        )


def interleaved(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Maps (x, y, z) side by side per voxel, (x, y, z, c), copied in slabs that fit the cache."""
    out = np.empty((*maps[0].shape, len(maps)), np.float32)
    for i in range(out.shape[0]):
        np.stack([m[i] for m in maps], axis=-1, out=out[i], casting="same_kind")
    return out
