"""What a turn and a decay add to a number, in single precision: nothing nearly 1 is formed, see pulse_single.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.polynomial import Chebyshev, Polynomial

_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def _even(function: Any, degree: int) -> tuple[np.float32, ...]:
    """Chebyshev interpolant on [0, 1/4], near minimax, as coefficients of powers."""
    series = Chebyshev.interpolate(function, degree, domain=[0.0, 0.25])
    return tuple(np.float32(c) for c in series.convert(kind=Polynomial).coef)


_S = _even(lambda q: math.sqrt(2.0) * np.pi * np.sinc(np.sqrt(q)), 4)  # to 5e-9
_C = _even(lambda q: math.sqrt(2.0) * np.cos(np.pi * np.sqrt(q)), 5)  # to 3e-10
_E = tuple(np.float32((-1.0) ** n / math.factorial(n + 1)) for n in range(8))
_TWO = np.float32(2.0)
_LEAST, _MOST, _PART = np.float32(-44.0), np.float32(44.0), np.float32(1.0 / 64.0)


@njit(inline="always", **_FAST)
def root_turn(q: Any) -> tuple[Any, Any]:
    """sqrt2 sin(pi h) / h, sqrt2 cos(pi h) with q = h^2 <= 1/4."""
    c = _C[4] + q * _C[5]
    s = _S[3] + q * _S[4]
    c = _C[3] + q * c
    s = _S[2] + q * s
    c = _C[2] + q * c
    s = _S[1] + q * s
    c = _C[1] + q * c
    return _S[0] + q * s, _C[0] + q * c


@njit(inline="always", **_FAST)
def loss(x: Any) -> Any:
    """1 - exp(-x) for |x| <= 44, held beyond: relative error some 1e-7 for x > 0, down to the smallest.

    D(2 x) = D(x) (2 - D(x)), six times from a series at x / 64; an error of D does not grow on the way.
    """
    y = max(_LEAST, min(x, _MOST)) * _PART
    p = _E[5] + y * _E[6]
    p = _E[4] + y * p
    p = _E[3] + y * p
    p = _E[2] + y * p
    p = _E[1] + y * p
    p = y + y * (y * p)
    p = p * (_TWO - p)
    p = p * (_TWO - p)
    p = p * (_TWO - p)
    p = p * (_TWO - p)
    p = p * (_TWO - p)
    return p * (_TWO - p)
