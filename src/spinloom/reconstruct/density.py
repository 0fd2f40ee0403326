"""Density compensation of scattered samples: how much of k-space each sample stands for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.reconstruct.nufft import fourier_sum

Floats = NDArray[np.float64]


def density_weights(k: Floats, r: tuple[Floats, ...], iterations: int = 20) -> Floats:
    """Volume of k-space per sample, by fixed-point iteration until the weights are flat after a trip to the image.

        w ← w / |A A* w|,    then  w / voxel volume

    A is the Fourier sum from the image grid to the samples. An even Cartesian raster gives w = Δk exactly.

    k  (n, d) [1/m];  r  d arrays: voxel centres [m]
    returns (n,) [m^-d]

    Pipe & Menon, Magn. Reson. Med. 41, 179 (1999).
    """
    # the field of view is doubled: the point spread must be clean wherever the object can reach a voxel from
    wide = tuple(_doubled(x) for x in r)
    A = fourier_sum(k, wide)
    w = np.ones(len(k))
    for _ in range(iterations):
        w = w / np.maximum(np.abs(A.forward(A.adjoint(w.astype(complex)))), 1e-30)
    voxel = np.prod([x[1] - x[0] if len(x) > 1 else 1.0 for x in wide])
    return np.asarray(w / voxel, float)


def _doubled(x: Floats) -> Floats:
    step = x[1] - x[0] if len(x) > 1 else 1.0
    n = 2 * len(x)
    return np.asarray((x[0] + x[-1]) / 2 + step * (np.arange(n) - (n - 1) / 2), float)
