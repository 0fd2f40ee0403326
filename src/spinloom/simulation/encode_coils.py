"""Receive sensitivities of many entries: worked out on a coarse lattice and interpolated, where that is good enough.

    c(r) ≈ sum_ijk A_x(r, i) A_y(r, j) A_z(r, k) c(r_ijk)       A: Lagrange polynomials on the six nearest nodes

Sensitivities are smooth where the object is; how smooth is measured on entries spread through the object.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.core.products import product
from spinloom.core.scanner import Coils
from spinloom.simulation.columns import sensitivities

Samples = NDArray[np.complex64]

POINTS = 6
STEPS_MM = (6.0, 4.0, 3.0)  # of the coarse lattice, tried in turn
WORTH = 8  # entries per coarse node from which interpolation pays
PROBES = 1000
PIECE = 2**17


def coil_maps(
    grid: Grid,
    centre_mm: tuple[float, float, float],
    coils: Coils,
    voxel: NDArray[np.int64],
    *,
    tolerance: float,
    pool: ThreadPoolExecutor,
) -> Samples:
    """(coil, n) sensitivity at n voxels of a grid.

    centre_mm  (3,) isocentre [mm];  voxel (n,) flat index
    tolerance  of the interpolation at the worst of a thousand voxels, relative to the largest sensitivity; where no
               coarse lattice keeps it, every voxel is worked out by itself
    """
    probes = voxel[np.linspace(0, len(voxel) - 1, min(PROBES, len(voxel))).astype(np.intp)]
    exact = sensitivities(grid, centre_mm, coils, probes) if len(voxel) else np.zeros((coils.n_coils, 0), np.complex64)
    for step in STEPS_MM:
        strides = np.maximum(1, np.round(step / np.asarray(grid.voxel_mm)).astype(int))
        nodes = [np.arange(-2, n + 3 * s, s) - s // 2 for n, s in zip(grid.shape, strides, strict=True)]
        if len(voxel) < WORTH * np.prod([len(n) for n in nodes]):
            continue
        A = [_lagrange(np.arange(n), at) for n, at in zip(grid.shape, nodes, strict=True)]
        index = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
        coarse = np.asarray(coils((grid.positions_mm(index) - centre_mm) * 1e-3), np.complex64)
        at = np.unravel_index(probes, grid.shape)
        found = np.einsum("ni,nj,nk,cijk->cn", *(a[i] for a, i in zip(A, at, strict=True)), coarse, optimize=True)
        if np.abs(found - exact).max() <= tolerance * np.abs(exact).max():
            return np.stack([_everywhere(c, A).ravel()[voxel] for c in coarse])
    maps = np.empty((coils.n_coils, len(voxel)), np.complex64)

    def piece(first: int) -> None:
        part = slice(first, first + PIECE)
        maps[:, part] = sensitivities(grid, centre_mm, coils, voxel[part])

    list(pool.map(piece, range(0, len(voxel), PIECE)))
    return maps


def _lagrange(x: NDArray[np.int64], nodes: NDArray[np.int64]) -> NDArray[np.float32]:
    """(len(x), len(nodes)): polynomials of degree 5 through the six even nodes around each x."""
    step = nodes[1] - nodes[0]
    first = np.clip(np.floor((x - nodes[0]) / step).astype(int) - (POINTS // 2 - 1), 0, max(len(nodes) - POINTS, 0))
    t = (x - nodes[first]) / step
    A = np.zeros((len(x), len(nodes)), np.float32)
    count = min(POINTS, len(nodes))
    for i in range(count):
        others = [j for j in range(count) if j != i]
        A[np.arange(len(x)), first + i] = np.prod([(t - j) / (i - j) for j in others], axis=0)
    return A


def _everywhere(coarse: Samples, A: list[NDArray[np.float32]]) -> Samples:
    n_x, n_y, n_z = (len(a) for a in A)
    ax, ay, az = (a.astype(np.complex64) for a in A)
    by_x = product(ax, coarse.reshape(len(coarse), -1)).reshape(n_x, coarse.shape[1], coarse.shape[2])
    by_y = product(ay, by_x)
    return product(by_y.reshape(n_x * n_y, -1), az.T).reshape(n_x, n_y, n_z)
