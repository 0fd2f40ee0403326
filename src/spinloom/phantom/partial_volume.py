"""From crisp tissue maps to fractions: how much of each voxel each tissue fills."""

from __future__ import annotations

from math import ceil

import numpy as np
from numba import njit
from numpy.typing import NDArray

REACH = 2.5  # of the blur, in standard deviations


def fractions_of(
    where: NDArray[np.uint8], n_tissues: int, voxel_mm: NDArray[np.float64], soft_mm: float
) -> NDArray[np.uint8]:
    """Volume fractions of a crisp map whose boundaries are blurred by a Gaussian.

        f_t(r) = sum_d G(d) [where(r + d) = t],   G of standard deviation soft_mm, sum_d G = 1

    where     (x, y, z) position in the table + 1, 0 for nothing
    voxel_mm  (3,) [mm]
    soft_mm   width of a boundary; 0 keeps it crisp [mm]
    returns   (n_tissues, x, y, z), 255 = the whole voxel; the sum over tissues is 255 away from where there is nothing

    Rounding is of the running sum over tissues, so each fraction is within 1/255 of its value and their sum within
    half of that.
    """
    out = np.zeros((n_tissues, *where.shape), np.uint8)
    weights = [_gaussian(soft_mm / h) for h in voxel_mm]
    _blur(np.ascontiguousarray(where), weights[0], weights[1], weights[2], out)
    return out


def _gaussian(sigma: float) -> NDArray[np.float64]:
    """Weights of a Gaussian on voxels, summing to 1; sigma in voxels."""
    if sigma == 0:
        return np.ones(1)
    reach = max(ceil(REACH * sigma - 0.5), 1)
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return weight / weight.sum()


@njit(cache=True, error_model="numpy", nogil=True)
def _blur(  # pragma: no cover - compiled
    where: NDArray[np.uint8],
    wx: NDArray[np.float64],
    wy: NDArray[np.float64],
    wz: NDArray[np.float64],
    out: NDArray[np.uint8],
) -> None:
    nx, ny, nz = where.shape
    rx, ry, rz = len(wx) // 2, len(wy) // 2, len(wz) // 2
    share = np.zeros(out.shape[0] + 1)
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                here = where[x, y, z]
                if _alone(where, x, y, z, rx, ry, rz):
                    if here > 0:
                        out[here - 1, x, y, z] = 255
                    continue
                share[:] = 0
                for i in range(-rx, rx + 1):
                    u = min(max(x + i, 0), nx - 1)
                    for j in range(-ry, ry + 1):
                        v = min(max(y + j, 0), ny - 1)
                        w = wx[i + rx] * wy[j + ry]
                        for k in range(-rz, rz + 1):
                            share[where[u, v, min(max(z + k, 0), nz - 1)]] += w * wz[k + rz]
                total = 0.0
                before = 0
                for t in range(out.shape[0]):
                    total += share[t + 1]
                    upto = int(255 * total + 0.5)
                    out[t, x, y, z] = upto - before
                    before = upto


@njit(cache=True, nogil=True, inline="always")
def _alone(where: NDArray[np.uint8], x: int, y: int, z: int, rx: int, ry: int, rz: int) -> bool:  # pragma: no cover
    """Whether all voxels in reach are of one tissue."""
    here = where[x, y, z]
    for u in range(max(x - rx, 0), min(x + rx + 1, where.shape[0])):
        for v in range(max(y - ry, 0), min(y + ry + 1, where.shape[1])):
            for w in range(max(z - rz, 0), min(z + rz + 1, where.shape[2])):
                if where[u, v, w] != here:
                    return False
    return True
