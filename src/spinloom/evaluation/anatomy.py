"""What tissue maps look like as anatomy: how much of each, what touches what, how many pieces, how much boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.unsignedinteger]


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Of one label map with n classes.

    amount     (n,) area or volume [mm^2, mm^3]
    touching   (n, n) share of the faces between voxels of different class that lie between two classes; symmetric,
               its upper triangle sums to 1
    pieces     (n,) connected components (Betti number 0)
    holes      (n,) holes (Betti number 1 of a slice; of a volume: tunnels, from the Euler number and the cavities)
    roughness  (n,) faces to other classes per voxel [1]
    """

    amount: NDArray[np.float64]
    touching: NDArray[np.float64]
    pieces: NDArray[np.int64]
    holes: NDArray[np.int64]
    roughness: NDArray[np.float64]


def anatomy(labels: Labels, n: int, voxel_mm: float) -> Anatomy:
    """labels (x, y) or (x, y, z) of 0 ... n - 1 on squares or cubes of voxel_mm [mm]."""
    counts = np.bincount(labels.ravel(), minlength=n).astype(float)
    faces = _faces(labels, n)
    own = faces.sum(1)
    both = np.array([betti(labels == k)[:2] for k in range(n)], np.int64).reshape(n, 2)
    touching = faces / max(np.triu(faces).sum(), 1.0)
    return Anatomy(
        counts * voxel_mm**labels.ndim, touching, both[:, 0], both[:, 1], own / np.maximum(counts, 1.0)
    )  # fmt: skip


def betti(mask: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Pieces, tunnels and cavities of a mask; its voxels connect by faces alone, what is outside by corners, too.

        chi = vertices - edges + faces - cubes of the interior = pieces - tunnels + cavities

    In two dimensions `tunnels` are the holes and there are no cavities. Kong & Rosenfeld, CVGIP 48, 357 (1989).
    """
    m = np.pad(mask, 1)
    pieces = ndimage.label(m)[1]
    around = ndimage.label(~m, np.ones((3,) * m.ndim))[1] - 1
    if m.ndim == 2:
        return pieces, around, 0
    return pieces, pieces + around - euler(m), around


def euler(mask: NDArray[np.bool_]) -> int:
    """Euler number of a volume whose voxels connect by faces: points, less pairs, plus squares, less cubes of them.

        chi = n0 - n1 + n2 - n3,  n_k the k-dimensional cells whose 2^k voxels all belong to the mask

    Its dual complex: face-connected voxels are linked, 2 x 2 squares and 2 x 2 x 2 cubes are filled.
    """
    m = mask
    chi = int(m.sum())
    for axes, sign in (((0,), -1), ((1,), -1), ((2,), -1), ((0, 1), 1), ((0, 2), 1), ((1, 2), 1), ((0, 1, 2), -1)):
        part = m
        for axis in axes:
            low, high = [slice(None)] * 3, [slice(None)] * 3
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            part = part[tuple(low)] & part[tuple(high)]
        chi += sign * int(part.sum())
    return chi


def _faces(labels: Labels, n: int) -> NDArray[np.float64]:
    """(n, n) faces between voxels of two classes, symmetric, 0 on the diagonal."""
    total = np.zeros((n, n))
    for axis in range(labels.ndim):
        a, b = (
            np.take(labels, range(*ends), axis).ravel() for ends in ((labels.shape[axis] - 1,), (1, labels.shape[axis]))
        )
        total += np.bincount(a.astype(np.int64) * n + b, minlength=n * n).reshape(n, n)
    total += total.T
    np.fill_diagonal(total, 0)
    return total


def unlike(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Total variation between two tables of contact: half the sum of |a - b| over pairs, 0 (alike) to 1."""
    return float(np.triu(np.abs(a - b), 1).sum() / 2)
