"""Spatially correlated texture: tissue varies from place to place smoothly, not from voxel to voxel like noise.

White Gaussian numbers sit on a coarse lattice; each voxel takes their Gaussian-weighted sum. Sums of Gaussian
numbers are Gaussian, the weights' width sets the correlation length, and the cost does not depend on it.
"""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

LATTICE_PER_SIGMA = 1.5  # lattice points per kernel standard deviation: sums are stationary to 1e-5
REACH = 4.0  # kernel cut-off in standard deviations


def correlated_noise(
    shape: tuple[int, int, int], voxel_mm: ArrayLike, correlation_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A stationary Gaussian random field of mean 0 and standard deviation 1 over the grid.

        <n(r) n(r + d)> = exp(-|d|^2 / (2 correlation_mm^2))

    shape           voxels along x, y, z
    voxel_mm        (3,) or scalar voxel size [mm]
    correlation_mm  distance at which the correlation is exp(-1/2) = 0.61 [mm]; exact from two voxels up,
                    below that it fades into white noise
    rng             source of the random numbers
    returns         (x, y, z)

    The mean and standard deviation over the grid itself are made 0 and 1 (where it has more than one voxel).

    Rasmussen & Williams, Gaussian Processes for Machine Learning, MIT Press (2006), chapter 4: the squared
    exponential covariance is white noise convolved with a Gaussian of standard deviation correlation / sqrt 2.
    """
    size = np.broadcast_to(np.asarray(voxel_mm, float), (3,))
    if min(shape) < 1 or not (size > 0).all() or not correlation_mm >= 0:
        raise InputError(f"no texture on a grid of {shape} voxels of {size} mm with correlation {correlation_mm} mm")
    taps = [_weights(n, h, correlation_mm / sqrt(2)) for n, h in zip(shape, size, strict=True)]
    field = rng.standard_normal([n_lattice for n_lattice, _, _ in taps], dtype=np.float32)
    for axis, (_, first, weight) in enumerate(taps):
        before, n, after = int(np.prod(field.shape[:axis])), field.shape[axis], int(np.prod(field.shape[axis + 1 :]))
        spread = np.zeros((before, len(first), after), np.float32)
        _spread(np.ascontiguousarray(field).reshape(before, n, after), first, weight, spread)
        field = spread.reshape(*field.shape[:axis], len(first), *field.shape[axis + 1 :])
    if field.size == 1:
        return field
    field -= np.float32(field.mean(dtype=np.float64))
    field /= np.float32(field.std(dtype=np.float64))
    return field


def _weights(n: int, voxel: float, sigma: float) -> tuple[int, NDArray[np.int64], NDArray[np.float32]]:
    """Lattice length, first lattice point of each voxel (n,) and its unit-norm weights (n, taps)."""
    step = max(sigma / LATTICE_PER_SIGMA, voxel)
    reach = ceil(REACH * sigma / step)
    at = np.arange(n) * voxel / step
    middle = np.rint(at).astype(np.int64)
    distance = (middle[:, None] + np.arange(-reach, reach + 1) - at[:, None]) * step
    weight = np.exp(-0.5 * (distance / sigma) ** 2) if sigma > 0 else np.ones((n, 1))
    weight /= np.linalg.norm(weight, axis=1, keepdims=True)
    return int(middle[-1]) + 2 * reach + 1, middle, weight.astype(np.float32)


@njit(cache=True, error_model="numpy", nogil=True)
def _spread(  # pragma: no cover - compiled
    lattice: NDArray[np.float32], first: NDArray[np.int64], weight: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """out[a, i, b] = sum_t weight[i, t] lattice[a, first[i] + t, b], always summed in this order."""
    for a in range(out.shape[0]):
        for i in range(out.shape[1]):
            for t in range(weight.shape[1]):
                w = weight[i, t]
                j = first[i] + t
                for b in range(out.shape[2]):
                    out[a, i, b] += w * lattice[a, j, b]
