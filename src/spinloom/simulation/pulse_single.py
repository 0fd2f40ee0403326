"""A pulse through a tile of spins in single precision: no root, no division, no sine, nothing nearly 1 multiplied.

With n = (u, v, w) the turn of a step [turns], h = |n| <= 1/2, a left-handed turn of M by 2 pi h about n is

    e = sqrt2 sin(pi h)/h n,   t = e x M,   M <- M - sqrt2 cos(pi h) t + e x t

whose coefficients are even in h, so polynomials in h^2. Turns and losses are added to M: a factor of 1 - 3e-5 would
round by the same 3e-8 at every step. `STEP_FLOPS` are counted from the formulas, a fused multiply-add as 2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.kernels import EXTRA, TILE
from spinloom.simulation.wide import widest_vectors

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}
_FAST = {**_FLAGS, "fastmath": {"contract", "nsz"}}

STEP_FLOPS = 9 + 5 + 18 + 3 + 9 + 15 + 13
"""Of one spin and step: n; h^2; two polynomials of degrees 4 and 5; e; t; what the turn adds; relaxation."""
MAP_FLOPS = 9 + 5 + 18 + 3 + 3 * (9 + 15 + 12) + 9 + 15 + 13
"""The same for the four columns of a map."""
APPLY_FLOPS = 18


def _even(function: Any, degree: int) -> tuple[np.float32, ...]:
    """Chebyshev interpolant on [0, 1/4], near minimax, as coefficients of powers."""
    from numpy.polynomial import Chebyshev, Polynomial

    series = Chebyshev.interpolate(function, degree, domain=[0.0, 0.25])
    return tuple(np.float32(c) for c in series.convert(kind=Polynomial).coef)


_S = _even(lambda q: math.sqrt(2.0) * np.pi * np.sinc(np.sqrt(q)), 4)  # to 5e-9
_C = _even(lambda q: math.sqrt(2.0) * np.cos(np.pi * np.sqrt(q)), 5)  # to 3e-10
_E = tuple(np.float32((-1.0) ** n / math.factorial(n + 1)) for n in range(8))
_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
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


@njit(inline="always", **_FAST)
def stepped(
    x: Any, y: Any, z: Any, u: Any, v: Any, w: Any, c: Any, D1: Any, D2: Any, recovery: Any
) -> tuple[Any, Any, Any]:
    """M + d - (D2, D2, D1) (M + d - (0, 0, recovery)), d = e x t - c t, t = e x M, e = (u, v, w): rounded once."""
    p = v * z - w * y
    q = w * x - u * z
    r = u * y - v * x
    dx = v * r - w * q - c * p
    dy = w * p - u * r - c * q
    dz = u * q - v * p - c * r
    return x + (dx - D2 * (x + dx)), y + (dy - D2 * (y + dy)), z + (dz + D1 * (recovery - (z + dz)))


@njit(**_FAST)
def fill_losses(D: Singles, near: Singles, dt: float) -> None:
    """D  rows 1 - exp(-R1 dt), 1 - exp(-R2 dt)."""
    widest_vectors()
    h = np.float32(dt)
    for i in range(TILE):
        D[i] = loss(near[3 * TILE + i] * h)
        D[TILE + i] = loss(near[4 * TILE + i] * h)


@njit(**_FAST)
def relax(m: Singles, D: Singles, recovery: Any) -> None:
    """Relaxation alone; recovery 0 leaves out the inhomogeneous part (columns of a map)."""
    widest_vectors()
    for i in range(TILE):
        m[i] -= D[TILE + i] * m[i]
        m[TILE + i] -= D[TILE + i] * m[TILE + i]
        m[2 * TILE + i] += D[i] * (recovery - m[2 * TILE + i])


@njit(**_FAST)
def offset(off: Singles, spin: Floats, f0: float, g: Floats) -> None:
    """off = f - f0 + sum_j g_j basis_j(r) [Hz] over the terms beyond x, y, z."""
    widest_vectors()
    for i in range(TILE):
        off[i] = np.float32(spin[5 * TILE + i] - f0)
    for j in range(g.shape[0]):
        row = spin[(EXTRA + j) * TILE : (EXTRA + j + 1) * TILE]
        for i in range(TILE):
            off[i] += np.float32(g[j] * row[i])


@njit(**_FAST)
def step(m: Singles, near: Singles, off: Singles, D: Singles, q: Singles) -> None:
    """Turn M by one step of a pulse, then relax.

    q  (6,) B1x dt, B1y dt [turns], G dt [turns/m], dt [s];  off [Hz]
    """
    widest_vectors()
    bx, by, gx, gy, gz, dt = q[0], q[1], q[2], q[3], q[4], q[5]
    for i in range(TILE):
        B1 = near[6 * TILE + i]
        u, v = B1 * bx, B1 * by
        w = gx * near[i] + gy * near[TILE + i] + gz * near[2 * TILE + i] + dt * off[i]
        s, c = root_turn(u * u + v * v + w * w)
        x, y, z = m[i], m[TILE + i], m[2 * TILE + i]
        x, y, z = stepped(x, y, z, s * u, s * v, s * w, c, D[i], D[TILE + i], _ONE)
        m[i], m[TILE + i], m[2 * TILE + i] = x, y, z


@njit(**_FAST)
def map_step(A: Singles, near: Singles, off: Singles, D: Singles, q: Singles) -> None:
    """The same for all four columns of a map, whose coefficients are worked out once."""
    widest_vectors()
    bx, by, gx, gy, gz, dt = q[0], q[1], q[2], q[3], q[4], q[5]
    for i in range(TILE):
        B1 = near[6 * TILE + i]
        u, v = B1 * bx, B1 * by
        w = gx * near[i] + gy * near[TILE + i] + gz * near[2 * TILE + i] + dt * off[i]
        s, c = root_turn(u * u + v * v + w * w)
        u, v, w = s * u, s * v, s * w
        D1, D2 = D[i], D[TILE + i]
        x, y, z = stepped(A[i], A[TILE + i], A[2 * TILE + i], u, v, w, c, D1, D2, _ZERO)
        A[i], A[TILE + i], A[2 * TILE + i] = x, y, z
        x, y, z = stepped(A[3 * TILE + i], A[4 * TILE + i], A[5 * TILE + i], u, v, w, c, D1, D2, _ZERO)
        A[3 * TILE + i], A[4 * TILE + i], A[5 * TILE + i] = x, y, z
        x, y, z = stepped(A[6 * TILE + i], A[7 * TILE + i], A[8 * TILE + i], u, v, w, c, D1, D2, _ZERO)
        A[6 * TILE + i], A[7 * TILE + i], A[8 * TILE + i] = x, y, z
        x, y, z = stepped(A[9 * TILE + i], A[10 * TILE + i], A[11 * TILE + i], u, v, w, c, D1, D2, _ONE)
        A[9 * TILE + i], A[10 * TILE + i], A[11 * TILE + i] = x, y, z


@njit(**_FLAGS)
def largest_turn(q: Floats, reach: Floats, f0: float) -> float:
    """A bound on h over the tile; reach: largest size of each row of spins."""
    f = abs(q[3]) * reach[0] + abs(q[4]) * reach[1] + abs(q[5]) * reach[2] + reach[5] + abs(f0)
    for j in range(6, q.shape[0]):
        f += abs(q[j]) * reach[EXTRA + j - 6]
    return float(q[0] * math.sqrt(f * f + reach[6] * reach[6] * (q[1] * q[1] + q[2] * q[2])))


@njit(**_FLAGS)
def pulse(
    m: Singles, spin: Floats, near: Singles, reach: Floats, steps: Floats, f0: float, D: Singles, off: Singles
) -> None:
    """Through all steps of a pulse, half a step of relaxation before and after each turn; a step that turns any spin of
    the tile by more than half a turn is taken in parts.

    m      (3 TILE,) magnetisation, or (12 TILE,) a map: where x, y and z go, then where 0 goes
    steps  (n, 3 + n_terms) see moments.rf_steps;  f0  frequency of the frame [Hz]
    D      (4 TILE,) scratch, whose second half is zero;  off  (TILE,) scratch
    """
    widest_vectors()
    n, q = steps.shape[0], np.empty(6, np.float32)
    now = steps[0, 0] / 2
    fill_losses(D, near, now)
    for j in range(0, m.size, 3 * TILE):
        relax(m[j : j + 3 * TILE], D, _ONE if j == m.size - 3 * TILE else _ZERO)
    offset(off, spin, f0, steps[0, 6:])
    for k in range(n):
        then = (steps[k, 0] + (steps[k + 1, 0] if k + 1 < n else 0.0)) / 2
        if abs(then - now) > 1e-9 * now:
            fill_losses(D, near, then)
            now = then
        if steps.shape[1] > 6 and k:
            offset(off, spin, f0, steps[k, 6:])
        parts = max(1, math.ceil(2.000002 * largest_turn(steps[k], reach, f0)))
        dt = steps[k, 0] / parts
        q[5] = dt
        for j in range(5):
            q[j] = steps[k, 1 + j] * dt
        for part in range(parts):
            losses = D if part == parts - 1 else D[2 * TILE :]
            if m.size == 3 * TILE:
                step(m, near, off, losses, q)
            else:
                map_step(m, near, off, losses, q)


@njit(**_FLAGS)
def pulse_map(
    A: Singles, spin: Floats, near: Singles, reach: Floats, steps: Floats, f0: float, D: Singles, off: Singles
) -> None:
    """The affine map of a pulse, M -> A M + b: three columns of A, then b, each three rows."""
    widest_vectors()
    A[:] = _ZERO
    for j in range(3):
        A[4 * j * TILE : (4 * j + 1) * TILE] = _ONE
    pulse(A, spin, near, reach, steps, f0, D, off)


@njit(**_FAST)
def apply_map(m: Singles, A: Singles) -> None:
    """M <- A M + b."""
    widest_vectors()
    for i in range(TILE):
        a = m[i]
        b = m[TILE + i]
        d = m[2 * TILE + i]
        m[i] = A[i] * a + A[3 * TILE + i] * b + A[6 * TILE + i] * d + A[9 * TILE + i]
        m[TILE + i] = A[TILE + i] * a + A[4 * TILE + i] * b + A[7 * TILE + i] * d + A[10 * TILE + i]
        m[2 * TILE + i] = A[2 * TILE + i] * a + A[5 * TILE + i] * b + A[8 * TILE + i] * d + A[11 * TILE + i]
