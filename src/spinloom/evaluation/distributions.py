"""How far two sets of feature vectors are apart: Fréchet and kernel distance.

    FD  = |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2))
    KD  = mean k(a, a') over pairs of a + mean k(b, b') over pairs of b - 2 mean k(a, b),   k(u, v) = (u.v / d + 1)^3

FD is biased for few samples and refused below twice as many as there are features; KD has no bias, so it can be
negative. Called FID and KID only where the features are those of FID's Inception.

Heusel et al., NeurIPS (2017), arXiv:1706.08500; Binkowski et al., ICLR (2018), arXiv:1801.01401.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigvalsh

from spinloom.core.errors import InputError

Values = NDArray[np.float64]
BLOCK = 1024
"""Rows of the kernel in memory at once."""
SUBSETS, SUBSET = 100, 1000
"""How many subsets of how many rows KID is usually the mean of."""


def frechet_distance(a: ArrayLike, b: ArrayLike, *, least: int | None = None) -> float:
    """FD of features (n, d) and (m, d).

    least  rows that either must have; None: 2 d

    Raises InputError if either has fewer.
    """
    a, b = _sets(a, b)
    d = a.shape[1]
    least = 2 * d if least is None else least
    if min(len(a), len(b)) < least:
        raise InputError(
            f"a Fréchet distance of {d} features needs {least} samples on each side, got {len(a)} and {len(b)}",
            remedy="Take the kernel distance, or more subjects.",
        )
    C, D = (np.atleast_2d(np.cov(s.T)) for s in (a, b))
    w, V = np.linalg.eigh(C)
    root = (V * np.sqrt(np.maximum(w, 0))) @ V.T
    overlap = np.sqrt(np.maximum(eigvalsh(root @ D @ root), 0)).sum()
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(C) + np.trace(D) - 2 * overlap)


def kernel_distance(a: ArrayLike, b: ArrayLike) -> float:
    """KD of features (n, d) and (m, d), two rows or more each."""
    a, b = _sets(a, b)
    d = a.shape[1]

    def total(u: Values, v: Values) -> float:
        return sum(float(((u[n : n + BLOCK] @ v.T / d + 1) ** 3).sum()) for n in range(0, len(u), BLOCK))

    def among(u: Values) -> float:
        same = float(((np.einsum("nd,nd->n", u, u) / d + 1) ** 3).sum())
        return (total(u, u) - same) / (len(u) * (len(u) - 1))

    return among(a) + among(b) - 2 * total(a, b) / (len(a) * len(b))


def kernel_of_subsets(
    a: ArrayLike, b: ArrayLike, *, subsets: int = SUBSETS, size: int = SUBSET, seed: int = 0
) -> tuple[float, float, int]:
    """Mean and standard deviation of KD over random subsets of rows, drawn without repetition, and how many there were.

    Where one side has no more than `size` rows, all rows at once: one subset, no deviation (NaN).
    """
    a, b = _sets(a, b)
    if min(len(a), len(b)) <= size:
        return kernel_distance(a, b), float("nan"), 1
    rng = np.random.default_rng(seed)
    found = [kernel_distance(*(s[rng.choice(len(s), size, replace=False)] for s in (a, b))) for _ in range(subsets)]
    return float(np.mean(found)), float(np.std(found)), subsets


def _sets(a: ArrayLike, b: ArrayLike) -> tuple[Values, Values]:
    x, y = np.atleast_2d(np.asarray(a, float)), np.atleast_2d(np.asarray(b, float))
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise InputError(f"two sets of two or more feature vectors of one length are needed, got {x.shape}, {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("features hold numbers that are not finite")
    return x, y
