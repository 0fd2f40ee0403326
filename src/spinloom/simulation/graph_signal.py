"""From configurations to samples: echoes sorted into lines of one pattern, each pattern by the cheaper engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.columns import Columns
from spinloom.simulation.encode import Weights, encode
from spinloom.simulation.graph_echoes import Echoes
from spinloom.simulation.graph_table import Table
from spinloom.simulation.lines import Entries, Lines, project
from spinloom.simulation.readouts import Group
from spinloom.simulation.timeline import Readouts

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Complex = NDArray[np.complex64]


class Encoder(Enum):
    """How straight lines are summed."""

    CHEAPER = "whichever needs fewer multiply-adds"
    LINES = "line projection"
    COLUMNS = "separable sum, where lines are even"


@dataclass(frozen=True, eq=False)
class Pattern:
    """Echoes whose samples lie alike.

    rows    (n,) indices of the echoes;  lo, hi  first and last + 1 sample of the readout that they fill
    window  (n_samples, 1 + n_terms) of the readout
    side    sign of the time since the echo
    straight  whether they lie on a line along the readout axis
    """

    rows: Index
    lo: int
    hi: int
    window: Floats
    side: float
    straight: bool = True


def patterns(heard: Echoes, read: Readouts, across: tuple[int, int]) -> Iterator[Pattern]:
    """Echoes by window, cut where the time since the echo changes sign.

    across  the two scanner axes across the readouts
    """
    window, lo, hi = read.window[heard.piece], read.lo[heard.piece], read.hi[heard.piece]
    cut = np.empty(len(heard), np.intp)
    for w, samples in enumerate(read.windows):
        of = np.flatnonzero(window == w)
        cut[of] = np.clip(np.searchsorted(samples[:, 0], -heard.tau[of]), lo[of], hi[of])
    for side, first, last in ((-1.0, lo, cut), (1.0, cut, hi)):
        code = (window * (int(hi.max(initial=0)) + 1) + first) * (int(hi.max(initial=0)) + 1) + last
        _, example, kind = np.unique(code, return_index=True, return_inverse=True)
        for i, e in enumerate(example):
            a, b = int(first[e]), int(last[e])
            if b <= a:
                continue
            rows = np.flatnonzero(kind == i)
            samples = read.windows[window[e]]
            straight = np.ptp(samples[a:b, [1 + across[0], 1 + across[1]]], axis=0).max() < 1e-3
            yield Pattern(rows, a, b, samples[a:b], side, bool(straight))


@dataclass(frozen=True, eq=False)
class Emitter:
    """Matter of one slab with its table, and the engines that make signal of it (the third: graph_scatter).

    matter  columns
    layers  (first, last) range of them along the slice axis
    axes    scanner axes of readout, phase, slice
    table   amplitudes of the echoes in that matter
    coils   (n_coils, n) complex, or None for one coil that hears all alike
    even    whether voxels are even along the slice axis; if not, the table holds their mean
    tolerance  relative L2 aimed at
    pool    threads
    """

    matter: Columns
    layers: tuple[int, int]
    axes: tuple[int, int, int]
    table: Table
    coils: Complex | None
    even: bool
    tolerance: float
    pool: ThreadPoolExecutor

    @property
    def own(self) -> slice:
        return slice(int(self.matter.slice_starts[self.layers[0]]), int(self.matter.slice_starts[self.layers[1]]))

    def entries(self) -> Entries:
        """The matter sorted for line projection."""
        m, own, n_a = self.matter, self.own, len(self.matter.x[1])
        column = np.repeat(np.arange(len(m.start) - 1), np.diff(m.start))[own]
        ir = m.ir[own]
        order = np.argsort(ir, kind="stable")
        used, start = np.unique(ir[order], return_index=True)
        r = np.empty((3, len(order)))
        for axis, x in zip(self.axes, (m.x[0][ir], m.x[1][column % n_a], m.x[2][column // n_a]), strict=True):
            r[axis] = x[order]
        return Entries(
            start=np.append(start, len(order)).astype(np.int64),
            x=m.x[0][used],
            r=r,
            f=m.dB0[own][order],
            R2=np.asarray(1 / m.T2[own][order], np.float32),
            R2prime=np.asarray(1 / m.T2prime[own][order], np.float32),
            terms=np.ascontiguousarray((self.table.terms * m.amount[own])[:, order]),
            coils=None if self.coils is None else np.ascontiguousarray(self.coils[:, order]),
        )

    def by_lines(self, entries: Entries, heard: Echoes, which: Index, p: Pattern) -> tuple[Complex, float]:
        """(n_coils, n, n_samples) by line projection, and its error."""
        first = p.window[0]  # all that follows decays, and nothing has to grow back
        along = 1 + self.axes[0]
        line = Lines(
            k=heard.k[p.rows] + first[1:4],
            t=heard.late[p.rows] + first[0],
            tau=heard.tau[p.rows] + first[0],
            mixture=self.table.mixture[which[p.rows]],
            dk=p.window[:, along] - first[along],
            dt=p.window[:, 0] - first[0],
            side=p.side,
        )
        found, error = project(entries, line, self.tolerance, self.pool)
        k = line.k[:, None, :] + np.zeros((len(line.dk), 3))
        k[..., self.axes[0]] += line.dk
        size = np.empty(3)
        size[list(self.axes)] = self.matter.size
        if not self.even:
            size[self.axes[2]] = 0.0
        shape = np.prod(np.sinc(k * size), axis=-1) * np.exp(1j * heard.phase[p.rows])[:, None]
        return found * shape.astype(np.complex64), error

    def by_columns(self, heard: Echoes, which: Index, p: Pattern) -> Complex:
        """(n_coils, n, n_samples) by the separable sum: all lines must lie alike in time and along the readout."""
        m, own, (x, y, z) = self.matter, self.own, self.axes
        m = m if self.even else replace(m, size=m.size * [1, 1, 0])  # the table holds the mean over the thickness
        n = len(p.window)
        tau0, late = float(heard.tau[p.rows[0]] + p.window[0, 0]), float(heard.late[p.rows[0]] + p.window[0, 0])
        used, state = np.unique(which[p.rows], return_inverse=True)
        group = Group(
            lines=p.rows,
            state=state.ravel(),
            slice=0,
            n_samples=n,
            k0=float(heard.k[p.rows[0], x] + p.window[0, 1 + x]),
            dk=float(p.window[-1, 1 + x] - p.window[0, 1 + x]) / max(n - 1, 1),
            tau0=0.0,
            dtau=float(p.window[-1, 0] - p.window[0, 0]) / max(n - 1, 1),
            side=int(p.side),
            k1=heard.k[p.rows, y] + p.window[0, 1 + y],
            k2=heard.k[p.rows, z] + p.window[0, 1 + z],
        )
        values = self.table.terms * m.amount[own]
        before = np.exp(-2j * np.pi * m.dB0[own].astype(float) * tau0 - late / m.T2[own] - abs(tau0) / m.T2prime[own])
        planar = not np.ptp(group.k2) > 1e-3  # one k through the slice: layers add up with its phase
        if planar:
            k2 = float(group.k2[0])
            through = np.exp(-2j * np.pi * k2 * m.x[2][slice(*self.layers)]) * np.sinc(k2 * m.size[2])
            before = before * np.repeat(through, np.diff(m.slice_starts[self.layers[0] : self.layers[1] + 1]))
        mixture = np.ascontiguousarray(self.table.mixture[used].T).astype(complex)
        factor = before.astype(np.complex64) if self.coils is None else (before * self.coils).astype(np.complex64)
        weights = Weights(self.layers, values, mixture, factor)
        out = encode(m, group, weights, planar=planar, pool=self.pool, tolerance=0.3 * self.tolerance)
        out = out if out.ndim == 3 else out[None]
        return out * np.exp(1j * heard.phase[p.rows]).astype(np.complex64)[None, :, None]


def alike(heard: Echoes, p: Pattern, along: int) -> list[Pattern]:
    """A pattern split into lines that also agree in time and along the readout."""
    code = np.column_stack(
        [np.rint(heard.k[p.rows, along] * 50), np.rint(heard.tau[p.rows] * 1e7), np.rint(heard.late[p.rows] * 1e7)]
    )
    _, kind = np.unique(code, axis=0, return_inverse=True)
    kind = kind.ravel()
    return [Pattern(p.rows[kind == i], p.lo, p.hi, p.window, p.side) for i in range(int(kind.max()) + 1)]


def is_even(window: Floats) -> bool:
    """Whether samples are evenly spaced in time and k."""
    if len(window) < 3:
        return False
    step = np.diff(window[:, :4], axis=0)
    return bool(np.all(np.abs(step - step.mean(axis=0)) <= 1e-6 * np.abs(step).max(axis=0) + 1e-12))


def cost_by_lines(n_lines: int, n: int, terms: int, segments: int, coils: int) -> float:
    """Multiply-adds of line projection."""
    return n_lines * n * (40.0 + 4 * terms + segments * (4 + 4 * coils))


def cost_by_columns(n_samples: int, n: int, terms: int, coils: int, lines: int, n_columns: int) -> float:
    """Multiply-adds of the separable sum: along the readout, then across it (about sqrt(n_columns) columns a side)."""
    return coils * n_samples * (n * (6.0 + 4 * terms) + 4.0 * terms * n_columns * min(lines, 2 * n_columns**0.5))
