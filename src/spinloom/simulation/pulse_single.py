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

from spinloom.simulation.increments_single import loss, root_turn
from spinloom.simulation.kernels import EXTRA, TILE
from spinloom.simulation.wide import widest_vectors

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}
_FAST = {**_FLAGS, "fastmath": {"contract", "nsz"}}

STEP_FLOPS = 9 + 5 + 18 + 3 + 9 + 15 + 13
"""Of one spin and step: n; h^2; two polynomials of degrees 4 and 5; e; t; what the turn adds; relaxation."""
MAP_FLOPS = 9 + 5 + 18 + 3 + 4 * (9 + 15 + 13)
"""The same for the four columns of a map."""
APPLY_FLOPS = 18
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


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
def rotation(e: Singles, near: Singles, off: Singles, q: Singles) -> None:
    """e  rows ex, ey, ez and sqrt2 cos(pi h) of one step.

    q  (6,) B1x dt, B1y dt [turns], G dt [turns/m], dt [s];  off [Hz]
    """
    widest_vectors()
    bx, by, gx, gy, gz, dt = q[0], q[1], q[2], q[3], q[4], q[5]
    for i in range(TILE):
        B1 = near[6 * TILE + i]
        u, v = B1 * bx, B1 * by
        w = gx * near[i] + gy * near[TILE + i] + gz * near[2 * TILE + i] + dt * off[i]
        s, c = root_turn(u * u + v * v + w * w)
        e[i], e[TILE + i], e[2 * TILE + i], e[3 * TILE + i] = s * u, s * v, s * w, c


@njit(**_FAST)
def rotate(m: Singles, e: Singles, D: Singles, recovery: Any) -> None:
    """M <- M + d - (D2, D2, D1) (M + d - (0, 0, recovery)), d = e x t - c t, t = e x M: rounded once.

    A loop of its own: both chains of dependent operations are then short enough for the processor to overlap spins.
    """
    widest_vectors()
    for i in range(TILE):
        u, v, w, c = e[i], e[TILE + i], e[2 * TILE + i], e[3 * TILE + i]
        x, y, z = m[i], m[TILE + i], m[2 * TILE + i]
        p = v * z - w * y
        q = w * x - u * z
        r = u * y - v * x
        dx = v * r - w * q - c * p
        dy = w * p - u * r - c * q
        dz = u * q - v * p - c * r
        m[i] = x + (dx - D[TILE + i] * (x + dx))
        m[TILE + i] = y + (dy - D[TILE + i] * (y + dy))
        m[2 * TILE + i] = z + (dz + D[i] * (recovery - (z + dz)))


@njit(**_FLAGS)
def largest_turn(q: Floats, reach: Floats, f0: float) -> float:
    """A bound on h over the tile; reach: largest size of each row of spins."""
    f = abs(q[3]) * reach[0] + abs(q[4]) * reach[1] + abs(q[5]) * reach[2] + reach[5] + abs(f0)
    for j in range(6, q.shape[0]):
        f += abs(q[j]) * reach[EXTRA + j - 6]
    return float(q[0] * math.sqrt(f * f + reach[6] * reach[6] * (q[1] * q[1] + q[2] * q[2])))


@njit(**_FLAGS)
def pulse(
    m: Singles,
    spin: Floats,
    near: Singles,
    reach: Floats,
    steps: Floats,
    f0: float,
    D: Singles,
    off: Singles,
    e: Singles,
) -> None:
    """Through all steps of a pulse, half a step of relaxation before and after each turn; a step that turns any spin of
    the tile by more than half a turn is taken in parts.

    m      (3 TILE,) magnetisation, or (12 TILE,) a map: where x, y and z go, then where 0 goes
    steps  (n, 3 + n_terms) see moments.rf_steps;  f0  frequency of the frame [Hz]
    D      (4 TILE,) scratch, whose second half is zero;  off  (TILE,), e  (4 TILE,) scratch
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
            rotation(e, near, off, q)
            for j in range(0, m.size, 3 * TILE):
                rotate(m[j : j + 3 * TILE], e, losses, _ONE if j == m.size - 3 * TILE else _ZERO)


@njit(**_FLAGS)
def pulse_map(
    A: Singles,
    spin: Floats,
    near: Singles,
    reach: Floats,
    steps: Floats,
    f0: float,
    D: Singles,
    off: Singles,
    e: Singles,
) -> None:
    """The affine map of a pulse, M -> A M + b: three columns of A, then b, each three rows."""
    widest_vectors()
    A[:] = _ZERO
    for j in range(3):
        A[4 * j * TILE : (4 * j + 1) * TILE] = _ONE
    pulse(A, spin, near, reach, steps, f0, D, off, e)


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
