"""Every entry's share of the grid along the readout, in blocks of entries that fill the vector registers."""

from __future__ import annotations

import numpy as np
from numba import njit

from spinloom.simulation.polynomials import turn

LANES = 16
_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}


@njit(**_FAST)
def spread(  # type: ignore[no-untyped-def]
    out, strides, rows, layers, planar, n_a, start, offset, ir, x, f, T2, T2p, factor, values, line, cells, narrow, wide
):
    """Add the entries of some columns to the grid.

        out[l, a, b, m] += values[l, v] factor_v exp(-2πi (k x_v + f_v tau) - tau rate_v) c(m - u_v),
        u_v = N (dk x_v + f_v dtau - i dtau rate_v / 2π),    rate = 1/T2 + side/T2',    k, tau at the middle sample

    out      flat float32: real and imaginary part of cell m of term l, row a, layer b lie at
             l strides[0] + a strides[1] + b strides[2] + 2 m
    rows     (first, last) of the phase axis;  layers (first, last) of the slice axis
    planar   layers add up
    line     k, dk [1/m], tau, dtau [s], side, N, largest |Im u| of the narrow kernel
    cells    (first, last) cells of the grid that `out` holds
    narrow, wide  (degree + 1, w) power series of the kernels
    """
    L, n_w = values.shape[0], wide.shape[1]
    kc, dk, tc, dt, side, N, limit = line
    taps = np.zeros((LANES, 2 * n_w), np.float32)
    re, im = np.zeros((8, LANES), np.float32), np.zeros((8, LANES), np.float32)
    p, q = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
    hr, hi = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
    turns, base, size = np.zeros(LANES), np.zeros(LANES, np.int64), np.zeros(LANES)
    wr, wi = np.zeros(n_w, np.float32), np.zeros(n_w, np.float32)
    held = cells[1] - cells[0]
    for a in range(rows[0], rows[1]):
        for b in range(layers[0], layers[1]):
            column = b * n_a + a
            place = a * strides[1] + (0 if planar else b - layers[0]) * strides[2]
            for e0 in range(start[column], start[column + 1], LANES):
                lanes = min(LANES, start[column + 1] - e0)
                near = False
                for j in range(lanes):
                    m = N * (dk * x[ir[e0 + j]] + f[e0 + j] * dt)
                    near = near or (m > cells[0] - n_w and m < cells[1] + n_w)
                if not near:
                    continue
                for j in range(lanes):
                    e = e0 + j
                    X = x[ir[e]]
                    rate = 1.0 / T2[e] + side / T2p[e]
                    turns[j] = kc * X + f[e] * tc
                    u = N * (dk * X + f[e] * dt)
                    whole = np.floor(u)
                    base[j] = int(whole) - cells[0]
                    p[j] = u - whole - 0.5
                    q[j] = -N * rate * dt / (2 * np.pi)
                    size[j] = np.exp(-tc * rate)
                _phase(turns, size, factor, e0 - offset, lanes, hr, hi)
                _narrow(re, im, p, q, narrow)
                _turned(taps, re, im, hr, hi)
                for j in range(lanes):
                    own = e0 + j - offset
                    w = 8
                    if abs(q[j]) > limit:
                        w = n_w
                        _wide(taps[j], wr, wi, p[j], q[j], hr[j], hi[j], wide)
                    m = base[j] - (w // 2 - 1)
                    low, high = max(0, -m), min(w, held - m)
                    at = place + 2 * m
                    if w == 8 and high - low == 8:
                        for l in range(L):
                            _add16(out, at + l * strides[0], taps[j], values[l, own])
                    elif high > low:
                        for l in range(L):
                            _add(out, at + l * strides[0], taps[j], 2 * low, 2 * high, values[l, own])


@njit(**_FAST)
def _phase(turns, size, factor, first, lanes, hr, hi):  # type: ignore[no-untyped-def]
    """factor size exp(-2πi turns)."""
    for j in range(lanes):
        s, c = turn(turns[j])
        s, c = -s * size[j], c * size[j]
        g = factor[first + j]
        hr[j] = c * g.real - s * g.imag
        hi[j] = c * g.imag + s * g.real


@njit(**_FAST)
def _narrow(re, im, p, q, series):  # type: ignore[no-untyped-def]
    """A real power series of degree 12 at p + iq by the two-term recurrence b = c + 2p b' - (p² + q²) b''.

    Written out: only so does the loop over entries become vector instructions.
    """
    for i in range(8):
        c0, c1, c2, c3, c4, c5 = series[0, i], series[1, i], series[2, i], series[3, i], series[4, i], series[5, i]
        c6, c7, c8, c9, c10, c11 = series[6, i], series[7, i], series[8, i], series[9, i], series[10, i], series[11, i]
        c12 = series[12, i]
        real, imag = re[i], im[i]
        for j in range(LANES):
            x, y = p[j], q[j]
            r, s = x + x, x * x + y * y
            b = c0
            a = c1 + r * b
            b = c2 + r * a - s * b
            a = c3 + r * b - s * a
            b = c4 + r * a - s * b
            a = c5 + r * b - s * a
            b = c6 + r * a - s * b
            a = c7 + r * b - s * a
            b = c8 + r * a - s * b
            a = c9 + r * b - s * a
            b = c10 + r * a - s * b
            a = c11 + r * b - s * a
            real[j] = c12 + x * a - s * b
            imag[j] = y * a


@njit(**_FAST)
def _turned(taps, re, im, hr, hi):  # type: ignore[no-untyped-def]
    for j in range(LANES):
        g, x, y = taps[j], hr[j], hi[j]
        for i in range(8):
            g[2 * i] = re[i, j] * x - im[i, j] * y
            g[2 * i + 1] = re[i, j] * y + im[i, j] * x


@njit(**_FAST)
def _wide(taps, re, im, p, q, hr, hi, series):  # type: ignore[no-untyped-def]
    n = len(re)
    for i in range(n):
        re[i], im[i] = np.float32(0.0), np.float32(0.0)
    for k in range(series.shape[0]):
        for i in range(n):
            t = re[i] * p - im[i] * q + series[k, i]
            im[i] = re[i] * q + im[i] * p
            re[i] = t
    for i in range(n):
        taps[2 * i] = re[i] * hr - im[i] * hi
        taps[2 * i + 1] = re[i] * hi + im[i] * hr


@njit(**_FAST)
def _add16(out, at, taps, w):  # type: ignore[no-untyped-def]
    first = np.uint64(at)
    for i in range(16):
        out[first + np.uint64(i)] += w * taps[i]


@njit(**_FAST)
def _add(out, at, taps, low, high, w):  # type: ignore[no-untyped-def]
    for i in range(low, high):
        out[at + i] += w * taps[i]
