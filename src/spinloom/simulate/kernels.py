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

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TILE = 256
RF, READ = 0, 1

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}
_FAST = {**_FLAGS, "fastmath": {"contract", "nsz"}}
_SUM = {**_FLAGS, "fastmath": {"contract", "nsz", "reassoc"}}

_S = tuple((-1.0) ** n * math.pi ** (2 * n + 1) / math.factorial(2 * n + 1) for n in range(12))
_C = tuple((-1.0) ** n * math.pi ** (2 * n) / math.factorial(2 * n) for n in range(12))
_E = tuple(1.0 / math.factorial(n) for n in range(16))


@njit(inline="always", **_FAST)
def half_turn(x: float) -> tuple[float, float]:
    """sin(pi y), cos(pi y) with y = x - nearest integer: Taylor to 1e-16 on |y| <= 1/2; no branch, no libm."""
    y = x - math.floor(x + 0.5)
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
    """exp(-x) for x >= 0, relative error 1e-14 up to x = 44, then held there (8e-20)."""
    y = -min(x, 44.0) * (1.0 / 64.0)
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


@njit(**_FAST)
def free(m: Floats, spin: Floats, dt: float, kx: float, ky: float, kz: float) -> None:
    """Free precession for dt with gradient moment k, in closed form.

        M+ <- M+ exp(-2 pi i (k . r + f dt)) exp(-R2 dt),   Mz <- 1 + (Mz - 1) exp(-R1 dt)

    m     (3, n) magnetisation;  spin  (7, n) x, y, z [m], R1, R2 [1/s], f [Hz], B1
    """
    mx, my, mz = m[0], m[1], m[2]
    x, y, z, R1, R2, f = spin[0], spin[1], spin[2], spin[3], spin[4], spin[5]
    for i in range(mx.size):
        s, c = turn(kx * x[i] + ky * y[i] + kz * z[i] + f[i] * dt)
        E2 = decay(R2[i] * dt)
        a = mx[i]
        b = my[i]
        mx[i] = E2 * (a * c + b * s)
        my[i] = E2 * (b * c - a * s)
        mz[i] = 1.0 + (mz[i] - 1.0) * decay(R1[i] * dt)


@njit(**_FAST)
def rf_step(
    m: Floats, spin: Floats, b1: tuple[float, float], g: tuple[float, float, float], f0: float, dt: float
) -> None:
    """Turn by 2 pi |B| dt about B = (b1x, b1y, G . r + f - f0), left-handed (Rodrigues):

    M <- cos(phi) M + (1 - cos(phi)) n (n . M) - sin(phi) n x M

    cos, sin / phi and (1 - cos) / phi^2 come from the half angle, smooth at phi = 0.
    """
    mx, my, mz = m[0], m[1], m[2]
    x, y, z, f, B1 = spin[0], spin[1], spin[2], spin[5], spin[6]
    for i in range(mx.size):
        u = B1[i] * b1[0] * dt
        v = B1[i] * b1[1] * dt
        w = (g[0] * x[i] + g[1] * y[i] + g[2] * z[i] + f[i] - f0) * dt
        h2 = u * u + v * v + w * w + 1e-40
        h = math.sqrt(h2)
        s, c = half_turn(h)
        q = s / h
        A = 2.0 * q * c
        B = 2.0 * q * q
        C = 1.0 - 2.0 * s * s
        a = mx[i]
        b = my[i]
        d = mz[i]
        dot = B * (u * a + v * b + w * d)
        mx[i] = C * a + dot * u - A * (v * d - w * b)
        my[i] = C * b + dot * v - A * (w * a - u * d)
        mz[i] = C * d + dot * w - A * (u * b - v * a)


@njit(**_FAST)
def relax(m: Floats, spin: Floats, dt: float, recovery: float) -> None:
    """Relaxation alone for dt; recovery = 0 leaves out the inhomogeneous part (columns of a map)."""
    mx, my, mz = m[0], m[1], m[2]
    R1, R2 = spin[3], spin[4]
    for i in range(mx.size):
        E1 = decay(R1[i] * dt)
        E2 = decay(R2[i] * dt)
        mx[i] *= E2
        my[i] *= E2
        mz[i] = recovery + (mz[i] - recovery) * E1


@njit(**_FLAGS)
def pulse(m: Floats, spin: Floats, steps: Floats, f0: float, recovery: float) -> None:
    """Through all steps of a pulse: half a step of relaxation, turn, ... (Strang splitting, second order in dt).

    steps  (n, 6) dt [s], b1x, b1y [Hz], gx, gy, gz [Hz/m];  f0  frequency of the frame [Hz]
    """
    half = 0.0
    for k in range(steps.shape[0]):
        dt = steps[k, 0]
        relax(m, spin, half + dt / 2, recovery)
        rf_step(m, spin, (steps[k, 1], steps[k, 2]), (steps[k, 3], steps[k, 4], steps[k, 5]), f0, dt)
        half = dt / 2
    relax(m, spin, half, recovery)


@njit(**_FLAGS)
def pulse_map(A: Floats, spin: Floats, steps: Floats, f0: float) -> None:
    """The affine map of a pulse, M -> A M + b: its columns are where the axes go, b where 0 goes. A  (4, 3, n)."""
    A[:] = 0.0
    for j in range(3):
        A[j, j] = 1.0
        pulse(A[j], spin, steps, f0, 0.0)
    pulse(A[3], spin, steps, f0, 1.0)


@njit(**_FAST)
def apply_map(m: Floats, A: Floats) -> None:
    mx, my, mz = m[0], m[1], m[2]
    for i in range(mx.size):
        a = mx[i]
        b = my[i]
        d = mz[i]
        mx[i] = A[0, 0, i] * a + A[1, 0, i] * b + A[2, 0, i] * d + A[3, 0, i]
        my[i] = A[0, 1, i] * a + A[1, 1, i] * b + A[2, 1, i] * d + A[3, 1, i]
        mz[i] = A[0, 2, i] * a + A[1, 2, i] * b + A[2, 2, i] * d + A[3, 2, i]


@njit(**_FAST)
def turn_z(m: Floats, angle: float) -> None:
    """M+ <- M+ exp(i angle)."""
    c = math.cos(angle)
    s = math.sin(angle)
    mx, my = m[0], m[1]
    for i in range(mx.size):
        a = mx[i]
        b = my[i]
        mx[i] = a * c - b * s
        my[i] = a * s + b * c


@njit(**_FAST)
def listen(
    a: Floats, m: Floats, spin: Floats, R2prime: Floats, t: float, k: tuple[float, float, float], tau: float
) -> None:
    """Transverse magnetisation at the first sample, beside the state: a (2, n) = M+ at time t and moment k."""
    x, y, z, R2, f = spin[0], spin[1], spin[2], spin[4], spin[5]
    ar, ai, mx, my = a[0], a[1], m[0], m[1]
    for i in range(ar.size):
        s, c = turn(k[0] * x[i] + k[1] * y[i] + k[2] * z[i] + f[i] * t)
        E = decay(R2[i] * t + R2prime[i] * tau)
        ar[i] = E * (mx[i] * c + my[i] * s)
        ai[i] = E * (my[i] * c - mx[i] * s)


@njit(**_FAST)
def phasor(p: Floats, spin: Floats, R2prime: Floats, dt: float, k: tuple[float, float, float], dtau: float) -> None:
    """One sample's factor exp(-2 pi i (k . r + f dt) - R2 dt - R2' dtau), p (2, n)."""
    x, y, z, R2, f = spin[0], spin[1], spin[2], spin[4], spin[5]
    pr, pi = p[0], p[1]
    for i in range(pr.size):
        s, c = turn(k[0] * x[i] + k[1] * y[i] + k[2] * z[i] + f[i] * dt)
        # R2' dtau is negative before an echo, when the sum refocuses
        d = R2[i] * dt + R2prime[i] * dtau
        E = decay(abs(d))
        E = 1.0 / E if d < 0 else E
        pr[i] = E * c
        pi[i] = -E * s


@njit(**_SUM)
def weighted_sum(a: Floats, w: Floats) -> tuple[float, float]:
    """sum_v w_v a_v, complex."""
    ar, ai, wr, wi = a[0], a[1], w[0], w[1]
    sr = 0.0
    si = 0.0
    for i in range(ar.size):
        sr += ar[i] * wr[i] - ai[i] * wi[i]
        si += ar[i] * wi[i] + ai[i] * wr[i]
    return sr, si


@njit(**_SUM)
def sum_and_advance(a: Floats, p: Floats) -> tuple[float, float]:
    """sum_v a_v, then a_v <- a_v p_v."""
    ar, ai, pr, pi = a[0], a[1], p[0], p[1]
    sr = 0.0
    si = 0.0
    for i in range(ar.size):
        r = ar[i]
        q = ai[i]
        sr += r
        si += q
        ar[i] = r * pr[i] - q * pi[i]
        ai[i] = r * pi[i] + q * pr[i]
    return sr, si


@njit(**_FAST)
def multiply(a: Floats, p: Floats) -> None:
    ar, ai, pr, pi = a[0], a[1], p[0], p[1]
    for i in range(ar.size):
        r = ar[i]
        q = ai[i]
        ar[i] = r * pr[i] - q * pi[i]
        ai[i] = r * pi[i] + q * pr[i]


@njit(**_FLAGS)
def read_uniform(out: Floats, a: Floats, p: Floats, w: Floats, first: int, n: int) -> None:
    """n samples along a straight line of k-space at constant dwell: a recurrence, no sine per sample.

    out  (2, coils, samples);  w  (coils, 2, n_spins) weights
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
    steps: Floats,
    pulses: Ints,
    pulse_f0: Floats,
    samples: Floats,
    maps: Floats,
    out: Floats,
) -> None:
    """One tile of spins through the whole plan (see plan.Plan for the tables); adds to out (2, coils, samples)."""
    n = spin.shape[1]
    m = np.zeros((3, n))
    m[2] = 1.0
    a = np.empty((2, n))
    p = np.empty((2, n))
    for j in range(pulses.shape[0]):
        if pulses[j, 2] >= 0:
            pulse_map(maps[pulses[j, 2], :, :, :n], spin, steps[pulses[j, 0] : pulses[j, 1]], pulse_f0[j])
    for j in range(ops.shape[0]):
        kind, index = ops[j, 0], ops[j, 1]
        dt, k = par[j, 0], (par[j, 1], par[j, 2], par[j, 3])
        if kind == RF:
            free(m, spin, dt, k[0], k[1], k[2])
            turn_z(m, par[j, 4])
            if pulses[index, 2] >= 0:
                apply_map(m, maps[pulses[index, 2], :, :, :n])
            else:
                pulse(m, spin, steps[pulses[index, 0] : pulses[index, 1]], pulse_f0[index], 1.0)
            turn_z(m, par[j, 5])
            continue
        count, first, straight = ops[j, 2], ops[j, 3], ops[j, 4]
        sign = par[j, 5]
        if straight:
            q = samples[index]
            listen(a, m, spin, R2prime, dt + q[0], (k[0] + q[1], k[1] + q[2], k[2] + q[3]), par[j, 4])
            if count > 1:
                d = (samples[index + count - 1] - q) / (count - 1)
                phasor(p, spin, R2prime, d[0], (d[1], d[2], d[3]), sign * d[0])
            read_uniform(out, a, p, w, first, count)
        else:
            for i in range(count):
                q = samples[index + i]
                tau = par[j, 4] + sign * (q[0] - samples[index, 0])
                listen(a, m, spin, R2prime, dt + q[0], (k[0] + q[1], k[1] + q[2], k[2] + q[3]), tau)
                for c in range(w.shape[0]):
                    sr, si = weighted_sum(a, w[c])
                    out[0, c, first + i] += sr
                    out[1, c, first + i] += si
