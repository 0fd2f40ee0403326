"""A pulse on the card: one thread, one spin, its magnetisation in registers through all steps."""

from __future__ import annotations

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from spinloom.simulation.cuda_steps import loss, relaxed, rotated, rotation
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
    w = q[k, 2] * r[0] + q[k, 3] * r[1] + q[k, 4] * r[2] + q[k, DT] * off
    for n in range(MORE, q.shape[1]):
        w += q[k, n] * np.float32(spin[EXTRA + n - MORE, i])
    return B1 * q[k, 0], B1 * q[k, 1], w


@cuda.jit(device=True)
def pulse(
    m: Vector, q: Singles, lo: int, hi: int, spin: Floats, i: int, r: Vector, off: float, R1: float, R2: float
) -> Vector:
    """M after steps lo to hi: half a step of relaxation, turn, relaxation in between, ..., turn, half a step.

    r  (x, y, z) [m], off = f - f0 [Hz], single;  spin  the tile's rows, for further terms and B1
    """
    B1 = np.float32(spin[6, i])
    D1, D2 = loss(R1, _HALF * q[lo, DT]), loss(R2, _HALF * q[lo, DT])
    x, y, z = relaxed(m[0], m[1], m[2], D1, D2, _ONE)
    for k in range(lo, hi):
        u, v, w = axis(q, k, spin, i, r, off, B1)
        A, B = rotation(u, v, w)
        x, y, z = rotated(x, y, z, u, v, w, A, B)
        if q[k, NEW] != _ZERO:
            D1, D2 = loss(R1, q[k, THEN]), loss(R2, q[k, THEN])
        x, y, z = relaxed(x, y, z, D1, D2, _ONE)
    return x, y, z


@cuda.jit(device=True)
def pulse_map(
    maps: Singles,
    row: int,
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
    """The affine map M -> A M + b of a pulse into rows `row` to `row` + 11 of `maps`: three columns of A, then b."""
    B1 = np.float32(spin[6, i])
    D1, D2 = loss(R1, _HALF * q[lo, DT]), loss(R2, _HALF * q[lo, DT])
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
        if q[k, NEW] != _ZERO:
            D1, D2 = loss(R1, q[k, THEN]), loss(R2, q[k, THEN])
        ax, ay, az = relaxed(ax, ay, az, D1, D2, _ZERO)
        bx, by, bz = relaxed(bx, by, bz, D1, D2, _ZERO)
        cx, cy, cz = relaxed(cx, cy, cz, D1, D2, _ZERO)
        dx, dy, dz = relaxed(dx, dy, dz, D1, D2, _ONE)
    maps[row, thread], maps[row + 1, thread], maps[row + 2, thread] = ax, ay, az
    maps[row + 3, thread], maps[row + 4, thread], maps[row + 5, thread] = bx, by, bz
    maps[row + 6, thread], maps[row + 7, thread], maps[row + 8, thread] = cx, cy, cz
    maps[row + 9, thread], maps[row + 10, thread], maps[row + 11, thread] = dx, dy, dz


@cuda.jit(device=True)
def mapped(m: Vector, A: Singles, row: int, i: int) -> Vector:
    """A M + b, from rows `row` to `row` + 11 of the maps, column i."""
    x, y, z = m
    return (
        A[row, i] * x + A[row + 3, i] * y + A[row + 6, i] * z + A[row + 9, i],
        A[row + 1, i] * x + A[row + 4, i] * y + A[row + 7, i] * z + A[row + 10, i],
        A[row + 2, i] * x + A[row + 5, i] * y + A[row + 8, i] * z + A[row + 11, i],
    )
