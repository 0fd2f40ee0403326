"""Straight readouts, entry by entry and sample by sample: the sum that `encode` is held to.

    S(line, s) = sum_v w_v(line) c_v exp(-2πi (k_s x_v + k1 a_v + k2 b_v + f_v tau_s) - tau_s/T2_v ∓ tau_s/T2'_v)

The readout direction is summed directly, so that position, off-resonance and decay act together without any
approximation; the phase directions are matrix products over the columns of the lattice. Work is cut into fixed pieces,
so the same numbers come out whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.core.products import padded
from spinloom.simulation.columns import Columns
from spinloom.simulation.readouts import Group

if TYPE_CHECKING:
    from spinloom.simulation.encode import Weights

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Samples = NDArray[np.complex64]

ROWS_PER_TASK = 4
TOGETHER = 8  # entries whose samples are added in one pass
MEMORY = 256 * 2**20  # of the half-encoded columns at a time [bytes]


def encode_exact(
    columns: Columns, group: Group, weights: Weights, *, planar: bool, pool: ThreadPoolExecutor
) -> Samples:
    """(n_lines, n_samples) signal of a group of readouts, receive coil given by weights.factor.

    planar  True: all layers add up (2D slice); False: the slice axis is phase encoded too
    """
    out = np.empty((len(group.lines), group.n_samples), np.complex64)
    transform, columns_first = _phase_transform(columns, group, weights, planar)
    a, b, L = len(columns.x[1]), 1 if planar else weights.layers[1] - weights.layers[0], len(weights.values)
    chunk = int(np.clip(MEMORY // (8 * a * b * L), 32, 256))
    for s in range(0, group.n_samples, chunk):
        n = min(chunk, group.n_samples - s)
        one, other = (a, b) if columns_first else (b, a)
        # zeros pad both inner dimensions of the products, see core.products
        wide = 1 if planar else padded(other)
        rows = np.zeros((padded(L * one), wide * n), np.complex64)
        half = rows[: L * one].reshape(L, one, wide, n)[:, :, :other]
        _read(columns, group, weights, s, n, half if columns_first else half.transpose(0, 2, 1, 3), planar, pool)
        out[:, s : s + n] = transform(rows)
    k = group.k0 + group.dk * np.arange(group.n_samples)
    roll_off = np.sinc(group.k1 * columns.size[1])
    if not planar:
        roll_off = roll_off * np.sinc(group.k2 * columns.size[2])
    out *= roll_off.astype(np.float32)[:, None]
    out *= np.sinc(k * columns.size[0]).astype(np.float32)
    return out


def _read(
    columns: Columns,
    group: Group,
    weights: Weights,
    first: int,
    n: int,
    out: Samples,
    planar: bool,
    pool: ThreadPoolExecutor,
) -> None:
    """Samples first to first + n along the readout into out (L, phase, slice, n), split where the clock turns."""
    tau = group.tau0 + group.dtau * np.arange(first, first + n)
    cut = int(np.searchsorted(tau, 0.0)) if group.side == 0 else n
    pieces = [(0, n, float(group.side))] if group.side else [(0, cut, -1.0), (cut, n, 1.0)]
    runs = np.array([(p, q - p, side) for p, q, side in pieces if q > p])
    k0 = group.k0 + group.dk * first
    offset = columns.slice_starts[weights.layers[0]]

    def task(a: int) -> None:
        _columns(
            out, a, min(a + ROWS_PER_TASK, len(columns.x[1])), weights.layers[0], weights.layers[1], planar,
            len(columns.x[1]), columns.start, offset, columns.ir, columns.x[0], columns.dB0, columns.T2,
            columns.T2prime, weights.factor, weights.values, runs, k0, group.dk, float(tau[0]), group.dtau,
        )  # fmt: skip

    list(pool.map(task, range(0, len(columns.x[1]), ROWS_PER_TASK)))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _columns(  # type: ignore[no-untyped-def]
    out, a0, a1, b0, b1, planar, n_a, start, offset, ir, x, f, T2, T2p, factor, values, runs, k0, dk, tau0, dtau
):
    """Columns of rows a0 to a1 in layers b0 to b1."""
    L, n = values.shape[0], out.shape[3]
    re, im = np.zeros((L, n), np.float32), np.zeros((L, n), np.float32)
    pr, pi = np.zeros((TOGETHER, n), np.float32), np.zeros((TOGETHER, n), np.float32)
    w = np.zeros((L, TOGETHER), np.float32)
    for a in range(a0, a1):
        for b in range(b0, b1):
            column = b * n_a + a
            for first in range(start[column], start[column + 1], TOGETHER):
                w[:] = 0.0
                for j in range(min(TOGETHER, start[column + 1] - first)):
                    e = first + j
                    own = e - offset
                    _phasor(pr[j], pi[j], x[ir[e]], f[e], T2[e], T2p[e], factor[own], runs, k0, dk, tau0, dtau)
                    for l in range(L):
                        w[l, j] = values[l, own]
                for l in range(L):
                    _add(re[l], pr, w[l])
                    _add(im[l], pi, w[l])
            if not planar or b == b1 - 1:
                slot = 0 if planar else b - b0
                for l in range(L):
                    for s in range(n):
                        out[l, a, slot, s] = complex(re[l, s], im[l, s])
                re[:] = 0.0
                im[:] = 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _add(out, p, w):  # type: ignore[no-untyped-def]
    """out += w @ p for TOGETHER rows: one pass over `out` serves eight entries."""
    w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    for s in range(len(out)):
        low = w0 * p[0, s] + w1 * p[1, s] + w2 * p[2, s] + w3 * p[3, s]
        high = w4 * p[4, s] + w5 * p[5, s] + w6 * p[6, s] + w7 * p[7, s]
        out[s] += low + high


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _phasor(pr, pi, x, f, T2, T2p, factor, runs, k0, dk, tau0, dtau):  # type: ignore[no-untyped-def]
    """factor exp(-2πi (k_s x + f tau_s) - tau_s rate), by doubling: p[m:2m] = p[:m] p(step)^m."""
    for r in range(runs.shape[0]):
        first, n = int(runs[r, 0]), int(runs[r, 1])
        rate = 1.0 / T2 + runs[r, 2] / T2p
        tau = tau0 + first * dtau
        turns = (k0 + first * dk) * x + f * tau
        turns -= np.rint(turns)
        size = np.exp(-tau * rate)
        c, s = size * np.cos(2 * np.pi * turns), -size * np.sin(2 * np.pi * turns)
        pr[first] = c * factor.real - s * factor.imag
        pi[first] = c * factor.imag + s * factor.real
        turns = dk * x + f * dtau
        turns -= np.rint(turns)
        size = np.exp(-dtau * rate)
        c, s = size * np.cos(2 * np.pi * turns), -size * np.sin(2 * np.pi * turns)
        m = 1
        while m < n:
            c4, s4 = np.float32(c), np.float32(s)
            for j in range(min(m, n - m)):
                pr[first + m + j] = pr[first + j] * c4 - pi[first + j] * s4
                pi[first + m + j] = pr[first + j] * s4 + pi[first + j] * c4
            c, s = c * c - s * s, 2 * c * s
            m *= 2


def _phase_transform(
    columns: Columns, group: Group, weights: Weights, planar: bool
) -> tuple[Callable[[Samples], Samples], bool]:
    """The matrix products along phase and slice axis, and whether the phase axis goes first.

    The axis along which the state changes with k goes first: its product also mixes the L terms into one.
    """
    xa, xb = columns.x[1], np.zeros(1) if planar else columns.x[2][slice(*weights.layers)]
    ka, kb = group.k1, np.zeros(len(group.k2)) if planar else group.k2
    by_a, by_b = _distinct(ka, group.state), _distinct(kb, group.state)
    columns_first = planar or len(by_a[0]) * len(xa) <= len(by_b[0]) * len(xb)
    (k, state, member), x = (by_a, xa) if columns_first else (by_b, xb)
    first = np.exp(-2j * np.pi * k[:, None] * x)  # (U, x)
    mixing = (weights.mixture.T[state][:, :, None] * first[:, None, :]).reshape(len(k), -1)
    first = np.zeros((len(k), padded(mixing.shape[1])), np.complex64)
    first[:, : mixing.shape[1]] = mixing
    k_other, x_other = (kb, xb) if columns_first else (ka, xa)
    lines = [np.flatnonzero(member == u) for u in range(len(k))]
    _, example, which = np.unique(np.round(k_other, 4), return_index=True, return_inverse=True)
    second = np.zeros((len(example), padded(len(x_other))), np.complex64)
    second[:, : len(x_other)] = np.exp(-2j * np.pi * k_other[example, None] * x_other)

    def transform(rows: Samples) -> Samples:
        mixed = first @ rows
        if planar:
            return np.asarray(mixed[member])
        mixed = mixed.reshape(len(k), second.shape[1], -1)
        out = np.empty((len(member), mixed.shape[2]), np.complex64)
        for u, own in enumerate(lines):
            out[own] = second[which[own]] @ mixed[u]
        return out

    return transform, columns_first


def _distinct(k: Floats, state: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Distinct (k, state) pairs of the lines, and which one each line has."""
    pairs = np.stack([np.round(k, 4), state], axis=1)
    _, example, member = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return k[example], state[example], member
