"""A state table: amplitudes of configurations over T1, T2, B1, f and place, as few real terms, with a measured error.

    A_e(v) = sum_l mixture_e,l terms_l(T1_v, T2_v, B1_v, f_v, z_v)

Terms come from the amplitudes at the nodes of the table (singular vectors); between nodes they are interpolated:
polynomials through Chebyshev nodes in log T1, log T2/T1, B1 and f, pieces of the fifth degree in z; tissue by tissue
where matter falls into tissues (one ratio T2/T1 each). Matter of few kinds is its own table. Where off-resonance f [Hz]
does nothing during the pulses, it has one node.

Berrut & Trefethen, SIAM Rev. 46, 501 (2004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.fft import dct

from spinloom.simulation.drive import kinds

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Evaluate = Callable[[Floats], NDArray[np.complex64]]

FEW = 1024
"""Kinds of matter up to which each is a node of its own."""

HELD_OUT = 48
CHUNK = 2048
HELD = 2**19
"""Numbers between the two steps of an interpolation, on one thread."""
MOST_GROUPS = 64
POINTS = 6
"""Nodes along z that a place is interpolated from."""
MOST_NODES = 12_000
"""No finer table is made of one that has more."""
SHORT, LONGEST = 9, 25
"""Nodes along one property at first."""

_FAST: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}
}  # fmt: skip

PROPERTIES = 4
"""log T1, log T2/T1, B1, f: those that polynomials run through."""
F = 3


@dataclass(frozen=True, eq=False)
class Table:
    """terms (L, n) float32 of every entry, mixture (n_amplitudes, L) complex64, error: relative L2, measured."""

    terms: Singles
    mixture: NDArray[np.complex64]
    error: float
    n_nodes: int


def tabulate(matter: Singles, evaluate: Evaluate, tolerance: float, z_step: float, pool: ThreadPoolExecutor) -> Table:
    """Amplitudes of all matter from those of some.

    matter     (5, n) T1, T2 [s], B1, f [Hz], z [m]
    evaluate   (5, G) float64 → (n_amplitudes, G)
    tolerance  aimed at: relative L2 of the amplitudes over matter held out
    z_step     distance of the nodes along z [m]
    pool       threads
    """
    n = matter.shape[1]
    groups = _groups(matter)
    nodes_of = _along(range(PROPERTIES) if len(groups) == 1 else [F], matter, evaluate, 0.3 * tolerance)
    f_nodes = nodes_of[F]
    if f_nodes == 1:
        matter = matter.copy()
        matter[F] = np.median(matter[F])
    sample = matter[:, np.unique(np.linspace(0, n - 1, min(n, 20_000)).astype(int))]
    if len(kinds(*_codes(sample))[0]) <= FEW:
        example, which = kinds(*_codes(matter))
        if len(example) <= FEW:
            nodes, mixture, lost = _terms(evaluate(matter[:, example].astype(float)), tolerance)
            return Table(np.ascontiguousarray(nodes[:, which]), mixture, lost, len(example))
    if len(groups) == 1:
        counts = [np.array([nodes_of[i] for i in range(PROPERTIES)])]
    else:
        counts = [_modest(matter[:, own], f_nodes, float(np.ptp(matter[F]))) for own in groups]
    rng = np.random.default_rng(0)
    held = np.sort(rng.choice(n, HELD_OUT, replace=False))
    truth_at = matter[:, held].astype(float)
    finer_z, before = bool(np.ptp(matter[4]) > 0), np.inf
    while True:
        axes = [_axes(matter[:, own], c, z_step) for own, c in zip(groups, counts, strict=True)]
        grids = [np.stack(np.meshgrid(*a, indexing="ij")).reshape(5, -1) for a in axes]
        found = evaluate(np.concatenate([*(_physical(g) for g in grids), truth_at], axis=1))
        nodes, mixture, lost = _terms(found[:, : -len(held)], tolerance)
        terms = np.empty((len(nodes), n), np.float32)
        first = 0
        for own, a, grid in zip(groups, axes, grids, strict=True):
            values = np.ascontiguousarray(nodes[:, first : first + grid.shape[1]].T).reshape(*(len(x) for x in a), -1)
            terms[:, own] = _interpolate(matter[:, own], a, values, pool)
            first += grid.shape[1]
        truth = found[:, first:]
        error = float(np.linalg.norm(mixture @ terms[:, held] - truth)) / max(float(np.linalg.norm(truth)), 1e-30)
        if error <= tolerance or first > MOST_NODES:
            return Table(terms, mixture, error, first)
        if error > 0.7 * before and np.ptp(matter[4]) > 0:
            finer_z = not finer_z  # the other way of refining it
        before = error
        if finer_z:
            z_step /= 1.5
        else:
            counts = [np.where(c > 1, np.ceil(c * 1.3), 1).astype(int) for c in counts]


def _groups(matter: Singles) -> list[NDArray[np.intp] | slice]:
    """Tissues: matter of one ratio T2/T1 belongs together; all of it if there are many ratios."""
    ratio = np.rint(2000 * np.log(matter[1].astype(float) / matter[0])).astype(np.int64)
    if len(np.unique(ratio[:: max(1, len(ratio) // 20_000)])) > MOST_GROUPS:
        return [slice(None)]
    values, which = np.unique(ratio, return_inverse=True)
    if len(values) > 2 * MOST_GROUPS:
        return [slice(None)]
    order = np.argsort(which, kind="stable")
    return [*np.split(order, np.cumsum(np.bincount(which))[:-1])]


def _modest(matter: Singles, f_nodes: int, f_range: float) -> NDArray[np.int64]:
    """Nodes along T1, T2/T1, B1 and f for a tissue, at first; f_nodes are enough for all of f_range [Hz]."""
    T1, B1, f = float(np.ptp(np.log(matter[0]))), float(np.ptp(matter[2])), float(np.ptp(matter[F]))
    of_f = 1 if f_nodes == 1 else min(f_nodes, 3 + int(f_nodes * f / max(f_range, 1e-9)))
    return np.array([int(np.clip(3 + 4 * T1, 3, 12)), 2, int(np.clip(3 + 8 * B1, 3, 12)), of_f])


def _along(axes: Iterable[int], matter: Singles, evaluate: Evaluate, tolerance: float) -> dict[int, int]:
    """Nodes along some properties: where the Chebyshev series along each has fallen to the tolerance.

    Looked at with the others in the middle, all low and all high.
    """
    at = _coordinates(matter)[:PROPERTIES]
    lo, hi, z = at.min(axis=1), at.max(axis=1), float(np.median(matter[4]))
    found = dict.fromkeys(axes, 1)
    todo = [axis for axis in found if hi[axis] > lo[axis]]
    for n in (SHORT, LONGEST):
        if not todo:
            break
        lines = np.tile(np.array([0.0, 1.0, 0.5])[:, None, None], (len(todo), 1, n, PROPERTIES))
        for i, axis in enumerate(todo):
            lines[i, :, :, axis] = (1 - np.cos(np.pi * np.arange(n) / (n - 1))) / 2
        grid = lo[:, None] + (hi - lo)[:, None] * lines.reshape(-1, PROPERTIES).T
        values = evaluate(_physical(np.concatenate([grid, np.full((1, grid.shape[1]), z)])))
        values = values.reshape(len(values), len(todo), 3, n)
        both = np.concatenate([values.real, values.imag]).astype(float)
        power = ((dct(both, type=1, axis=-1) / (n - 1)) ** 2).sum(axis=0)  # property, line, order
        tail = np.sqrt(np.cumsum(power[..., ::-1], axis=-1)[..., ::-1])
        low = tail <= tolerance * tail[..., :1]
        for axis, own in zip(todo, low, strict=True):
            enough = int(own.argmax(axis=-1).max()) if own[:, -1].all() else LONGEST
            found[axis] = max(enough, 1 if axis == F else 2)
        todo = [axis for axis in todo if found[axis] == LONGEST]
    return found


def _coordinates(matter: Singles) -> Floats:
    """T1, T2, B1, f, z → log T1, log T2/T1, B1, f, z."""
    m = matter.astype(float)
    return np.stack([np.log(m[0]), np.log(m[1] / m[0]), *m[2:]])


def _codes(matter: Singles) -> list[NDArray[np.int64]]:
    return [np.ascontiguousarray(row).view(np.int32).astype(np.int64) for row in matter[:4]] + [
        np.rint(matter[4] * 1e6).astype(np.int64) + 10_000_000
    ]


def _physical(grid: Floats) -> Floats:
    """log T1, log T2/T1, B1, f, z → T1, T2, B1, f, z."""
    T1 = np.exp(grid[0])
    return np.stack([T1, T1 * np.exp(grid[1]), *grid[2:]])


def _axes(matter: Singles, counts: NDArray[np.int64], z_step: float) -> list[Floats]:
    """Nodes along log T1, log T2/T1, B1, f (Chebyshev, ends included) and z (even steps)."""
    axes, at = [], _coordinates(matter)
    for values, count in zip(at[:PROPERTIES], counts, strict=True):
        lo, hi = float(values.min()), float(values.max())
        if hi - lo < 1e-3 or count == 1:
            axes.append(np.array([(lo + hi) / 2]))
        else:
            axes.append((lo + hi) / 2 - (hi - lo) / 2 * np.cos(np.pi * np.arange(count) / (count - 1)))
    lo, hi = float(at[4].min()), float(at[4].max())
    if hi - lo < 1e-7 or not np.isfinite(z_step):
        return [*axes, np.array([(lo + hi) / 2])]
    return [*axes, np.linspace(lo, hi, max(POINTS, int(np.ceil((hi - lo) / z_step)) + 1))]


def _terms(A: NDArray[np.complex64], tolerance: float) -> tuple[Singles, NDArray[np.complex64], float]:
    """(L, G) real terms and (n, L) complex mixture with A = mixture terms; and the relative L2 that is left out.

    A basis from random probes, more of them until little enough is left; then its singular vectors. Halko, Martinsson &
    Tropp, SIAM Rev. 53, 217 (2011), algorithm 4.1.
    """
    E = len(A)
    M = np.concatenate([A.real, A.imag])
    whole = float(np.sum(M.astype(float) ** 2))
    rng = np.random.default_rng(0)
    probes = 16
    while True:
        probes = min(2 * probes, *M.shape)
        Q = np.linalg.qr(M @ rng.standard_normal((M.shape[1], probes), dtype=np.float32))[0]
        B = Q.T @ M
        left = np.sqrt(_left(M, Q, B) / max(whole, 1e-300))
        if left <= 0.2 * tolerance or probes == min(M.shape):
            break
    power, vectors = np.linalg.eigh((B @ B.T).astype(float))
    power, vectors = np.maximum(power[::-1], 0.0), vectors[:, ::-1]
    tail = np.sqrt(np.maximum(power.sum() - np.cumsum(power), 0.0) / max(power.sum(), 1e-300))
    L = 1 + int(np.sum(tail > 0.4 * tolerance))
    W = (Q @ vectors[:, :L]).astype(np.float32)
    return np.asarray(W.T @ M, np.float32), W[:E] + 1j * W[E:], float(np.hypot(left, tail[L - 1]))


def _left(M: Singles, Q: Singles, B: Singles) -> float:
    """|M - Q B|^2, not as a difference of sums, which would end at the root of the rounding error."""
    parts = [slice(lo, lo + CHUNK) for lo in range(0, M.shape[1], CHUNK)]
    return float(sum(np.sum((M[:, p] - Q @ B[:, p]).astype(float) ** 2) for p in parts))


def _interpolate(matter: Singles, axes: list[Floats], values: Singles, pool: ThreadPoolExecutor) -> Singles:
    """(L, n) values (n1, n2, n3, nf, nz, L) at T1, T2, B1, f, z of all matter."""
    z, n, L = axes[4], matter.shape[1], values.shape[-1]
    n_outer, n_inner = len(axes[0]) * len(axes[1]), len(axes[2]) * len(axes[F])
    flat = np.ascontiguousarray(np.moveaxis(values, 4, 0)).reshape(len(z), n_outer, n_inner * L)
    out = np.empty((L, n), np.float32)
    at = (matter[4] - z[0]) / (z[1] - z[0]) if len(z) > 1 else np.zeros(n)
    first = np.clip(at.astype(int) - POINTS // 2 + 1, 0, max(len(z) - POINTS, 0))
    order = np.argsort(first, kind="stable") if len(z) > 1 else np.arange(n)
    ends = np.searchsorted(first[order], np.arange(len(z) + 1))

    def part(chunk: tuple[int, int, int]) -> None:
        layer, lo, hi = chunk
        own = order[lo:hi]
        w = [_barycentric(x, nodes) for x, nodes in zip(_coordinates(matter[:, own]), axes[:PROPERTIES], strict=False)]
        outer, inner = _products(w[0], w[1]), _products(w[2], w[F])
        found = np.zeros((len(own), L), np.float32)
        if len(z) == 1:
            _contract(outer @ flat[0], inner, np.ones(len(own), np.float32), found)
        t = at[own] - layer
        for q in range(POINTS if len(z) > 1 else 0):  # Lagrange through 0, 1, 2 ...
            c = np.prod([(t - o) / (q - o) for o in range(POINTS) if o != q], axis=0)
            _contract(outer @ flat[layer + q], inner, c.astype(np.float32), found)
        out[:, own] = found.T

    step = int(np.clip(HELD // (n_inner * L), 64, CHUNK))
    chunks = [
        (layer, lo, min(lo + step, ends[layer + 1]))
        for layer in range(len(z))
        for lo in range(ends[layer], ends[layer + 1], step)
    ]
    list(pool.map(part, chunks))
    return out


@njit(**_FAST)
def _barycentric(x, nodes):  # type: ignore[no-untyped-def]
    """(n, m) weights of the polynomial through Chebyshev nodes (second kind): Berrut & Trefethen (2004), eq. 5.4."""
    n, m = len(x), len(nodes)
    out = np.zeros((n, m), np.float32)
    w = np.ones(m)
    w[1::2] = -1.0
    w[0] /= 2
    w[-1] /= 2
    part = np.empty(m)
    for v in range(n):
        total, hit = 0.0, -1
        for i in range(m):
            d = x[v] - nodes[i]
            if abs(d) < 1e-12:
                hit = i
                break
            part[i] = w[i] / d
            total += part[i]
        if hit >= 0:
            out[v, hit] = 1.0
            continue
        for i in range(m):
            out[v, i] = part[i] / total
    return out


@njit(**_FAST)
def _products(a, b):  # type: ignore[no-untyped-def]
    """(n, m1 m2) of weights (n, m1) and (n, m2)."""
    out = np.empty((len(a), a.shape[1] * b.shape[1]), np.float32)
    for v in range(len(a)):
        for i in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[v, i * b.shape[1] + j] = a[v, i] * b[v, j]
    return out


@njit(**_FAST)
def _contract(values, w, c, out):  # type: ignore[no-untyped-def]
    """out (n, L) += c_v sum_j w_vj values (n, J L)."""
    L = out.shape[1]
    for v in range(len(out)):
        for j in range(w.shape[1]):
            weight = c[v] * w[v, j]
            for l in range(L):
                out[v, l] += weight * values[v, j * L + l]
