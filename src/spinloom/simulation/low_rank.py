"""A train of many echoes as fixed mixtures of a few of them.

Along an echo train, an MPRAGE train or an EPI readout every voxel follows a smooth law of its own (T1, T2, B1, dB0).
The laws of all voxels together span a space of few dimensions, so a few *node* echoes determine all others:

    F(voxel, n) = sum_l F(voxel, node_l) C(l, n)

Nodes and C come from a sample of the voxels themselves (interpolative decomposition by pivoted QR); at the nodes the
mixture is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Which states to evaluate, and how the others follow.

    nodes    (L,) indices of the states to evaluate
    mixture  (L, n_states) F = F[nodes] @ mixture
    error    largest deviation on the sample, relative to the largest signal in it
    """

    nodes: NDArray[np.intp]
    mixture: NDArray[np.inexact]
    error: float


def skeleton(F: NDArray[np.inexact], tolerance: float = 1e-4) -> Skeleton:
    """Interpolative decomposition F ≈ F[:, nodes] C.

    F          (voxel, state) signals of a sample of voxels, real or complex
    tolerance  largest deviation allowed, relative to max |F|

    Cheng et al., SIAM J. Sci. Comput. 26, 1389 (2005).
    """
    F = F.astype(complex if np.iscomplexobj(F) else float)
    n_states = F.shape[1]
    largest = float(np.abs(F).max(initial=0.0))
    if n_states == 1 or largest == 0.0:
        return Skeleton(np.array([0]), np.ones((1, n_states)), 0.0)
    R, order = qr(np.asarray(F), mode="r", pivoting=True)  # type: ignore[call-overload]
    diagonal = np.abs(np.diag(R))
    full = len(diagonal)
    rank = max(1, int(np.sum(diagonal > 30 * tolerance * largest)))
    while True:
        mixture = np.empty((rank, n_states), R.dtype)
        mixture[:, order[:rank]] = np.eye(rank)
        mixture[:, order[rank:]] = _back_substituted(R[:rank, :rank], R[:rank, rank:])
        nodes = order[:rank].astype(np.intp)
        error = float(np.abs(F[:, nodes] @ mixture - F).max() / largest)
        if error <= tolerance or rank == full:
            return Skeleton(nodes, mixture, error)
        rank += 1


def _back_substituted(R: NDArray[np.inexact], b: NDArray[np.inexact]) -> NDArray[np.inexact]:
    """R⁻¹ b, R upper triangular and small: without the threads of a library that cost more than they bring here."""
    x = np.array(b)
    for i in range(len(R) - 1, -1, -1):
        x[i] = (x[i] - np.einsum("j,jk->k", R[i, i + 1 :], x[i + 1 :])) / R[i, i]
    return x
