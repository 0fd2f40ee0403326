"""Line projection: the signal of straight lines of k-space from matter that stands in columns across them.

Along a line only the position along the readout axis matters, and how fast the magnetisation turns and decays. So a
line is one complex weight per entry, sums of these over each column at a few moments of time, and a small matrix
product:

    S(s) = sum_c exp(-2 pi i dk_s x_c) sum_l C_l(s) W_lc,     W_lc = sum_{v in column c} w_v exp(z_v tau_l)
    w_v  = A_v exp(-2 pi i (k . r_v + f_v tau) - R2_v t - R2'_v |tau|)       at the reference of the line

with z = -2 pi i f - R2 -+ R2' and exp(z (tau_s - tau)) = sum_l C_l(s) exp(z tau_l) to the tolerance, for all z that
occur: low-rank time segments with least-squares interpolators.

Sutton, Noll & Fessler, IEEE Trans. Med. Imaging 22, 178 (2003); Fessler et al., IEEE Trans. Signal Process. 53, 3393
(2005).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.polynomials_single import decay, turn

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Complex = NDArray[np.complexfloating]

STEEPEST = 30.0
"""Growth towards an echo over a line, as an exponent, that is followed; what rises faster is taken to rise so fast."""
BATCH = 4
"""Lines worked on at a time by one thread."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Matter sorted by column of the readout axis.

    start    (n_columns + 1,) entries of column c are start[c] to start[c + 1];  x (n_columns,) its position [m]
    r        (3, n) position from the isocentre [m]
    f        (n,) off-resonance [Hz];  R2, R2prime (n,) [1/s]
    terms    (L, n) real amplitudes, amount of matter included [PD mm^3]
    coils    (n_coils, n) complex sensitivities; None: one coil that hears all alike
    """

    start: NDArray[np.int64]
    x: Floats
    r: Floats
    f: Singles
    R2: Singles
    R2prime: Singles
    terms: Singles
    coils: NDArray[np.complex64] | None = None


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of one pattern.

    k       (n, 3) at the reference [1/m];  t (n,) since the pulse, tau (n,) since the echo, at the reference [s]
    mixture (n, L) complex: A_v = sum_l terms_l(v) mixture_l
    dk      (n_samples,) along the readout axis, from the reference [1/m]
    dt      (n_samples,) time from the reference [s], best the first sample: decay from there on never grows back
    side    +1 or -1: the sign of tau throughout
    """

    k: Floats
    t: Floats
    tau: Floats
    mixture: NDArray[np.complex64]
    dk: Floats
    dt: Floats
    side: float


@dataclass(frozen=True, eq=False)
class Segments:
    """exp(z dt_s) = sum_l C_l(s) exp(z tau_l), tau_l = first + l step, for a spread of z.

    C      (L, n_samples) complex;  first, step [s];  error  largest on the spread
    """

    C: Complex
    first: float
    step: float
    error: float


def segments(z: Complex, dt: Floats, tolerance: float) -> Segments:
    """The fewest even segments of time whose least-squares interpolator meets a tolerance for all given z [1/s]."""
    if len(dt) == 1 or float(np.abs(z).max(initial=0.0) * np.abs(dt).max()) < tolerance:
        return Segments(np.ones((1, len(dt)), complex), 0.0, 0.0, float(np.abs(z).max(initial=0.0) * np.abs(dt).max()))
    wanted = np.exp(z[:, None] * dt)
    L = 1
    while True:
        L += 1
        first, last = float(dt.min()), float(dt.max())
        tau = np.linspace(first, last, L)
        basis = np.exp(z[:, None] * tau)
        C = np.linalg.lstsq(basis, wanted, rcond=min(1e-5, 0.03 * tolerance))[0]  # large weights cost digits
        worst = float(np.abs(basis @ C - wanted).max())
        if worst <= tolerance or L >= min(64, len(dt)):
            return Segments(C, first, (last - first) / (L - 1), worst)


def spread(entries: Entries, side: float, n: int = 24) -> Complex:
    """(n^2 at most,) values of z that span those of the entries: their corners and a grid between them [1/s]."""
    rate = -(entries.R2 + np.float32(side) * entries.R2prime)
    f = np.linspace(float(entries.f.min()), float(entries.f.max()), n if np.ptp(entries.f) > 0 else 1)
    lo, hi = float(rate.min()), float(rate.max())
    least = min(-hi, -lo) if hi < 0 else 0.0
    slow = np.linspace(lo, hi, 3 if hi > lo else 1)
    decay_of = np.union1d(slow, -np.geomspace(max(least, -lo / 1e3), -lo, 8)) if lo < 0 and hi > lo else slow
    return np.asarray((-2j * np.pi * f[:, None] + decay_of).ravel())


def project(entries: Entries, lines: Lines, tolerance: float, pool: ThreadPoolExecutor) -> tuple[Complex, float]:
    """(n_coils, n, n_samples) signal of the lines, and the error of the time segments."""
    longest = float(np.ptp(lines.dt))
    if lines.side < 0 and longest > 0:
        entries = replace(entries, R2prime=np.minimum(entries.R2prime, np.float32(STEEPEST / longest)))
    cut = segments(spread(entries, lines.side), lines.dt, tolerance)
    L, n_columns = len(cut.C), len(entries.x)
    n_coils = 1 if entries.coils is None else len(entries.coils)
    encode = cut.C[:, None, :] * np.exp(-2j * np.pi * entries.x[:, None] * lines.dk)
    encode = encode.reshape(L * n_columns, -1).astype(np.complex64)
    steps = np.empty((4, len(entries.f)), np.float32)
    for pair, tau in ((steps[:2], cut.first), (steps[2:], cut.step)):  # exp(z tau)
        turns = entries.f.astype(float) * tau
        turns = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
        size = np.exp(-np.float32(tau) * (entries.R2 + np.float32(lines.side) * entries.R2prime))
        np.multiply(size, np.cos(turns), out=pair[0])
        np.multiply(-size, np.sin(turns), out=pair[1])
    heard = (
        np.empty((0, 2, 0), np.float32)
        if entries.coils is None
        else np.ascontiguousarray(np.stack([entries.coils.real, entries.coils.imag], axis=1).astype(np.float32))
    )
    out = np.empty((n_coils, len(lines.k), len(lines.dk)), np.complex64)

    def task(lo: int) -> None:
        hi = min(lo + BATCH, len(lines.k))
        sums = np.empty((hi - lo, n_coils, 2, L, n_columns), np.float32)
        mixture = lines.mixture[lo:hi]
        shade = np.concatenate([mixture.real, mixture.imag]) @ entries.terms
        _project(
            sums,
            entries.start,
            entries.r,
            entries.f,
            entries.R2,
            entries.R2prime,
            shade,
            steps,
            heard,
            lines.k[lo:hi],
            lines.t[lo:hi],
            lines.tau[lo:hi],
        )
        W = (sums[:, :, 0] + 1j * sums[:, :, 1]).reshape((hi - lo) * n_coils, -1)
        out[:, lo:hi] = (W @ encode).reshape(hi - lo, n_coils, -1).transpose(1, 0, 2)

    list(pool.map(task, range(0, len(lines.k), BATCH)))
    return out, cut.error


_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_SUM = {**_FAST, "fastmath": {"contract", "nsz", "reassoc"}}

CHUNK = 512


@njit(**_FAST)
def _project(sums, start, r, f, R2, R2p, shade, steps, heard, k, t, tau):  # type: ignore[no-untyped-def]
    a, b = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    L, n_coils = sums.shape[3], sums.shape[1]
    for n in range(len(k)):
        for c in range(len(start) - 1):
            sums[n, :, :, :, c] = 0.0
            for lo in range(start[c], start[c + 1], CHUNK):
                m = min(CHUNK, start[c + 1] - lo)
                e = slice(lo, lo + m)
                _weights(
                    a[:m],
                    b[:m],
                    r[0, e],
                    r[1, e],
                    r[2, e],
                    f[e],
                    R2[e],
                    R2p[e],
                    k[n, 0],
                    k[n, 1],
                    k[n, 2],
                    tau[n],
                    t[n],
                )
                _turned(a[:m], b[:m], shade[n, e], shade[len(k) + n, e])
                if L > 1:
                    _turned(a[:m], b[:m], steps[0, e], steps[1, e])
                for l in range(L):
                    if n_coils == 1 and heard.shape[0] == 0:
                        sr, si = _sum(a[:m], b[:m])
                        sums[n, 0, 0, l, c] += sr
                        sums[n, 0, 1, l, c] += si
                    else:
                        for q in range(n_coils):
                            sr, si = _weighed(a[:m], b[:m], heard[q, 0, e], heard[q, 1, e])
                            sums[n, q, 0, l, c] += sr
                            sums[n, q, 1, l, c] += si
                    if l + 1 < L:
                        _turned(a[:m], b[:m], steps[2, e], steps[3, e])


@njit(**_FAST)
def _weights(a, b, x, y, z, f, R2, R2p, kx, ky, kz, tau, t):  # type: ignore[no-untyped-def]
    """exp(-2 pi i (k . r + f tau) - R2 t - R2' |tau|), the phase in double precision but for whole turns."""
    late = abs(tau)
    for i in range(len(a)):
        turns = kx * x[i] + ky * y[i] + kz * z[i] + f[i] * tau
        s, c = turn(np.float32(turns - np.floor(turns + 0.5)))
        E = decay(np.float32(R2[i] * t + R2p[i] * late))
        a[i] = E * c
        b[i] = -E * s


@njit(**_FAST)
def _turned(a, b, c, s):  # type: ignore[no-untyped-def]
    for i in range(len(a)):
        a[i], b[i] = a[i] * c[i] - b[i] * s[i], a[i] * s[i] + b[i] * c[i]


@njit(**_SUM)
def _sum(a, b):  # type: ignore[no-untyped-def]
    u, v = np.float32(0.0), np.float32(0.0)
    for i in range(len(a)):
        u += a[i]
        v += b[i]
    return u, v


@njit(**_SUM)
def _weighed(a, b, c, s):  # type: ignore[no-untyped-def]
    u, v = np.float32(0.0), np.float32(0.0)
    for i in range(len(a)):
        u += a[i] * c[i] - b[i] * s[i]
        v += a[i] * s[i] + b[i] * c[i]
    return u, v
