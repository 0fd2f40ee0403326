"""Labels of a phantom on the grid of an image: what most of each image voxel is."""

from __future__ import annotations

from math import ceil

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.core.grid import Grid


def labels_on(labels: NDArray[np.integer], source: Grid, target: Grid) -> NDArray[np.int32]:
    """The commonest label among points spread evenly over each target voxel; the smaller id wins a tie.

    The points lie no further apart than the source voxels, so thick slices see all they hold. Outside the
    source grid everything is label 0. No label is ever invented between two others.

    labels  (x, y, z) ids on the source grid
    source, target  grids in one world; any orientation
    returns (x, y, z) ids on the target grid
    """
    ids, index = np.unique(labels, return_inverse=True)
    if ids[0] != 0:
        ids, index = np.concatenate([[0], ids]), index + 1
    index = index.reshape(labels.shape).astype(np.int32)
    step = np.linalg.inv(source.affine) @ target.affine  # target index → source index
    points = [max(1, ceil(np.abs(step[:3, axis]).max() - 1e-6)) for axis in range(3)]
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in points]
    lattice = np.stack(np.meshgrid(*offsets, indexing="ij"), -1).reshape(-1, 3) @ step[:3, :3].T
    out = np.zeros(target.shape, np.int32)
    _vote(index, np.ascontiguousarray(step), np.ascontiguousarray(lattice), len(ids), out)
    return ids.astype(np.int32)[out]


@njit(cache=True, nogil=True, error_model="numpy")
def _vote(
    index: NDArray[np.int32], step: NDArray[np.float64], lattice: NDArray[np.float64], n: int, out: NDArray[np.int32]
) -> None:
    votes = np.zeros(n, np.int32)
    nx, ny, nz = index.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(out.shape[2]):
                x = step[0, 0] * i + step[0, 1] * j + step[0, 2] * k + step[0, 3]
                y = step[1, 0] * i + step[1, 1] * j + step[1, 2] * k + step[1, 3]
                z = step[2, 0] * i + step[2, 1] * j + step[2, 2] * k + step[2, 3]
                best = 0
                for p in range(lattice.shape[0]):
                    a = int(np.floor(x + lattice[p, 0] + 0.5 + 1e-9))
                    b = int(np.floor(y + lattice[p, 1] + 0.5 + 1e-9))
                    c = int(np.floor(z + lattice[p, 2] + 0.5 + 1e-9))
                    label = 0
                    if 0 <= a < nx and 0 <= b < ny and 0 <= c < nz:
                        label = index[a, b, c]
                    votes[label] += 1
                    if votes[label] > votes[best] or (votes[label] == votes[best] and label < best):
                        best = label
                out[i, j, k] = best
                votes[:] = 0
