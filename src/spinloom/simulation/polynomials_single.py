"""Sine, cosine and exponential in single precision: as polynomials.py, with the terms that 24 bits can tell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_S = tuple(np.float32((-1.0) ** n * math.pi ** (2 * n + 1) / math.factorial(2 * n + 1)) for n in range(6))
_C = tuple(np.float32((-1.0) ** n * math.pi ** (2 * n) / math.factorial(2 * n)) for n in range(7))
_E = tuple(np.float32(1.0 / math.factorial(n)) for n in range(7))
_ONE, _TWO, _HALF = np.float32(1.0), np.float32(2.0), np.float32(0.5)
_ROUND = np.float32(1.0 / 64.0)

LARGEST = np.float32(44.0)
"""Exponent beyond which `decay` stands still, at 8e-20."""


@njit(inline="always", **_FAST)
def half_turn_of_square(q: Any) -> tuple[Any, Any]:
    """sin(pi y) / y, cos(pi y) with q = y^2 <= 1/4: even functions of y need no root."""
    s = _S[4] + q * _S[5]
    c = _C[5] + q * _C[6]
    s = _S[3] + q * s
    c = _C[4] + q * c
    s = _S[2] + q * s
    c = _C[3] + q * c
    s = _S[1] + q * s
    c = _C[2] + q * c
    c = _C[1] + q * c
    return _S[0] + q * s, _ONE + q * c


@njit(inline="always", **_FAST)
def half_turn(y: float) -> tuple[float, float]:
    """sin(pi y), cos(pi y) for |y| <= 1/2: Taylor to 6e-8."""
    s, c = half_turn_of_square(y * y)
    return y * s, c


@njit(inline="always", **_FAST)
def turn(y: float) -> tuple[float, float]:
    """sin(2 pi y), cos(2 pi y) for |y| <= 1/2."""
    s, c = half_turn(y)
    return _TWO * s * c, _ONE - _TWO * s * s


@njit(inline="always", **_FAST)
def decay(x: Any) -> Any:
    """exp(-x) for x >= 0, relative error about 4e-6 at x = 10, held from LARGEST on."""
    y = -min(x, LARGEST) * _ROUND
    p = _E[5] + y * _E[6]
    p = _E[4] + y * p
    p = _E[3] + y * p
    p = _E[2] + y * p
    p = _ONE + y * (_ONE + y * p)
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    return p * p
