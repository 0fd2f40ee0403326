"""Amplitudes of the configurations of a graph in any matter: the extended phase graph, many kinds of matter at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.graph_walk import Graph, Steps

Floats = NDArray[np.float64]
Complex = NDArray[np.complexfloating]

LANES = 32
_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def amplitudes(
    graph: Graph,
    steps: Steps,
    pulses: Complex,
    rates: Floats,
    wanted: NDArray[np.int64],
    pool: ThreadPoolExecutor,
) -> NDArray[np.complex64]:
    """(n_wanted, G) F+ right after a pulse.

    pulses  (n_kinds, 7, G) coefficients a, b, c, d, e, bT, bZ of each unique pulse in each kind of matter
    rates   (2, G) R1, R2 [1/s]
    wanted  (n_wanted, 3) pulse, triple (counted from the pulse's first) and 0 for F+(kappa), 1 for F+(-kappa); by pulse
    """
    G = rates.shape[1]
    out = np.empty((len(wanted), G), np.complex64)
    last = int(wanted[:, 0].max(initial=-1)) + 1
    if not last:
        return out
    times, which = np.unique(np.round(steps.dt[:last], 9), return_inverse=True)
    starts = np.searchsorted(wanted[:, 0], np.arange(last + 1))
    turn = np.exp(1j * steps.phase[:last]).astype(np.complex64)
    most = int(np.diff(graph.first).max(initial=1))

    def tile(lo: int) -> None:
        hi = min(lo + LANES, G)
        fill = ((0, 0), (0, lo + LANES - hi))
        R = np.pad(rates[:, lo:hi], fill)
        decay = np.exp(-times[:, None, None] * R).astype(np.float32).reshape(len(times), -1)
        own = np.ascontiguousarray(np.pad(pulses[:, :, lo:hi], ((0, 0), *fill)).astype(np.complex64))
        found = np.empty((len(wanted), 2, LANES), np.float32)
        _run(
            graph.first,
            graph.parent,
            steps.kind[:last],
            which,
            turn,
            own.real.copy(),
            own.imag.copy(),
            decay,
            starts,
            wanted,
            most,
            found,
        )
        out[:, lo:hi] = (found[:, 0] + 1j * found[:, 1])[:, : hi - lo]

    list(pool.map(tile, range(0, G, LANES)))
    return out


@njit(**_FLAGS)
def _run(first, parent, kind, which, turn, re, im, decay, starts, wanted, most, out):  # type: ignore[no-untyped-def]
    # a row is one triple: real and imaginary parts of F+, F-, Z, LANES numbers each; the last row stays zero
    old, new = np.zeros((most + 1, 6 * LANES), np.float32), np.zeros((most + 1, 6 * LANES), np.float32)
    old[0, 4 * LANES : 5 * LANES] = 1.0
    c = np.empty(12 * LANES, np.float32)
    for j in range(len(kind)):
        n = first[j + 1] - first[j]
        E = decay[which[j]]
        for g in range(n):
            row = parent[first[j] + g]
            p, m, z = row[0], row[1], row[2]
            _gather(
                new[g],
                old[p // 2 if p >= 0 else most],
                old[m // 2 if m >= 0 else most],
                old[z if z >= 0 else most],
                E,
                2 * LANES * (p % 2 if p >= 0 else 0),
                2 * LANES * (m % 2 if m >= 0 else 0),
                np.float32(-1.0 if p >= 0 and p % 2 == 1 else 1.0),
                np.float32(-1.0 if m >= 0 and m % 2 == 0 else 1.0),
            )
        _balance(new[0], E)
        _coefficients(c, re[kind[j]], im[kind[j]], turn[j].real, turn[j].imag)
        for g in range(n):
            _mix(new[g], c)
        _recover(new[0], c)
        for e in range(starts[j], starts[j + 1]):
            g, half = wanted[e, 1], wanted[e, 2]
            sign = np.float32(1.0 - 2.0 * half)
            for i in range(LANES):
                out[e, 0, i] = new[g, 2 * half * LANES + i]
                out[e, 1, i] = sign * new[g, (2 * half + 1) * LANES + i]
        old, new = new, old
        new[most, :] = 0.0


@njit(**_FLAGS)
def _gather(out, p, m, z, E, from_p, from_m, sign_p, sign_m):  # type: ignore[no-untyped-def]
    # what has all but decayed is put to zero: numbers near the smallest are slow
    for i in range(LANES):
        E1, E2 = E[i], E[LANES + i]
        out[i] = _cut(E2 * p[from_p + i])
        out[LANES + i] = _cut(sign_p * E2 * p[from_p + LANES + i])
        out[2 * LANES + i] = _cut(E2 * m[from_m + i])
        out[3 * LANES + i] = _cut(sign_m * E2 * m[from_m + LANES + i])
        out[4 * LANES + i] = _cut(E1 * z[4 * LANES + i])
        out[5 * LANES + i] = _cut(E1 * z[5 * LANES + i])


@njit(inline="always", **_FLAGS)
def _cut(x):  # type: ignore[no-untyped-def]
    return x if abs(x) > np.float32(1e-12) else np.float32(0.0)


@njit(**_FLAGS)
def _balance(row, E):  # type: ignore[no-untyped-def]
    """At kappa = 0: F- is F+*, and Z recovers."""
    for i in range(LANES):
        row[2 * LANES + i] = row[i]
        row[3 * LANES + i] = -row[LANES + i]
        row[4 * LANES + i] += np.float32(1.0) - E[i]


@njit(**_FLAGS)
def _recover(row, c):  # type: ignore[no-untyped-def]
    """What the pulse itself adds at kappa = 0."""
    for i in range(LANES):
        row[i] += c[9 * LANES + i]
        row[LANES + i] += c[10 * LANES + i]
        row[4 * LANES + i] += c[11 * LANES + i]


@njit(**_FLAGS)
def _coefficients(c, re, im, tr, ti):  # type: ignore[no-untyped-def]
    """Rows a, b, c, d, e, bT, bZ with the pulse's phase in: b e^2iP, c e^iP, e e^-iP, bT e^iP."""
    t2r, t2i = tr * tr - ti * ti, np.float32(2.0) * tr * ti
    for i in range(LANES):
        c[i], c[LANES + i] = re[0, i], im[0, i]
        c[2 * LANES + i], c[3 * LANES + i] = re[1, i] * t2r - im[1, i] * t2i, re[1, i] * t2i + im[1, i] * t2r
        c[4 * LANES + i], c[5 * LANES + i] = re[2, i] * tr - im[2, i] * ti, re[2, i] * ti + im[2, i] * tr
        c[6 * LANES + i] = re[3, i]
        c[7 * LANES + i], c[8 * LANES + i] = re[4, i] * tr + im[4, i] * ti, im[4, i] * tr - re[4, i] * ti
        c[9 * LANES + i], c[10 * LANES + i] = re[5, i] * tr - im[5, i] * ti, re[5, i] * ti + im[5, i] * tr
        c[11 * LANES + i] = re[6, i]


@njit(**_FLAGS)
def _mix(s, k):  # type: ignore[no-untyped-def]
    """F+' = a F+ + b F- + c Z,   F-' = a* F- + b* F+ + c* Z,   Z' = d Z + e F+ + e* F-."""
    for i in range(LANES):
        ar, ai, br, bi = k[i], k[LANES + i], k[2 * LANES + i], k[3 * LANES + i]
        cr, ci, d, er, ei = k[4 * LANES + i], k[5 * LANES + i], k[6 * LANES + i], k[7 * LANES + i], k[8 * LANES + i]
        x, y, u, v = s[i], s[LANES + i], s[2 * LANES + i], s[3 * LANES + i]
        w, q = s[4 * LANES + i], s[5 * LANES + i]
        s[i] = ar * x - ai * y + br * u - bi * v + cr * w - ci * q
        s[LANES + i] = ar * y + ai * x + br * v + bi * u + cr * q + ci * w
        s[2 * LANES + i] = ar * u + ai * v + br * x + bi * y + cr * w + ci * q
        s[3 * LANES + i] = ar * v - ai * u + br * y - bi * x + cr * q - ci * w
        s[4 * LANES + i] = d * w + er * (x + u) - ei * (y - v)
        s[5 * LANES + i] = d * q + er * (y + v) + ei * (x - u)
