"""Density compensation of scattered samples: how much of k-space each sample stands for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.reconstruction.nufft import fourier_sum

Floats = NDArray[np.float64]


def density_weights(k: Floats, r: tuple[Floats, ...], iterations: int = 12) -> Floats:
    """Volume of k-space per sample, by fixed-point iteration until the weights are flat after a trip to the image.

        w ← w / sqrt |A T A* w|,    then  w / voxel volume

    A is the Fourier sum from the image grid to the samples, T a triangle over twice the field of view: with it the
    kernel A T A* is a sinc², nowhere negative, without which the iteration runs away where samples crowd (the middle
    of radial scans). The root damps ringing at the rim of k-space. Inside an even raster w = Δk. No sample stands for
    more than two cells of that raster: samples at both ends of an axis, N / FOV apart, would cancel in the sum.

    k  (n, d) [1/m];  r  d arrays: voxel centres [m]
    returns (n,) [m^-d]

    Pipe & Menon, Magn. Reson. Med. 41, 179 (1999).
    """
    wide = tuple(_doubled(x) for x in r)
    A, T = fourier_sum(k, wide), _triangle(wide)
    w = np.ones(len(k))
    for _ in range(iterations):
        w = w / np.sqrt(np.maximum(np.abs(A.forward(T * A.adjoint(w.astype(complex)))), 1e-30))
    voxel = np.prod([_step(x) for x in wide])
    return np.asarray(np.minimum(w, 2 / T.sum()) / voxel, float)


def _doubled(x: Floats) -> Floats:
    n = 2 * len(x)
    return np.asarray((x[0] + x[-1]) / 2 + _step(x) * (np.arange(n) - (n - 1) / 2), float)


def _triangle(r: tuple[Floats, ...]) -> Floats:
    """1 in the middle of each axis, falling to 0 half a voxel beyond its ends."""
    each = [1 - np.abs(np.arange(len(x)) - (len(x) - 1) / 2) / (len(x) / 2) for x in r]
    return np.asarray(np.prod(np.meshgrid(*each, indexing="ij"), axis=0), float)


def _step(x: Floats) -> float:
    return float(x[1] - x[0]) if len(x) > 1 else 1.0
