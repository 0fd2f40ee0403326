"""The mean over a voxel's thickness of what varies across a slice, with any dephasing along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import spherical_jn

Floats = NDArray[np.float64]

PER_SLICE = 24
"""Nodes across the width of a slice: an error of 1e-4 with crushers of any strength."""


def nodes_for(thickness: float, width: float) -> int:
    """How many nodes a voxel of a thickness needs in a slice of a width, both [m]."""
    return 2 + int(np.ceil(PER_SLICE * thickness / width))


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
