"""Spatial encoding of straight readouts: a finite Fourier sum over every entry, by fast transforms.

    S(line, s) = sum_v w_v(line) c_v exp(-2πi (k_s x_v + k1 a_v + k2 b_v + f_v tau_s) - tau_s/T2_v ∓ tau_s/T2'_v)

k and tau run in even steps, so what an entry does during the readout is to stand elsewhere: off-resonance moves it
along x, decay moves it beside the real axis,

    exp(-2πi s (dk x + f dtau) - s dtau R) = exp(-2πi s u / N),     u = N (dk x + f dtau - i dtau R / 2π)

and a sum over such places is a non-uniform Fourier transform: each entry is spread over 8 (or 16) cells of a grid
(encode_kernel), the phase directions are matrix products over that grid (encode_phase), and one FFT per line gives the
samples. w_v(line) = sum_l weight_l(v) mixture(l, state of line) is the low-rank train. Work is cut into fixed pieces,
so the same numbers come out whatever the number of threads. `encode_exact` is the same sum without the grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spinloom.simulation.columns import Columns, kept
from spinloom.simulation.encode_exact import encode_exact
from spinloom.simulation.encode_kernel import NARROW, WIDE, Kernel, kernel
from spinloom.simulation.encode_phase import Phases, encode_phases, phases
from spinloom.simulation.encode_spread import spread
from spinloom.simulation.readouts import Group

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Samples = NDArray[np.complex64]

ROWS_PER_TASK = 4
LINES_PER_TASK = 256
MEMORY = 256 * 2**20  # of the grid at a time [bytes]


@dataclass(frozen=True, eq=False)
class Weights:
    """How strongly each entry of some layers sounds, per term of the low-rank train.

    layers   (first, last) range of layers along the slice axis that take part
    values   (L, n) real weight of each entry in those layers, amount included
    mixture  (L, n_states) complex: weight of a line in state j is sum_l values[l] mixture[l, j]
    factor   (n,) or (coil, n) complex factor common to all terms (receive sensitivity, phase at the reference)
    """

    layers: tuple[int, int]
    values: Singles
    mixture: NDArray[np.complex128]
    factor: Samples


@dataclass(frozen=True)
class _Run:
    """Samples of a readout during which the clock of T2' runs one way.

    first    index of the first sample;  side: sign of the clock, 0 where nothing depends on it
    k, tau   at the middle sample n // 2 [1/m], [s];  dk, dtau steps
    """

    first: int
    side: int
    k: float
    dk: float
    tau: float
    dtau: float
    kernel: Kernel


def encode(
    columns: Columns, group: Group, weights: Weights, *, planar: bool, pool: ThreadPoolExecutor, tolerance: float = 1e-4
) -> Samples:
    """(n_lines, n_samples) signal of a group of readouts; (coil, n_lines, n_samples) if weights.factor is (coil, n).

    planar     True: all layers add up (2D slice); False: the slice axis is phase encoded too
    tolerance  of every entry's samples, relative to its largest one, in the mean over the readout; what single
               precision adds is some 1e-7, and 1e-5 for entries that vanish within the readout

    Dutt & Rokhlin, SIAM J. Sci. Comput. 14, 1368 (1993), for real u.
    """
    if not planar and weights.layers[1] - weights.layers[0] == 1:  # all of it at one place along the slice axis
        flat = encode(columns, group, weights, planar=True, pool=pool, tolerance=tolerance)
        through = np.exp(-2j * np.pi * group.k2 * columns.x[2][weights.layers[0]]) * np.sinc(group.k2 * columns.size[2])
        return np.asarray(flat * through.astype(np.complex64)[:, None])
    n_coils = len(np.atleast_2d(weights.factor))
    out = np.empty((n_coils, len(group.lines), group.n_samples), np.complex64)
    plan = phases(group.k1, group.k2, group.state, columns.x[1:], weights.mixture, planar=planar)
    across = np.sinc(group.k1 * columns.size[1])
    if not planar:
        across = across * np.sinc(group.k2 * columns.size[2])
    for run in _runs(group, columns, tolerance):
        n = run.kernel.n
        here = out[..., run.first : run.first + n]
        limit = run.kernel.limits[WIDE] * 2 * np.pi / (run.kernel.N * abs(run.dtau)) if run.dtau else np.inf
        slow = None if columns.fastest <= limit else np.abs(1 / columns.T2 + run.side / columns.T2prime) <= limit
        some, lasting = (columns, weights) if slow is None else _kept(columns, weights, slow)
        k = run.k + run.dk * (np.arange(n) - n // 2)
        along = np.sinc(k * columns.size[0]) / run.kernel.roll_off
        _transformed(some, lasting, plan, run, (across, along), planar, pool, here)
        if slow is not None and not slow.all():
            rest, fast = _kept(columns, weights, ~slow)
            tau0 = group.tau0 + run.first * run.dtau
            part = replace(group, n_samples=n, k0=float(k[0]), tau0=tau0, side=run.side or 1)
            for c, factor in enumerate(np.atleast_2d(fast.factor)):
                here[c] += encode_exact(rest, part, replace(fast, factor=factor), planar=planar, pool=pool)
    return out if weights.factor.ndim == 2 else out[0]


def _runs(group: Group, columns: Columns, tolerance: float) -> Iterator[_Run]:
    n = group.n_samples
    tau = group.tau0 + group.dtau * np.arange(n)
    cut = int(np.searchsorted(tau, 0.0))
    pieces = [(0, cut, -1), (cut, n, 1)] if group.side == 0 and columns.reversible else [(0, n, group.side)]
    for first, last, side in pieces:
        if last > first:
            middle = first + (last - first) // 2
            k = group.k0 + group.dk * middle
            yield _Run(first, side, k, group.dk, float(tau[middle]), group.dtau, kernel(last - first, tolerance))


def _kept(columns: Columns, weights: Weights, mask: NDArray[np.bool_]) -> tuple[Columns, Weights]:
    own = mask[slice(*(int(columns.slice_starts[b]) for b in weights.layers))]
    return kept(columns, mask), replace(weights, values=weights.values[:, own], factor=weights.factor[..., own])


def _transformed(
    columns: Columns,
    weights: Weights,
    plan: Phases,
    run: _Run,
    scale: tuple[Floats, Floats],
    planar: bool,
    pool: ThreadPoolExecutor,
    out: Samples,
) -> None:
    """Fill out (coil, n_lines, n) with the samples of one run, times scale: per line, per sample."""
    N, n = run.kernel.N, run.kernel.n
    first, last = _extent(columns, run)
    pieces = -(-(last - first) * 8 * int(np.prod(plan.shape)) // MEMORY)
    wide = -(-(last - first) // pieces)
    last = first + pieces * wide
    lines = np.empty((out.shape[1], last - first), np.complex64)
    held = np.zeros((*plan.shape, wide), np.complex64)
    place = np.arange(first, last) % N
    taken = (np.arange(n) - n // 2) % N
    across, along = (a.astype(np.float32) for a in scale)

    for samples, factor in zip(out, np.atleast_2d(weights.factor), strict=True):
        for low in range(first, last, wide):
            _spread(columns, replace(weights, factor=factor), plan, run, (low, low + wide), held, planar, pool)
            encode_phases(plan, held, lines[:, low - first : low - first + wide], planar=planar, pool=pool)

        def transform(start: int, samples: Samples = samples) -> None:
            some = slice(start, start + LINES_PER_TASK)
            grid = np.zeros((len(lines[some]), N), np.complex64)
            for wrap in range(0, last - first, N):  # matter wider than the field of view folds over
                grid[:, place[wrap : wrap + N]] += lines[some, wrap : wrap + N]
            done = scipy.fft.fft(grid, axis=1, overwrite_x=True, workers=1)[:, taken]
            done *= across[some, None]
            np.multiply(done, along, out=samples[some])

        list(pool.map(transform, range(0, len(lines), LINES_PER_TASK)))


def _extent(columns: Columns, run: _Run) -> tuple[int, int]:
    """Cells that any entry can reach: first, and one behind the last."""
    ends = [run.dk * columns.x[0][[0, -1]], run.dtau * np.array(columns.dB0_range)]
    low, high = (run.kernel.N * sum(f(e) for e in ends) for f in (np.min, np.max))
    return int(np.floor(low)) - WIDE // 2 + 1, int(np.floor(high)) + WIDE // 2 + 1


def _spread(
    columns: Columns,
    weights: Weights,
    plan: Phases,
    run: _Run,
    cells: tuple[int, int],
    held: Samples,
    planar: bool,
    pool: ThreadPoolExecutor,
) -> None:
    """Fill held (term, first axis, other axis, cell) with the shares of all entries in some cells."""
    n_a = len(columns.x[1])
    per_l, per_first, per_other = (2 * int(np.prod(held.shape[i:])) for i in (1, 2, 3))
    strides = (per_l, per_first, per_other) if plan.phase_first else (per_l, per_other, per_first)
    line = (run.k, run.dk, run.tau, run.dtau, float(run.side), float(run.kernel.N), run.kernel.limits[NARROW])
    tables = run.kernel.tables[NARROW], run.kernel.tables[WIDE]
    flat = held.reshape(-1).view(np.float32)
    offset = int(columns.slice_starts[weights.layers[0]])

    def task(a: int) -> None:
        some = slice(a, min(a + ROWS_PER_TASK, n_a))
        held[(slice(None), some) if plan.phase_first else (slice(None), slice(None), some)] = 0
        spread(
            flat, strides, (some.start, some.stop), weights.layers, planar, n_a, columns.start, offset, columns.ir,
            columns.x[0], columns.dB0, columns.T2, columns.T2prime, weights.factor, weights.values, line, cells,
            *tables,
        )  # fmt: skip

    list(pool.map(task, range(0, n_a, ROWS_PER_TASK)))
