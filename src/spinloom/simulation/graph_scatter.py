"""Echoes whose samples lie anywhere (radial, spiral, curved): volumes of the matter, and a non-uniform FFT of each.

    S(s) = sum_l mixture_l sum_j C_j(s) sum_v amount_v terms_l(v) exp(z_v tau_j) exp(-2πi k_s . r_v)

with the time terms of line projection (lines): z = -2πi f - R2 -+ R2', all readouts of one timing together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.graph_echoes import Echoes
from spinloom.simulation.graph_signal import Emitter, Pattern
from spinloom.simulation.lines import segments
from spinloom.simulation.nonuniform import sums

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Complex = NDArray[np.complex64]


@dataclass(frozen=True, eq=False)
class Bundle:
    """Echoes of one timing.

    rows    (n,) indices of the echoes;  lo, hi  first and last + 1 sample of the readout that they fill
    dt      (n_samples,) time from the first sample [s]
    late, tau  of the first sample: since the end of the pulse, and since the echo [s]
    side    sign of the time since the echo
    k       (n, n_samples, 3) [1/m]
    """

    rows: Index
    lo: int
    hi: int
    dt: Floats
    late: float
    tau: float
    side: float
    k: Floats


def bundles(heard: Echoes, curved: list[Pattern]) -> Iterator[Bundle]:
    """Patterns of whatever gradients, sorted by time alone."""
    members: dict[tuple[object, ...], list[tuple[int, Pattern]]] = {}
    for p in curved:
        clock = np.rint(p.window[:, 0] * 1e9).astype(np.int64).tobytes()
        for row in p.rows.tolist():
            key = (p.lo, p.hi, p.side, clock, round(heard.tau[row] * 1e7), round(heard.late[row] * 1e7))
            members.setdefault(key, []).append((row, p))
    for own in members.values():
        rows, p = np.array([row for row, _ in own]), own[0][1]
        first = float(p.window[0, 0])
        yield Bundle(
            rows=rows,
            lo=p.lo,
            hi=p.hi,
            dt=p.window[:, 0] - first,
            late=float(heard.late[rows[0]]) + first,
            tau=float(heard.tau[rows[0]]) + first,
            side=p.side,
            k=np.stack([heard.k[row] + q.window[:, 1:4] for row, q in own]),
        )


def by_scatter(emitter: Emitter, heard: Echoes, which: Index, b: Bundle) -> tuple[Complex, float]:
    """(n_coils, n, n_samples) signal of a bundle, and the error of the time segments."""
    m, own, axes = emitter.matter, emitter.own, list(emitter.axes)
    f, R2, R2prime = m.dB0[own].astype(float), 1 / m.T2[own].astype(float), 1 / m.T2prime[own].astype(float)
    z = -2j * np.pi * f - R2 - b.side * R2prime
    some = np.unique(np.concatenate([np.linspace(0, len(z) - 1, 600).astype(int), [f.argmin(), f.argmax()]]))
    cut = segments(z[some], b.dt, emitter.tolerance)
    k = b.k.reshape(-1, 3)[:, axes]
    x = [m.x[0], m.x[1], m.x[2][slice(*emitter.layers)]]
    planar = float(np.ptp(k[:, 2])) < 1e-3
    place, shape = _places(emitter, planar)
    before = m.amount[own] * np.exp(-2j * np.pi * f * b.tau - R2 * b.late - R2prime * abs(b.tau))
    if planar:  # one k through the slice: layers add up with its phase
        layer = np.repeat(np.arange(len(x[2])), np.diff(m.slice_starts[emitter.layers[0] : emitter.layers[1] + 1]))
        before = before * np.exp(-2j * np.pi * k[0, 2] * x[2])[layer]
        k, x[2] = k * [1.0, 1.0, 0.0], np.zeros(1)
    mixture = emitter.table.mixture[which[b.rows]]  # (n, terms)
    L, J = mixture.shape[1], len(cut.C)
    coefficient = (mixture[:, None, :, None] * cut.C.T[:, None, :]).reshape(-1, L * J).astype(np.complex64)
    coils: Complex = np.ones((1, 1), np.complex64) if emitter.coils is None else emitter.coils
    out = np.empty((len(coils), len(k)), np.complex64)
    for c, coil in enumerate(coils):
        volumes = np.empty((L, J, *shape), np.complex64)
        for j in range(J):
            now = before * coil * np.exp(z * (cut.first + j * cut.step))
            for l, term in enumerate(emitter.table.terms):
                volumes[l, j] = _binned(place, now * term, shape)
        out[c] = sums(volumes.reshape(L * J, *shape), (x[0], x[1], x[2]), k, coefficient, emitter.pool)
    size = m.size[: 2 if planar or not emitter.even else 3]
    if planar and emitter.even:
        out *= np.float32(np.sinc(b.k[0, 0, axes[2]] * m.size[2]))
    roll_off = np.prod(np.sinc(k[:, : len(size)] * size), axis=1).reshape(len(b.rows), -1)
    turned = roll_off * np.exp(1j * heard.phase[b.rows])[:, None]
    return out.reshape(len(coils), *turned.shape) * turned.astype(np.complex64), cut.error


def _places(emitter: Emitter, planar: bool) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """Flat place of every entry on the lattice (readout, phase, slice), and its shape."""
    m, own, n_a = emitter.matter, emitter.own, len(emitter.matter.x[1])
    column = np.repeat(np.arange(len(m.start) - 1), np.diff(m.start))[own]
    layer = column // n_a - emitter.layers[0]
    shape = (len(m.x[0]), n_a, 1 if planar else emitter.layers[1] - emitter.layers[0])
    place = (m.ir[own].astype(np.int64) * n_a + column % n_a) * shape[2] + (0 if planar else layer)
    return place, shape


def _binned(place: NDArray[np.int64], w: NDArray[np.complexfloating], shape: tuple[int, int, int]) -> Complex:
    n = int(np.prod(shape))
    real, imag = np.bincount(place, w.real, minlength=n), np.bincount(place, w.imag, minlength=n)
    return np.asarray(real + 1j * imag, np.complex64).reshape(shape)
