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
    times, which = np.unique(np.round(steps.dt[:last], 9), return_inverse=True)
    starts = np.searchsorted(wanted[:, 0], np.arange(last + 1))
    turn = np.exp(1j * steps.phase[:last]).astype(np.complex64)
    most = int(np.diff(graph.first).max(initial=1))

    def tile(lo: int) -> None:
        hi = min(lo + LANES, G)
        fill = ((0, 0), (0, lo + LANES - hi))
        R = np.pad(rates[:, lo:hi], fill)
        decay = np.exp(-times[:, None, None] * R).astype(np.float32)
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
    old, new = np.zeros((6, most, LANES), np.float32), np.zeros((6, most, LANES), np.float32)
    old[4, 0] = 1.0
    c = np.empty((12, LANES), np.float32)
    for j in range(len(kind)):
        n = first[j + 1] - first[j]
        E = decay[which[j]]
        for g in range(n):
            row = parent[first[j] + g]
            for half in range(2):
                source = row[half]
                if source < 0:
                    new[2 * half, g, :] = 0.0
                    new[2 * half + 1, g, :] = 0.0
                    continue
                minus = source % 2
                sign = np.float32(1.0 if minus == half else -1.0)
                _decayed(new[2 * half, g], old[2 * minus, source // 2], E[1], np.float32(1.0))
                _decayed(new[2 * half + 1, g], old[2 * minus + 1, source // 2], E[1], sign)
            if row[2] < 0:
                new[4, g, :] = 0.0
                new[5, g, :] = 0.0
            else:
                _decayed(new[4, g], old[4, row[2]], E[0], np.float32(1.0))
                _decayed(new[5, g], old[5, row[2]], E[0], np.float32(1.0))
        new[2, 0, :] = new[0, 0]
        new[3, 0, :] = -new[1, 0]
        for i in range(LANES):
            new[4, 0, i] += np.float32(1.0) - E[0, i]
        _coefficients(c, re[kind[j]], im[kind[j]], turn[j].real, turn[j].imag)
        for g in range(n):
            _mix(new[0, g], new[1, g], new[2, g], new[3, g], new[4, g], new[5, g], c)
        for i in range(LANES):
            new[0, 0, i] += c[9, i]
            new[1, 0, i] += c[10, i]
            new[4, 0, i] += c[11, i]
        for e in range(starts[j], starts[j + 1]):
            g, half = wanted[e, 1], wanted[e, 2]
            out[e, 0] = new[2 * half, g]
            out[e, 1] = new[2 * half + 1, g] if half == 0 else -new[2 * half + 1, g]
        old, new = new, old


@njit(**_FLAGS)
def _decayed(out, a, E, sign):  # type: ignore[no-untyped-def]
    for i in range(LANES):
        out[i] = sign * E[i] * a[i]


@njit(**_FLAGS)
def _coefficients(c, re, im, tr, ti):  # type: ignore[no-untyped-def]
    """Rows a, b, c, d, e, bT, bZ with the pulse's phase in: b e^2iP, c e^iP, e e^-iP, bT e^iP."""
    t2r, t2i = tr * tr - ti * ti, np.float32(2.0) * tr * ti
    for i in range(LANES):
        c[0, i], c[1, i] = re[0, i], im[0, i]
        c[2, i], c[3, i] = re[1, i] * t2r - im[1, i] * t2i, re[1, i] * t2i + im[1, i] * t2r
        c[4, i], c[5, i] = re[2, i] * tr - im[2, i] * ti, re[2, i] * ti + im[2, i] * tr
        c[6, i] = re[3, i]
        c[7, i], c[8, i] = re[4, i] * tr + im[4, i] * ti, im[4, i] * tr - re[4, i] * ti
        c[9, i], c[10, i] = re[5, i] * tr - im[5, i] * ti, re[5, i] * ti + im[5, i] * tr
        c[11, i] = re[6, i]


@njit(**_FLAGS)
def _mix(pr, pi, mr, mi, zr, zi, c):  # type: ignore[no-untyped-def]
    """F+' = a F+ + b F- + c Z,   F-' = a* F- + b* F+ + c* Z,   Z' = d Z + e F+ + e* F-."""
    for i in range(LANES):
        ar, ai, br, bi, cr, ci = c[0, i], c[1, i], c[2, i], c[3, i], c[4, i], c[5, i]
        d, er, ei = c[6, i], c[7, i], c[8, i]
        x, y, u, v, w, q = pr[i], pi[i], mr[i], mi[i], zr[i], zi[i]
        pr[i] = ar * x - ai * y + br * u - bi * v + cr * w - ci * q
        pi[i] = ar * y + ai * x + br * v + bi * u + cr * q + ci * w
        mr[i] = ar * u + ai * v + br * x + bi * y + cr * w + ci * q
        mi[i] = ar * v - ai * u + br * y - bi * x + cr * q - ci * w
        zr[i] = d * w + er * (x + u) - ei * (y - v)
        zi[i] = d * q + er * (y + v) + ei * (x - u)
