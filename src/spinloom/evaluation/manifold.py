"""Precision and recall of a generated set: how much of it lies among real ones, and how much of the real it covers.

The manifold of a set is the union of balls about its members, each as wide as the distance to its k-th neighbour:

    precision = share of generated features inside the manifold of the real ones,
    recall    = share of real features inside the manifold of the generated ones.

Kynkaanniemi et al., NeurIPS (2019), arXiv:1904.06991.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from spinloom.core.errors import InputError


@dataclass(frozen=True)
class Manifold:
    """precision and recall, each 0 to 1;  k neighbours."""

    precision: float
    recall: float
    k: int


def precision_recall(real: ArrayLike, made: ArrayLike, *, k: int = 3) -> Manifold:
    """Of features (n, d) and (m, d), Euclidean: scale the columns alike before.

    Raises InputError for fewer than k + 2 rows, for columns that differ in number, and for numbers that are not finite.
    """
    a, b = np.atleast_2d(np.asarray(real, float)), np.atleast_2d(np.asarray(made, float))
    if a.shape[1] != b.shape[1] or min(len(a), len(b)) < k + 2 or k < 1:
        raise InputError(f"two sets of {k + 2} or more features of one length are needed, got {a.shape}, {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("features hold numbers that are not finite")
    between = cdist(a, b)
    inside_real = (between <= _reach(a, k)[:, None]).any(axis=0)
    inside_made = (between <= _reach(b, k)[None]).any(axis=1)
    return Manifold(float(inside_real.mean()), float(inside_made.mean()), k)


def _reach(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(n,) distance of each row from its k-th neighbour, itself not counted."""
    return np.partition(cdist(x, x), k, axis=1)[:, k]
