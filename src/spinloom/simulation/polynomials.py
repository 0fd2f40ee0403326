"""Sine, cosine and exponential as polynomials: no branch, no library call, so that loops over spins use vector units.

Scalar functions, compiled into the loops that call them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_S = tuple((-1.0) ** n * math.pi ** (2 * n + 1) / math.factorial(2 * n + 1) for n in range(12))
_C = tuple((-1.0) ** n * math.pi ** (2 * n) / math.factorial(2 * n) for n in range(12))
_E = tuple(1.0 / math.factorial(n) for n in range(16))


LARGEST = 44.0
"""Exponent beyond which `decay` stands still, at 8e-20."""


@njit(inline="always", **_FAST)
def half_turn(x: float) -> tuple[float, float]:
    """sin(pi y), cos(pi y) with y = x - nearest integer: Taylor to 1e-16 on |y| <= 1/2; no branch, no libm."""
    y = x - np.floor(x + 0.5)
    q = y * y
    s = _S[10] + q * _S[11]
    c = _C[10] + q * _C[11]
    s = _S[9] + q * s
    c = _C[9] + q * c
    s = _S[8] + q * s
    c = _C[8] + q * c
    s = _S[7] + q * s
    c = _C[7] + q * c
    s = _S[6] + q * s
    c = _C[6] + q * c
    s = _S[5] + q * s
    c = _C[5] + q * c
    s = _S[4] + q * s
    c = _C[4] + q * c
    s = _S[3] + q * s
    c = _C[3] + q * c
    s = _S[2] + q * s
    c = _C[2] + q * c
    s = _S[1] + q * s
    c = _C[1] + q * c
    return y * (_S[0] + q * s), 1.0 + q * c


@njit(inline="always", **_FAST)
def turn(x: float) -> tuple[float, float]:
    """sin(2 pi x), cos(2 pi x)."""
    s, c = half_turn(x)
    return 2.0 * s * c, 1.0 - 2.0 * s * s


@njit(inline="always", **_FAST)
def decay(x: float) -> float:
    """exp(-x) for x >= 0, relative error 1e-14 up to LARGEST, where it is held."""
    y = -min(x, LARGEST) * (1.0 / 64.0)
    p = _E[14] + y * _E[15]
    p = _E[13] + y * p
    p = _E[12] + y * p
    p = _E[11] + y * p
    p = _E[10] + y * p
    p = _E[9] + y * p
    p = _E[8] + y * p
    p = _E[7] + y * p
    p = _E[6] + y * p
    p = _E[5] + y * p
    p = _E[4] + y * p
    p = _E[3] + y * p
    p = _E[2] + y * p
    p = 1.0 + y * (1.0 + y * p)
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    return p * p
