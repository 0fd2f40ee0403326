"""What happens to one spin, in single precision: plain functions compiled for the CPU and, as they are, for a GPU.

A compiled function of the CPU is recompiled for the card by the kernel that calls it, so both run the same text. What
is nearly 1 is never formed: a turn and a decay are increments, because 1 - 3e-5 rounds by the same 3e-8 at every step
of a pulse, and a thousand steps later that is an error.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from spinloom.simulation.polynomials_single import half_turn_of_square, turn

_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_STRICT = {"cache": True, "nogil": True, "error_model": "numpy"}
natural: Any = np.uint64
"""Type of an index on the card."""
_INTEGER = 1.5 * 2.0**52
"""Added to a double and taken away again it leaves the nearest integer, for two additions and no conversion."""


@njit(**_STRICT)
def reduced(turns: float) -> Any:
    """A phase [turns, double] less its nearest integer, single: what is left of 128 turns is good to 3e-8."""
    return np.float32(turns - ((turns + _INTEGER) - _INTEGER))


@njit(inline="always", **_FAST)
def times(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    """(a + i b) (c + i d)."""
    return a * c - b * d, a * d + b * c


@njit(inline="always", **_FAST)
def loss(rate: float, dt: float) -> Any:
    """1 - exp(-R dt)."""
    return np.float32(-math.expm1(-rate * dt))


@njit(inline="always", **_FAST)
def left(exponent: Any) -> Any:
    """exp(-x), single, of any sign; at most e^80."""
    return np.float32(math.exp(min(-exponent, np.float32(80.0))))


@njit(inline="always", **_FAST)
def clockwise(x: float, y: float, turns: float) -> tuple[float, float]:
    """M+ exp(-2 pi i turns) for a reduced phase."""
    s, c = turn(turns)
    return x * c + y * s, y * c - x * s


@njit(inline="always", **_FAST)
def relaxed(x: float, y: float, z: float, D1: float, D2: float, recovery: float) -> tuple[float, float, float]:
    """Relaxation by the losses D1, D2; recovery 0 leaves out the inhomogeneous part (columns of a map)."""
    return x - D2 * x, y - D2 * y, z + D1 * (recovery - z)


@njit(inline="always", **_FAST)
def rotation(u: float, v: float, w: float) -> tuple[float, float]:
    """A = sin(2 pi h) / h, B = (1 - cos 2 pi h) / h^2 with h = |(u, v, w)| <= 1/2 turn; no root, no division."""
    r, c = half_turn_of_square(u * u + v * v + w * w)
    twice = r + r
    return twice * c, twice * r


@njit(inline="always", **_FAST)
def rotated(
    x: float, y: float, z: float, u: float, v: float, w: float, A: float, B: float
) -> tuple[float, float, float]:
    """Left-handed turn of M by 2 pi |n| about n = (u, v, w) [turns]: M - A n x M + B n x (n x M) (Rodrigues)."""
    p = v * z - w * y
    q = w * x - u * z
    r = u * y - v * x
    return x + (B * (v * r - w * q) - A * p), y + (B * (w * p - u * r) - A * q), z + (B * (u * q - v * p) - A * r)
