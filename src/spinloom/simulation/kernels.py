"""The inner loops of the Bloch simulator: one tile of spins through one plan, compiled, in double precision.

A tile is small enough to stay in the first-level cache while time runs. Between pulses nothing is stepped: a spin's
phase is (moment . r + dB0 t) turns of a polynomial sine, its decay a polynomial exponential. A pulse is a product of
rotations; one that is used more than once is kept per spin as an affine map and applied again.

Frame: M+ = Mx + i My turns as exp(-2 pi i f t) for an offset f [Hz]; dM/dt = 2 pi M x (b1x, b1y, f), left-handed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.polynomials import LARGEST, decay, half_turn, turn

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TILE = 256
"""Spins of a tile. Every array below is flat: rows of TILE numbers one after the other, so that offsets between rows
are constants, loops have a constant count, and the compiler can prove that rows do not overlap and use vector units."""

RF, READ = 0, 1
EXTRA = 8
"""First row of a spin's further basis functions."""

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}
_FAST = {**_FLAGS, "fastmath": {"contract", "nsz"}}
_SUM = {**_FLAGS, "fastmath": {"contract", "nsz", "reassoc"}}


@njit(**_FAST)
def phase(ph: Floats, spin: Floats, dt: float, moment: Floats) -> None:
    """How far spins turn: ph = sum_j moment_j basis_j(r) + f dt [turns]; basis 0, 1, 2 are x, y, z."""
    kx, ky, kz = moment[0], moment[1], moment[2]
    for i in range(TILE):
        ph[i] = kx * spin[i] + ky * spin[TILE + i] + kz * spin[2 * TILE + i] + spin[5 * TILE + i] * dt
    for j in range(3, moment.shape[0]):
        row = spin[(EXTRA - 3 + j) * TILE : (EXTRA - 2 + j) * TILE]
        for i in range(TILE):
            ph[i] += moment[j] * row[i]


@njit(**_FAST)
def free(m: Floats, spin: Floats, ph: Floats, dt: float) -> None:
    """Free precession for dt by the phase ph [turns], in closed form.

        M+ <- M+ exp(-2 pi i ph) exp(-R2 dt),   Mz <- 1 + (Mz - 1) exp(-R1 dt)

    m     rows Mx, My, Mz;  spin  rows x, y, z [m], R1, R2 [1/s], f [Hz], B1, D [m^2/s], further basis functions
    """
    for i in range(TILE):
        s, c = turn(ph[i])
        E1 = decay(spin[3 * TILE + i] * dt)
        E2 = decay(spin[4 * TILE + i] * dt)
        a = m[i]
        b = m[TILE + i]
        m[i] = E2 * (a * c + b * s)
        m[TILE + i] = E2 * (b * c - a * s)
        m[2 * TILE + i] = 1.0 + (m[2 * TILE + i] - 1.0) * E1


@njit(**_FAST)
def fill_decays(E: Floats, spin: Floats, dt: float) -> None:
    """E  rows E1 = exp(-R1 dt), E2 = exp(-R2 dt)."""
    for i in range(TILE):
        E[i] = decay(spin[3 * TILE + i] * dt)
        E[TILE + i] = decay(spin[4 * TILE + i] * dt)


@njit(**_FAST)
def relax(m: Floats, E: Floats, recovery: float) -> None:
    """Relaxation alone; recovery = 0 leaves out the inhomogeneous part (columns of a map)."""
    for i in range(TILE):
        m[i] *= E[TILE + i]
        m[TILE + i] *= E[TILE + i]
        m[2 * TILE + i] = recovery + (m[2 * TILE + i] - recovery) * E[i]


@njit(**_FAST)
def offset(off: Floats, spin: Floats, f0: float, g: Floats) -> None:
    """off = f - f0 + sum_j g_j basis_j(r) [Hz] over the terms beyond x, y, z."""
    for i in range(TILE):
        off[i] = spin[5 * TILE + i] - f0
    for j in range(g.shape[0]):
        row = spin[(EXTRA + j) * TILE : (EXTRA + j + 1) * TILE]
        for i in range(TILE):
            off[i] += g[j] * row[i]


@njit(**_FAST)
def rf_step(m: Floats, spin: Floats, E: Floats, recovery: float, q: Floats, off: Floats) -> None:
    """Turn by phi = 2 pi |B| dt about B = (b1x, b1y, G . r + off), left-handed (Rodrigues), then relax:

        M <- cos(phi) M + (1 - cos(phi)) n (n . M) - sin(phi) n x M

    cos, sin / phi and (1 - cos) / phi^2 come from the half angle, smooth at phi = 0.

    q  (6 or more,) dt [s], b1x, b1y [Hz], gx, gy, gz [Hz/m];  off  [Hz]
    """
    dt, b1x, b1y, gx, gy, gz = q[0], q[1], q[2], q[3], q[4], q[5]
    for i in range(TILE):
        B1 = spin[6 * TILE + i]
        u = B1 * b1x * dt
        v = B1 * b1y * dt
        w = (gx * spin[i] + gy * spin[TILE + i] + gz * spin[2 * TILE + i] + off[i]) * dt
        h = math.sqrt(u * u + v * v + w * w + 1e-40)
        s, c = half_turn(h)
        r = s / h
        A = 2.0 * r * c
        B = 2.0 * r * r
        C = 1.0 - 2.0 * s * s
        x = m[i]
        y = m[TILE + i]
        z = m[2 * TILE + i]
        dot = B * (u * x + v * y + w * z)
        E2 = E[TILE + i]
        m[i] = E2 * (C * x + dot * u - A * (v * z - w * y))
        m[TILE + i] = E2 * (C * y + dot * v - A * (w * x - u * z))
        m[2 * TILE + i] = recovery + (C * z + dot * w - A * (u * y - v * x) - recovery) * E[i]


@njit(**_FLAGS)
def pulse(m: Floats, spin: Floats, steps: Floats, f0: float, recovery: float, E: Floats, off: Floats) -> None:
    """Through all steps of a pulse, relaxing half a step before and after each turn: Strang splitting, second order.

    steps  (n, 3 + n_terms) see rf_step;  f0  frequency of the frame [Hz];  E, off  scratch
    """
    n = steps.shape[0]
    now = steps[0, 0] / 2
    fill_decays(E, spin, now)
    relax(m, E, recovery)
    offset(off, spin, f0, steps[0, 6:])
    for k in range(n):
        then = (steps[k, 0] + (steps[k + 1, 0] if k + 1 < n else 0.0)) / 2
        if abs(then - now) > 1e-9 * now:
            fill_decays(E, spin, then)
            now = then
        if steps.shape[1] > 6 and k:
            offset(off, spin, f0, steps[k, 6:])
        rf_step(m, spin, E, recovery, steps[k], off)


def new_maps(n: int) -> Floats:
    """Room for n maps."""
    return np.empty((n, 12 * TILE))


@njit(**_FLAGS)
def pulse_map(A: Floats, spin: Floats, steps: Floats, f0: float, E: Floats, off: Floats) -> None:
    """The affine map of a pulse, M -> A M + b: where x, y and z go, then b, where 0 goes; four times three rows."""
    A[:] = 0.0
    for j in range(3):
        A[(4 * j) * TILE : (4 * j + 1) * TILE] = 1.0
        pulse(A[3 * j * TILE : 3 * (j + 1) * TILE], spin, steps, f0, 0.0, E, off)
    pulse(A[9 * TILE : 12 * TILE], spin, steps, f0, 1.0, E, off)


@njit(**_FAST)
def apply_map(m: Floats, A: Floats) -> None:
    """M <- A M + b."""
    for i in range(TILE):
        a = m[i]
        b = m[TILE + i]
        d = m[2 * TILE + i]
        m[i] = A[i] * a + A[3 * TILE + i] * b + A[6 * TILE + i] * d + A[9 * TILE + i]
        m[TILE + i] = A[TILE + i] * a + A[4 * TILE + i] * b + A[7 * TILE + i] * d + A[10 * TILE + i]
        m[2 * TILE + i] = A[2 * TILE + i] * a + A[5 * TILE + i] * b + A[8 * TILE + i] * d + A[11 * TILE + i]


@njit(**_FAST)
def turn_z(m: Floats, angle: float) -> None:
    """M+ <- M+ exp(i angle)."""
    c = math.cos(angle)
    s = math.sin(angle)
    for i in range(TILE):
        a = m[i]
        b = m[TILE + i]
        m[i] = a * c - b * s
        m[TILE + i] = a * s + b * c


@njit(**_FAST)
def listen(a: Floats, m: Floats, spin: Floats, R2prime: Floats, ph: Floats, t: float, tau: float, b: float) -> None:
    """Transverse magnetisation at one instant, beside the state.

        a = M+ exp(-2 pi i ph) exp(-R2 t - R2' tau - b D)

    t since the last pulse, tau from the echo [s];  b  diffusion weighting of the encoded echo [s/m^2]
    """
    for i in range(TILE):
        s, c = turn(ph[i])
        E = decay(spin[4 * TILE + i] * t) * decay(R2prime[i] * tau)
        x = m[i]
        y = m[TILE + i]
        a[i] = E * (x * c + y * s)
        a[TILE + i] = E * (y * c - x * s)
    if b > 0.0:
        for i in range(TILE):
            E = decay(b * spin[7 * TILE + i])
            a[i] *= E
            a[TILE + i] *= E


@njit(**_FAST)
def phasor(p: Floats, spin: Floats, R2prime: Floats, ph: Floats, dt: float, dtau: float) -> None:
    """The factor of one sample, exp(-2 pi i ph - R2 dt - R2' dtau); dtau < 0 before an echo."""
    for i in range(TILE):
        s, c = turn(ph[i])
        d = spin[4 * TILE + i] * dt + R2prime[i] * dtau
        E = decay(abs(d))
        E = 1.0 / E if d < 0 else E
        p[i] = E * c
        p[TILE + i] = -E * s


@njit(**_SUM)
def weighted_sum(a: Floats, w: Floats) -> tuple[float, float]:
    """sum_v w_v a_v, complex."""
    sr = 0.0
    si = 0.0
    for i in range(TILE):
        sr += a[i] * w[i] - a[TILE + i] * w[TILE + i]
        si += a[i] * w[TILE + i] + a[TILE + i] * w[i]
    return sr, si


@njit(**_SUM)
def sum_and_advance(a: Floats, p: Floats) -> tuple[float, float]:
    """sum_v a_v, then a_v <- a_v p_v."""
    sr = 0.0
    si = 0.0
    for i in range(TILE):
        r = a[i]
        q = a[TILE + i]
        sr += r
        si += q
        a[i] = r * p[i] - q * p[TILE + i]
        a[TILE + i] = r * p[TILE + i] + q * p[i]
    return sr, si


@njit(**_FAST)
def multiply(a: Floats, p: Floats) -> None:
    """a_v <- a_v p_v, complex."""
    for i in range(TILE):
        r = a[i]
        q = a[TILE + i]
        a[i] = r * p[i] - q * p[TILE + i]
        a[TILE + i] = r * p[TILE + i] + q * p[i]


@njit(**_FLAGS)
def read_straight(out: Floats, a: Floats, p: Floats, w: Floats, first: int, n: int) -> None:
    """n samples along a straight line of k-space at constant dwell: a recurrence, no sine per sample.

    out  (2, coils, samples);  w  (coils, 2 rows) weights
    """
    if w.shape[0] == 1:
        multiply(a, w[0])
        for j in range(first, first + n):
            sr, si = sum_and_advance(a, p)
            out[0, 0, j] += sr
            out[1, 0, j] += si
        return
    for j in range(first, first + n):
        for c in range(w.shape[0]):
            sr, si = weighted_sum(a, w[c])
            out[0, c, j] += sr
            out[1, c, j] += si
        multiply(a, p)


@njit(**_FLAGS)
def run_tile(
    spin: Floats,
    R2prime: Floats,
    w: Floats,
    ops: Ints,
    par: Floats,
    moment: Floats,
    steps: Floats,
    pulses: Ints,
    pulse_f0: Floats,
    samples: Floats,
    maps: Floats,
    out: Floats,
) -> None:
    """One tile of spins through the whole plan (see plan.Plan for the tables); adds to out (2, coils, samples)."""
    m = np.zeros(3 * TILE)
    m[2 * TILE :] = 1.0
    a, p, E = np.empty(2 * TILE), np.empty(2 * TILE), np.empty(2 * TILE)
    ph, off, step = np.empty(TILE), np.empty(TILE), np.empty(samples.shape[1])
    fastest = R2prime.max()
    for j in range(pulses.shape[0]):
        if pulses[j, 2] >= 0:
            pulse_map(maps[pulses[j, 2]], spin, steps[pulses[j, 0] : pulses[j, 1]], pulse_f0[j], E, off)
    for j in range(ops.shape[0]):
        index = ops[j, 1]
        dt = par[j, 0]
        if ops[j, 0] == RF:
            phase(ph, spin, dt, moment[j])
            free(m, spin, ph, dt)
            turn_z(m, par[j, 1])
            if pulses[index, 2] >= 0:
                apply_map(m, maps[pulses[index, 2]])
            else:
                pulse(m, spin, steps[pulses[index, 0] : pulses[index, 1]], pulse_f0[index], 1.0, E, off)
            turn_z(m, par[j, 2])
            continue
        count, first, tau, sign, b = ops[j, 2], ops[j, 3], par[j, 1], par[j, 2], par[j, 3]
        # towards an echo the recurrence grows with R2': only from where that part of the decay is a number still
        straight = ops[j, 4] == 1 and (sign > 0 or tau * fastest < LARGEST)
        for i in range(1 if straight else count):
            q = samples[index + i]
            for n in range(moment.shape[1]):
                step[n] = moment[j, n] + q[1 + n]
            phase(ph, spin, dt + q[0], step[: moment.shape[1]])
            listen(a, m, spin, R2prime, ph, dt + q[0], tau + sign * (q[0] - samples[index, 0]), b)
            if straight:
                for n in range(samples.shape[1]):
                    step[n] = (samples[index + count - 1, n] - q[n]) / max(1, count - 1)
                phase(ph, spin, step[0], step[1:])
                phasor(p, spin, R2prime, ph, step[0], sign * step[0])
                read_straight(out, a, p, w, first, count)
                continue
            for c in range(w.shape[0]):
                sr, si = weighted_sum(a, w[c])
                out[0, c, first + i] += sr
                out[1, c, first + i] += si
