"""PhaseGraph(): configurations instead of spins, for any sequence of pulses and gradients."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.cores import available_cores
from spinloom.core.errors import UsageError
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.columns import Columns, columns, sensitivities
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_echoes import Echoes, echoes
from spinloom.simulation.graph_pulses import coefficients, phases
from spinloom.simulation.graph_table import Table, tabulate
from spinloom.simulation.graph_walk import Graph, Steps, grow
from spinloom.simulation.graph_run import amplitudes
from spinloom.simulation.lines import Entries, Lines, project
from spinloom.simulation.motion import still
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.plan import demodulation
from spinloom.simulation.timeline import Pulses, Readouts, pulses, readouts, turns

Floats = NDArray[np.float64]
SPECIMENS = 10
MOST = 4096


@dataclass(frozen=True)
class PhaseGraph:
    """The extended phase graph of any sequence, then the signal of every configuration that is heard.

        S(t) = sum_v amount_v c(r_v) sum_e F_e(T1_v, T2_v, B1_v) exp(-2 pi i (k_e(t) . r_v + f_v tau_e(t)) - t/T2_v - |tau_e|/T2'_v)

    Exact for boxes and points where pulses are short against off-resonance; every pathway has its own T2' and dB0 clock.
    Amplitudes are tabulated over T1, T2 and B1 and interpolated, with the error measured.

    tolerance  relative L2 aimed at in each step
    rf_step    see Bloch
    threads    None: one per available core; never changes the result

    Hennig, Concepts Magn. Reson. 3, 125 (1991); Weigel, J. Magn. Reson. Imaging 41, 266 (2015).
    """

    tolerance: float = 3e-4
    rf_step: float = 5e-6
    threads: int | None = None

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        """Noiseless k-space. The seed changes nothing: no random number is drawn."""
        still(phantom, scanner)
        drive = Drive(sequence)
        splits = [turns(rf) for rf in sequence.rf]
        played = pulses(drive, splits)
        read = readouts(drive, played)
        where = trajectory(sequence)
        axes = _axes(read)
        matter = columns(phantom, scanner, axes)
        samples = np.zeros((scanner.coils.n_coils, *where.k.shape[:2]), np.complex64)
        steps = _steps(played, phases(drive, played, splits))
        with ThreadPoolExecutor(self.threads or available_cores()) as pool:
            some = np.flatnonzero(read.last >= 0)

            def of(kind_of_matter: Floats) -> Floats:
                return np.stack([1 / kind_of_matter[0], 1 / kind_of_matter[1], kind_of_matter[2], kind_of_matter[3]])

            params = np.stack([matter.T1, matter.T2, matter.B1, np.zeros(len(matter), np.float32)])
            specimens = of(_specimens(params))
            coef = coefficients(drive, played, splits, specimens, 2, self.rf_step)
            graph = grow(steps, coef, specimens[:2], 0.1 * self.tolerance, MOST)
            size = np.empty(3)
            size[list(axes)] = matter.size
            heard = echoes(graph, drive, played, read, some, size, 0.3 * self.tolerance)
            wanted, which = np.unique(heard.source, axis=0, return_inverse=True)

            def evaluate(nodes: Floats) -> NDArray[np.complex64]:
                m = of(nodes)
                return amplitudes(
                    graph, steps, coefficients(drive, played, splits, m, 2, self.rf_step), m[:2], wanted, pool
                )

            table = tabulate(params, evaluate, self.tolerance, np.inf)
            entries = _entries(matter, axes, table, self._coils(phantom, scanner, matter))
            errors = [table.error]
            for rows, lo, hi, readout, line in _lines(heard, which.ravel(), read, sequence, axes, table):
                found, error = project(entries, line, self.tolerance, pool)
                k = line.k[:, None, :] + np.zeros((len(line.dk), 3))
                k[..., axes[0]] += line.dk
                found = found * np.prod(np.sinc(k * size), axis=-1).astype(np.float32)
                for c in range(len(found)):
                    np.add.at(samples[c][:, lo:hi], readout, found[c])
                errors.append(error)
        received = [demodulation(adc) for adc in sequence.adc]
        for row, i in enumerate(sequence.blocks[sequence.readout_blocks, 4]):
            samples[:, row, : len(received[i])] *= received[i].astype(np.complex64)
        return KSpace(
            samples=samples,
            k=where.k,
            t=where.t,
            encoding=sequence.encoding,
            labels=sequence.labels,
            isocentre_mm=isocentre_mm(phantom, scanner),
            info={
                "configurations": int(np.diff(graph.first).max(initial=0)),
                "echoes": len(heard),
                "terms": len(table.terms),
                "nodes": table.n_nodes,
                "error estimate": float(np.hypot(table.error, max(errors[1:], default=0.0))),
            },
        )

    def _coils(self, phantom: Phantom, scanner: Scanner, matter: Columns) -> NDArray[np.complex64] | None:
        if isinstance(scanner.coils, UniformCoil) and scanner.coils.n_coils == 1:
            return None
        return sensitivities(phantom.grid, isocentre_mm(phantom, scanner), scanner.coils, matter.voxel)


def _axes(read: Readouts) -> tuple[int, int, int]:
    """Scanner axes: along the readouts, and the other two."""
    run = np.sum([np.ptp(w[:, 1:4], axis=0) for w in read.windows], axis=0)
    first = int(np.argmax(run))
    return first, *(axis for axis in range(3) if axis != first)  # type: ignore[return-value]


def _steps(played: Pulses, phase: Floats) -> Steps:
    end = np.concatenate([[0.0], played.end[:-1]])
    moved = np.diff(played.moment[:, 1, :3], axis=0, prepend=0.0)
    time = np.diff(played.centre, prepend=0.0)
    return Steps(played.unique.astype(np.int64), played.start - end, np.column_stack([moved, time]), phase)


def _specimens(params: NDArray[np.float32]) -> Floats:
    """(4, R) of the entries: the extremes of each property, and some spread evenly."""
    n = params.shape[1]
    ends = [int(i) for p in params for i in (np.argmin(p), np.argmax(p))]
    return params[:, np.unique([*ends, *np.linspace(0, n - 1, min(n, SPECIMENS)).astype(int)])].astype(float)


def _entries(matter: Columns, axes: tuple[int, int, int], table: Table, coils: NDArray[np.complex64] | None) -> Entries:
    n_a = len(matter.x[1])
    column = np.repeat(np.arange(len(matter.start) - 1), np.diff(matter.start))
    places = [matter.x[0][matter.ir], matter.x[1][column % n_a], matter.x[2][column // n_a]]
    order = np.argsort(matter.ir, kind="stable")
    used, start = np.unique(matter.ir[order], return_index=True)
    r = np.empty((3, len(matter)))
    for axis, x in zip(axes, places, strict=True):
        r[axis] = x[order]
    return Entries(
        start=np.append(start, len(matter)).astype(np.int64),
        x=matter.x[0][used],
        r=r,
        f=matter.dB0[order],
        R2=1 / matter.T2[order],
        R2prime=1 / matter.T2prime[order],
        terms=np.ascontiguousarray((table.terms * matter.amount)[:, order]),
        coils=None if coils is None else np.ascontiguousarray(coils[:, order]),
    )


def _lines(heard: Echoes, which, read: Readouts, sequence: Sequence, axes, table: Table):  # type: ignore[no-untyped-def]
    """Lines of one pattern each: (echoes, first and last + 1 sample, row of k-space of each, Lines)."""
    row = np.searchsorted(sequence.readout_blocks, read.block)
    pattern = np.stack([read.window, read.lo, read.hi], axis=1)[heard.piece]
    cut = np.empty(len(heard), np.int64)
    for w, samples in enumerate(read.windows):
        of = pattern[:, 0] == w
        cut[of] = np.clip(np.searchsorted(samples[:, 0], -heard.tau[of]), pattern[of, 1], pattern[of, 2])
    for sign in (-1.0, 1.0):
        lo, hi = (pattern[:, 1], cut) if sign < 0 else (cut, pattern[:, 2])
        code = np.stack([pattern[:, 0], lo, hi], axis=1)
        kinds, kind = np.unique(code, axis=0, return_inverse=True)
        for i, (w, a, b) in enumerate(kinds):
            if b <= a:
                continue
            rows = np.flatnonzero(kind.ravel() == i)
            samples = read.windows[w][a:b]
            across = np.ptp(samples[:, [1 + axes[1], 1 + axes[2]]], axis=0).max()
            pieces = [(0, b - a)] if across < 1e-3 else [(s, s + 1) for s in range(b - a)]
            for p, q in pieces:
                own = samples[p:q]
                middle = own[len(own) // 2]
                line = Lines(
                    k=heard.k[rows] + middle[1:4],
                    t=heard.late[rows] + middle[0],
                    tau=heard.tau[rows] + middle[0],
                    mixture=table.mixture[which[rows]],
                    dk=own[:, 1 + axes[0]] - middle[1 + axes[0]],
                    dt=own[:, 0] - middle[0],
                    side=sign,
                )
                yield rows, a + p, a + q, row[heard.piece[rows]], line
