"""The mean over a voxel's thickness of what varies across a slice, with any dephasing along it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import spherical_jn

Floats = NDArray[np.float64]

PER_SLICE = 24
"""Nodes across the width of a slice, at first."""

MOST = 400


def across(
    thickness: float,
    width: float,
    k: Floats,
    mean: Callable[[Floats, NDArray[np.complex64]], NDArray[np.complex64]],
    tolerance: float,
) -> tuple[Floats, NDArray[np.complex64]]:
    """Nodes (n,) [m] from the middle of a voxel and weights (len(k), n), so many that twice as many change little.

    thickness, width  of a voxel and of the slice [m];  k (m,) through the slice [1/m]
    mean       offsets (n,), weights (m, n) → the mean for some matter (m, ...)
    tolerance  relative L2

    Matter with a long T2 remembers many pulses, and its steady state varies ever more steeply across a slice.
    """
    n = 2 + int(np.ceil(PER_SLICE * thickness / width))

    def rule(n: int) -> tuple[Floats, NDArray[np.complex64]]:
        x, w = filon(np.pi * thickness * k, n)
        return thickness / 2 * x, w

    before = mean(*rule(n))
    while n < MOST:
        now = mean(*rule(2 * n))
        change = float(np.linalg.norm(now - before) / max(float(np.linalg.norm(now)), 1e-30))
        if change <= tolerance:
            return rule(n)
        n, before = 2 * n, now
    return rule(n)


def filon(omega: Floats, n: int) -> tuple[Floats, NDArray[np.complex64]]:
    """Nodes x (n,) and weights (len(omega), n) of the mean over [-1, 1] of a smooth function times a wave.

        1/2 int f(x) exp(-i omega x) dx = sum_j w_j f(x_j)

    exact for polynomials f of degree < n, for any omega [rad], from 1/2 int P_l(x) exp(-i omega x) dx = (-i)^l
    j_l(omega). Points alone would alias: a spoiler turns the phase across a voxel many times.

    Filon, Proc. R. Soc. Edinb. 49, 38 (1928); Bakhvalov & Vasil'eva, USSR Comput. Math. Math. Phys. 8, 241 (1968).
    """
    x, w = np.polynomial.legendre.leggauss(n)
    l = np.arange(n)
    size = np.abs(omega[:, None])
    waves = (-1j * np.sign(omega[:, None])) ** l * (2 * l + 1) / 2 * spherical_jn(l, size)
    return x, np.asarray(waves @ (w[:, None] * np.polynomial.legendre.legvander(x, n - 1)).T, np.complex64)
