"""A readout of a tile of spins in single precision: samples of a straight line eight at a time, as a matrix product.

    S(8 h + l) = sum_v (a_v p_v^(8 h)) p_v^l,   l < 8

a is what a spin says at the first sample, p what it does from one sample to the next. The eight powers are tabulated,
so a sample costs four multiply-adds a spin and no store, and a recurrence runs over `CHUNK` / 8 steps before spins are
listened to afresh, their phases reduced in double. `SAMPLE_FLOPS` counts a fused multiply-add as 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.increments_single import loss
from spinloom.simulation.kernels import EXTRA, TILE
from spinloom.simulation.polynomials_single import decay, turn
from spinloom.simulation.wide import widest_vectors

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}
_FAST = {**_FLAGS, "fastmath": {"contract", "nsz"}}
_SUM = {**_FLAGS, "fastmath": {"contract", "nsz", "reassoc"}}

LOW = 8
CHUNK = 128
"""Samples from one listening to the next, at most."""
POWERS = 2 * (LOW + 1)
"""Rows of a table: p^0 ... p^7, then p^8, real and imaginary."""
STEEP = 25.0
"""Decay or growth over a chunk, as an exponent, that keeps what is summed far from the smallest single, 1e-38."""
SAMPLE_FLOPS = 8
"""Of one spin and sample of one coil: 7 of 8 are a complex product and sum, one a sum and the product to the next."""
_ZERO, _ONE, _LEAST = np.float32(0.0), np.float32(1.0), np.float32(1e-25)


@njit(inline="always", **_FAST)
def reduced(x: float) -> Any:
    """A phase [turns] less its nearest integer, single."""
    return np.float32(x - np.floor(x + 0.5))


@njit(**_FAST)
def phase(ph: Singles, spin: Floats, dt: float, moment: Floats, start: float) -> None:
    """ph = start + sum_j moment_j basis_j(r) + f dt [turns], in double, then reduced to half a turn."""
    widest_vectors()
    kx, ky, kz = moment[0], moment[1], moment[2]
    if moment.shape[0] == 3:
        for i in range(TILE):
            x = kx * spin[i] + ky * spin[TILE + i] + kz * spin[2 * TILE + i] + spin[5 * TILE + i] * dt
            ph[i] = reduced(start + x)
        return
    for i in range(TILE):
        x = kx * spin[i] + ky * spin[TILE + i] + kz * spin[2 * TILE + i] + spin[5 * TILE + i] * dt
        for j in range(3, moment.shape[0]):
            x += moment[j] * spin[(EXTRA - 3 + j) * TILE + i]
        ph[i] = reduced(start + x)


@njit(**_FAST)
def listen(
    a: Singles, m: Singles, near: Singles, R2prime: Singles, ph: Singles, t: float, tau: float, b: float
) -> None:
    """a = M+ exp(-2 pi i ph - R2 t - R2' tau - b D), nothing left where next to nothing would be: what is smaller than
    1e-38 costs a hundred times as much.

    t since the last pulse, tau from the echo [s];  b  diffusion weighting of the encoded echo [s/m^2]
    """
    widest_vectors()
    t1, tau1, b1 = np.float32(t), np.float32(tau), np.float32(b)
    for i in range(TILE):
        s, c = turn(ph[i])
        E = decay(near[4 * TILE + i] * t1 + R2prime[i] * tau1 + near[7 * TILE + i] * b1)
        x, y = E * m[i], E * m[TILE + i]
        p, q = x * c + y * s, y * c - x * s
        a[i] = p if abs(p) > _LEAST else _ZERO
        a[TILE + i] = q if abs(q) > _LEAST else _ZERO


@njit(**_FAST)
def power(p: Singles, near: Singles, R2prime: Singles, ph: Singles, dt: float, dtau: float) -> None:
    """p = exp(-2 pi i ph - R2 dt - R2' dtau); dtau < 0 before an echo."""
    widest_vectors()
    h, g = np.float32(dt), np.float32(dtau)
    for i in range(TILE):
        s, c = turn(ph[i])
        D = loss(near[4 * TILE + i] * h + R2prime[i] * g)
        p[i] = c - D * c
        p[TILE + i] = D * s - s


@njit(**_FAST)
def product(c: Singles, a: Singles, b: Singles) -> None:
    """c_v = a_v b_v, complex; c is another array than a, or the compiler's check sends the loop the slow way."""
    widest_vectors()
    for i in range(TILE):
        x, y = a[i], a[TILE + i]
        u, v = b[i], b[TILE + i]
        c[i] = x * u - y * v
        c[TILE + i] = x * v + y * u


@njit(**_FAST)
def multiply(a: Singles, b: Singles) -> None:
    """a_v <- a_v b_v, complex."""
    widest_vectors()
    for i in range(TILE):
        x, y = a[i], a[TILE + i]
        u, v = b[i], b[TILE + i]
        a[i] = x * u - y * v
        a[TILE + i] = x * v + y * u


@njit(**_FLAGS)
def powers(
    P: Singles, spin: Floats, near: Singles, R2prime: Singles, ph: Singles, step: Floats, dtau: float, none: Singles
) -> None:
    """The table of a line; p^8 is a sine of its own, of a phase reduced in double.

    step  (1 + n_terms,) time and moments from one sample to the next, overwritten;  none  (2 TILE,) ones, zeros
    """
    widest_vectors()
    P[: 2 * TILE] = none
    phase(ph, spin, step[0], step[1:], 0.0)
    power(P[2 * TILE : 4 * TILE], near, R2prime, ph, step[0], dtau)
    for l in range(2, LOW):
        product(P[2 * l * TILE : 2 * (l + 1) * TILE], P[2 * (l - 1) * TILE : 2 * l * TILE], P[2 * TILE : 4 * TILE])
    for j in range(step.shape[0]):
        step[j] *= LOW
    phase(ph, spin, step[0], step[1:], 0.0)
    power(P[2 * LOW * TILE :], near, R2prime, ph, step[0], LOW * dtau)


@njit(**_SUM)
def eight(s: Singles, a: Singles, P: Singles) -> None:
    """s_l = sum_v a_v p_v^l, real parts then imaginary."""
    widest_vectors()
    r0 = r1 = r2 = r3 = r4 = r5 = r6 = r7 = _ZERO
    q0 = q1 = q2 = q3 = q4 = q5 = q6 = q7 = _ZERO
    for i in range(TILE):
        x, y = a[i], a[TILE + i]
        r0 += x
        q0 += y
        r1 += x * P[2 * TILE + i] - y * P[3 * TILE + i]
        q1 += x * P[3 * TILE + i] + y * P[2 * TILE + i]
        r2 += x * P[4 * TILE + i] - y * P[5 * TILE + i]
        q2 += x * P[5 * TILE + i] + y * P[4 * TILE + i]
        r3 += x * P[6 * TILE + i] - y * P[7 * TILE + i]
        q3 += x * P[7 * TILE + i] + y * P[6 * TILE + i]
        r4 += x * P[8 * TILE + i] - y * P[9 * TILE + i]
        q4 += x * P[9 * TILE + i] + y * P[8 * TILE + i]
        r5 += x * P[10 * TILE + i] - y * P[11 * TILE + i]
        q5 += x * P[11 * TILE + i] + y * P[10 * TILE + i]
        r6 += x * P[12 * TILE + i] - y * P[13 * TILE + i]
        q6 += x * P[13 * TILE + i] + y * P[12 * TILE + i]
        r7 += x * P[14 * TILE + i] - y * P[15 * TILE + i]
        q7 += x * P[15 * TILE + i] + y * P[14 * TILE + i]
    s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7] = r0, r1, r2, r3, r4, r5, r6, r7
    s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15] = q0, q1, q2, q3, q4, q5, q6, q7


@njit(**_SUM)
def weighted_sum(a: Singles, w: Singles) -> tuple[np.floating, np.floating]:
    """sum_v a_v w_v, complex."""
    widest_vectors()
    sr, si = _ZERO, _ZERO
    for i in range(TILE):
        sr += a[i] * w[i] - a[TILE + i] * w[TILE + i]
        si += a[i] * w[TILE + i] + a[TILE + i] * w[i]
    return sr, si


@njit(**_FLAGS)
def add(out: Floats, s: Singles) -> None:
    """out += s, as far as out goes."""
    for l in range(min(LOW, out.size)):
        out[l] += s[l]


@njit(**_FLAGS)
def read_line(out: Floats, a: Singles, b: Singles, P: Singles, w: Singles, s: Singles, first: int, n: int) -> None:
    """n samples of a line from where a stands, which moves on.

    out  (2, coils, samples), added to;  w  (coils, 2 TILE) weights;  b, s  scratch
    """
    widest_vectors()
    p8 = P[2 * LOW * TILE :]
    alone = w.shape[0] == 1
    if alone:
        multiply(a, w[0])
    for j in range(0, n, LOW):
        for c in range(w.shape[0]):
            if alone:
                eight(s, a, P)
            else:
                product(b, a, w[c])
                eight(s, b, P)
            add(out[0, c, first + j : first + n], s[:LOW])
            add(out[1, c, first + j : first + n], s[LOW:])
        if j + LOW < n:
            multiply(a, p8)
