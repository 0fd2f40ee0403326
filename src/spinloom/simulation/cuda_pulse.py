"""A pulse on the card: one thread, one spin, its magnetisation in registers through all steps.

Indices are cast to `natural`: a signed one is checked for Python's negative ones, which costs more than the arithmetic.
"""

from __future__ import annotations

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from spinloom.simulation.cuda_steps import loss, natural, relaxed, rotated, rotation
from spinloom.simulation.kernels import EXTRA

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

DT, THEN, NEW, GRADIENT, MORE = 5, 6, 7, 2, 8
"""Columns of a step: 0, 1 B1 dt [turns]; 2 to 4 G dt [turns/m]; dt [s]; time to relax after the turn [s] and whether
it differs from that of the step before; then further terms times dt."""
_ZERO, _ONE, _HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)


@cuda.jit(device=True)
def axis(q: Singles, k: int, spin: Floats, i: int, r: Vector, off: float, B1: float) -> Vector:
    """(u, v, w) of one step [turns]."""
    k = natural(k)
    w = q[k, 2] * r[0] + q[k, 3] * r[1] + q[k, 4] * r[2] + q[k, DT] * off
    for n in range(MORE, q.shape[1]):
        w += q[k, natural(n)] * np.float32(spin[natural(EXTRA + n - MORE), natural(i)])
    return B1 * q[k, 0], B1 * q[k, 1], w


@cuda.jit(device=True)
def pulse(
    m: Vector, q: Singles, lo: int, hi: int, spin: Floats, i: int, r: Vector, off: float, R1: float, R2: float
) -> Vector:
    """M after steps lo to hi: half a step of relaxation, turn, relaxation in between, ..., turn, half a step.

    r  (x, y, z) [m], off = f - f0 [Hz], single;  spin  the tile's rows, for further terms and B1
    """
    B1 = np.float32(spin[6, natural(i)])
    D1, D2 = loss(R1, _HALF * q[natural(lo), DT]), loss(R2, _HALF * q[natural(lo), DT])
    x, y, z = relaxed(m[0], m[1], m[2], D1, D2, _ONE)
    for k in range(lo, hi):
        u, v, w = axis(q, k, spin, i, r, off, B1)
        A, B = rotation(u, v, w)
        x, y, z = rotated(x, y, z, u, v, w, A, B)
        if q[natural(k), NEW] != _ZERO:
            D1, D2 = loss(R1, q[natural(k), THEN]), loss(R2, q[natural(k), THEN])
        x, y, z = relaxed(x, y, z, D1, D2, _ONE)
    return x, y, z


@cuda.jit(device=True)
def pulse_map(
    maps: Singles,
    slot: int,
    thread: int,
    q: Singles,
    lo: int,
    hi: int,
    spin: Floats,
    i: int,
    r: Vector,
    off: float,
    R1: float,
    R2: float,
) -> None:
    """The affine map M -> A M + b of a pulse into maps[slot, :, thread]: three columns of A, then b."""
    B1 = np.float32(spin[6, natural(i)])
    D1, D2 = loss(R1, _HALF * q[natural(lo), DT]), loss(R2, _HALF * q[natural(lo), DT])
    ax, ay, az = relaxed(_ONE, _ZERO, _ZERO, D1, D2, _ZERO)
    bx, by, bz = relaxed(_ZERO, _ONE, _ZERO, D1, D2, _ZERO)
    cx, cy, cz = relaxed(_ZERO, _ZERO, _ONE, D1, D2, _ZERO)
    dx, dy, dz = relaxed(_ZERO, _ZERO, _ZERO, D1, D2, _ONE)
    for k in range(lo, hi):
        u, v, w = axis(q, k, spin, i, r, off, B1)
        A, B = rotation(u, v, w)
        ax, ay, az = rotated(ax, ay, az, u, v, w, A, B)
        bx, by, bz = rotated(bx, by, bz, u, v, w, A, B)
        cx, cy, cz = rotated(cx, cy, cz, u, v, w, A, B)
        dx, dy, dz = rotated(dx, dy, dz, u, v, w, A, B)
        if q[natural(k), NEW] != _ZERO:
            D1, D2 = loss(R1, q[natural(k), THEN]), loss(R2, q[natural(k), THEN])
        ax, ay, az = relaxed(ax, ay, az, D1, D2, _ZERO)
        bx, by, bz = relaxed(bx, by, bz, D1, D2, _ZERO)
        cx, cy, cz = relaxed(cx, cy, cz, D1, D2, _ZERO)
        dx, dy, dz = relaxed(dx, dy, dz, D1, D2, _ONE)
    n, j = natural(slot), natural(thread)
    maps[n, 0, j], maps[n, 1, j], maps[n, 2, j] = ax, ay, az
    maps[n, 3, j], maps[n, 4, j], maps[n, 5, j] = bx, by, bz
    maps[n, 6, j], maps[n, 7, j], maps[n, 8, j] = cx, cy, cz
    maps[n, 9, j], maps[n, 10, j], maps[n, 11, j] = dx, dy, dz


@cuda.jit(device=True)
def mapped(m: Vector, A: Singles, slot: int, thread: int) -> Vector:
    """A M + b, the map of one slot and one thread."""
    x, y, z = m
    n, j = natural(slot), natural(thread)
    return (
        A[n, 0, j] * x + A[n, 3, j] * y + A[n, 6, j] * z + A[n, 9, j],
        A[n, 1, j] * x + A[n, 4, j] * y + A[n, 7, j] * z + A[n, 10, j],
        A[n, 2, j] * x + A[n, 5, j] * y + A[n, 8, j] * z + A[n, 11, j],
    )
