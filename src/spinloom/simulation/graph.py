"""PhaseGraph(): configurations instead of spins, for any sequence of pulses and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.cores import available_cores, own_threads
from spinloom.core.errors import require_positive
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.columns import Columns, columns, sensitivities, split_layers
from spinloom.simulation.diffusion_left_out import warn_of_diffusion
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_compile import axes_of, steps_of
from spinloom.simulation.graph_echoes import Echoes, Spectrum, clocks, echoes, spectrum
from spinloom.simulation.graph_period import follow
from spinloom.simulation.graph_pulses import coefficients, phases
from spinloom.simulation.graph_region import Slab, acting, selective_axis, slabs
from spinloom.simulation.graph_run import amplitudes
from spinloom.simulation.graph_scatter import Bundle, bundles, by_scatter
from spinloom.simulation.graph_signal import (
    Emitter,
    Encoder,
    Pattern,
    alike,
    cost_by_columns,
    cost_by_lines,
    is_even,
    patterns,
)
from spinloom.simulation.graph_specimens import specimens, spread
from spinloom.simulation.graph_table import tabulate
from spinloom.simulation.graph_through import across
from spinloom.simulation.graph_walk import Graph, Steps, grow
from spinloom.simulation.motion import still
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.plan import demodulation
from spinloom.simulation.timeline import Pulses, Readouts, pulses, readouts, turns

Floats = NDArray[np.float64]
TYPICAL = 32
STEADY = 4e-3  # change of the signal over the last half of what is followed, at which a scan counts as steady
MOST = 4096
FEW_TURNS = 3.0  # by which fields part matter within a readout, up to which its ends say enough
PER_SLICE = 16  # layers across the width of a slab
Z_STEPS = 14  # nodes of the table across the width of a slice


@dataclass(frozen=True)
class PhaseGraph:
    """The extended phase graph of any sequence, then the signal of every configuration that is heard.

        S(t) = sum_v amount_v c(r_v) sum_e F_e(T1_v, T2_v, B1_v, f_v, z_v)
               exp(-2 pi i (k_e(t) . r_v + f_v tau_e(t)) - t/T2_v - |tau_e(t)|/T2'_v)

    t since the last pulse. Every pathway has its own place in k-space and its own clock for dB0 and T2'. Pulses are the
    solution of the Bloch equations with their shape, gradient, B1, off-resonance and relaxation. Amplitudes are
    tabulated over T1, T2, B1, off-resonance and place and interpolated; the error is measured. Fields are those in the
    middle of a voxel (Bloch() takes a field of the scanner, but not a map of the phantom, at each spin).
    What it has not, and Bloch() has: diffusion, motion, gradients along two axes during pulses.

    tolerance  relative L2 aimed at in each approximation
    rf_step    steps of a pulse are merged or split to about this length [s]
    threads    None: one per available core; never changes the result
    encoder    how straight lines are summed, see graph_signal.Encoder

    Hennig, Concepts Magn. Reson. 3, 125 (1991); Weigel, J. Magn. Reson. Imaging 41, 266 (2015).
    """

    tolerance: float = 3e-4
    rf_step: float = 5e-6
    threads: int | None = None
    encoder: Encoder = Encoder.CHEAPER

    def __post_init__(self) -> None:
        require_positive("PhaseGraph", tolerance=self.tolerance, rf_step=self.rf_step, threads=self.threads)

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        """Noiseless k-space. The seed changes nothing: no random number is drawn."""
        still(phantom, scanner)
        warn_of_diffusion(phantom, sequence, "PhaseGraph")
        where = trajectory(sequence)
        samples = np.zeros((scanner.coils.n_coils, *where.k.shape[:2]), np.complex64)
        with own_threads(), ThreadPoolExecutor(self.threads or available_cores()) as pool:
            task = _Task.of(self, phantom, sequence, scanner, pool)
            facts = [task.add(slab, samples) for slab in task.slabs]
        received = [demodulation(adc).astype(np.complex64) for adc in sequence.adc]
        for row, i in enumerate(sequence.blocks[sequence.readout_blocks, 4]):
            samples[:, row, : len(received[i])] *= received[i]
        return KSpace(
            samples=samples,
            k=where.k,
            t=where.t,
            encoding=sequence.encoding,
            labels=sequence.labels,
            isocentre_mm=isocentre_mm(phantom, scanner),
            info={"engine": summary(facts)},
        )


def summary(facts: list[dict[str, float]]) -> dict[str, float]:
    """What was done, over all slabs: sums of counts, largest of errors."""
    names = {name: None for fact in facts for name in fact}
    return {n: (max if "error" in n else sum)(fact.get(n, 0) for fact in facts) for n in names}


@dataclass(frozen=True, eq=False)
class _Task:
    """One run: everything that does not change between its slabs."""

    method: PhaseGraph
    scanner: Scanner
    phantom: Phantom
    drive: Drive
    played: Pulses
    phase: Floats
    matter: Columns
    axes: tuple[int, int, int]
    selective: int | None
    even: bool
    slabs: list[Slab]
    pool: ThreadPoolExecutor

    @staticmethod
    def of(
        method: PhaseGraph, phantom: Phantom, sequence: Sequence, scanner: Scanner, pool: ThreadPoolExecutor
    ) -> _Task:
        drive = Drive(sequence)
        splits = [turns(rf) for rf in sequence.rf]
        played = pulses(drive, splits)
        selective = selective_axis(played)
        axes = axes_of(readouts(drive, played), selective)
        matter = columns(phantom, scanner, axes)
        z, half = matter.x[2], float(matter.size[2]) / 2
        ends, crushed = (z.min() - half, z.max() + half), bool(half)
        found = slabs(drive, played, splits, selective, ends, method.rf_step, crushed=crushed)
        even = selective is None
        if not even:
            across = trajectory(sequence).k[..., axes[2]]
            even = bool(np.nanmax(across, initial=0.0) - np.nanmin(across, initial=0.0) > 1.0)
        if selective is not None and even:  # partitions of a slab: layers thin enough to be points of the profile
            thinnest = min((s.width for s in found), default=1.0)
            matter = split_layers(matter, max(1, int(np.ceil(PER_SLICE * 2 * half / thinnest))))
        phase = phases(drive, played, splits)
        return _Task(method, scanner, phantom, drive, played, phase, matter, axes, selective, even, found, pool)

    def coefficients(self, nodes: Floats, slab: Slab) -> tuple[NDArray[np.complex128], Floats]:
        """Coefficients of all pulses, and R1, R2, in matter (5, G) of T1, T2, B1, f and place, see `_params`."""
        splits = [turns(rf) for rf in self.drive.sequence.rf]
        T1, T2, B1, f, place = nodes
        m = np.stack([1 / T1, 1 / T2, B1, f, place - f / slab.gradient])
        axis = 2 if self.selective is None else self.selective
        return coefficients(self.drive, self.played, splits, m, axis, self.method.rf_step), m[:2]

    def add(self, slab: Slab, samples: NDArray[np.complex64]) -> dict[str, float]:
        """The signal of one slab."""
        layers = self._layers(slab)
        m, tolerance = self.matter, self.method.tolerance
        own = slice(int(m.slice_starts[layers[0]]), int(m.slice_starts[layers[1]]))
        if own.start == own.stop:
            return {}
        params = self._params(own, layers, slab)
        half = float(m.size[2]) / 2
        reach = 0.0 if self.even else half
        table_of, R = self.coefficients(specimens(params, reach, slab), slab)
        acts = acting(self.played, table_of)
        read = readouts(self.drive, acts)
        phase = self.phase[np.isin(self.played.block, acts.block)]
        steps = steps_of(self.drive, acts, phase)

        def grown(part: Steps) -> Graph:
            return grow(part, table_of, R, 0.3 * tolerance, MOST)

        typical = self.coefficients(spread(params, TYPICAL, reach, slab), slab)

        def fresh(graph: Graph, part: Steps, index: NDArray[np.int64]) -> NDArray[np.complex64]:
            wanted = np.stack([index, np.zeros_like(index), np.zeros_like(index)], axis=1)
            return amplitudes(graph, part, *typical, wanted, self.pool)

        followed = follow(steps, grown, fresh, tolerance, STEADY)
        shape = self._spectrum(own, layers, slab, clocks(read, acts, self.drive.sequence.block_starts))
        heard = echoes(
            followed, self.drive, acts, read, phase, shape, tolerance, self.pool
        )  # its estimate is an upper bound
        if not len(heard):
            return {}
        wanted, example, which = _distinct(heard.source)
        matters = np.sqrt(np.bincount(which, heard.energy, minlength=len(wanted)))  # little is heard of some
        matters = np.maximum(matters, 1e-4 * matters.max()).astype(np.float32)

        def mean(nodes: Floats, offsets: Floats, weights: NDArray[np.complex64]) -> NDArray[np.complex64]:
            """Over places through a voxel, times what each amplitude matters."""
            found = np.zeros((len(wanted), nodes.shape[1]), np.complex64)
            for offset, weight in zip(offsets, weights.T, strict=True):
                there = nodes + np.array([0.0, 0.0, 0.0, 0.0, offset])[:, None]
                own_pulses, rates = self.coefficients(there, slab)
                one = amplitudes(followed.graph, followed.steps, own_pulses, rates, wanted, self.pool)
                found += (weight * matters)[:, None] * one
            return found

        through = np.zeros(1), np.ones((len(wanted), 1), np.complex64)
        if not self.even:  # the mean over a voxel's thickness, at the k through the slice of each echo
            z = self.axes[2]
            begin = np.array([w[0, 1 + z] for w in read.windows])[read.window[heard.piece[example]]]
            k = heard.k[example, z] + begin
            some = spread(params, TYPICAL, 0.0, slab)
            through = across(2 * half, slab.width, k, lambda x, w: mean(some, x, w), 0.3 * tolerance)

        def evaluate(nodes: Floats) -> NDArray[np.complex64]:
            return mean(nodes, *through)

        table = tabulate(params, evaluate, tolerance, slab.width / Z_STEPS, self.pool)
        table = replace(table, mixture=table.mixture / matters[:, None])
        emitter = Emitter(m, layers, self.axes, table, self._coils(own), self.even, tolerance, self.pool)
        facts = self._emit(emitter, heard, which, read, samples)
        return {
            "pulses followed": len(followed.steps),
            "configurations": int(np.diff(followed.graph.first).max(initial=0)),
            "echoes": len(heard),
            "terms": len(table.terms),
            "nodes": table.n_nodes,
            "error of the echoes left out": heard.dropped,
            "error of the table": table.error,
            "error of the steady state": followed.change,
            **facts,
        }

    def _layers(self, slab: Slab) -> tuple[int, int]:
        """Range of layers that a slab reaches, wherever off-resonance moves it; empty if there are none."""
        m = self.matter
        z, slack = m.x[2], float(m.size[2]) / 2
        if self.selective is not None:
            slack += float(np.abs(m.dB0).max(initial=0.0)) / abs(slab.gradient)
        inside = np.flatnonzero((z >= slab.first - slack) & (z <= slab.last + slack))
        return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)

    def _params(self, own: slice, layers: tuple[int, int], slab: Slab) -> NDArray[np.float32]:
        """(5, n) T1, T2, B1, off-resonance and place of the entries: where they would be excited alike on resonance."""
        m = self.matter
        place = np.zeros(own.stop - own.start, np.float32)
        if self.selective is not None:
            count = np.diff(m.slice_starts[layers[0] : layers[1] + 1])
            place = (np.repeat(m.x[2][slice(*layers)], count) + m.dB0[own] / slab.gradient).astype(np.float32)
        return np.stack([m.T1[own], m.T2[own], m.B1[own], m.dB0[own], place])

    def _emit(
        self, emitter: Emitter, heard: Echoes, which: NDArray[np.intp], read: Readouts, samples: NDArray[np.complex64]
    ) -> dict[str, float]:
        row = np.searchsorted(self.drive.sequence.readout_blocks, read.block)[heard.piece]
        n, terms = emitter.own.stop - emitter.own.start, len(emitter.table.terms)
        planar = not np.ptp(heard.k[:, self.axes[2]]) > 1e-3
        n_columns = len(emitter.matter.x[1]) * (1 if planar else emitter.layers[1] - emitter.layers[0])
        coils = self.scanner.coils.n_coils
        entries, error = None, 0.0
        count = {"lines projected": 0, "lines by columns": 0, "curves": 0}
        curved: list[Pattern] = []

        def put(p: Pattern | Bundle, found: NDArray[np.complex64]) -> None:
            for c in range(coils):
                np.add.at(samples[c][:, p.lo : p.hi], row[p.rows], found[min(c, len(found) - 1)])

        for p in patterns(heard, read, self.axes[1:]):
            if not p.straight:
                curved.append(p)
                continue
            span = float(np.ptp(self.matter.dB0)) * float(np.ptp(p.window[:, 0]))
            parts = alike(heard, p, self.axes[0]) if is_even(p.window) else []
            lines = cost_by_lines(len(p.rows), n, terms, 4 + int(2 * span), coils)
            columns = sum(cost_by_columns(len(p.window), n, terms, coils, len(q.rows), n_columns) for q in parts)
            cheaper = Encoder.COLUMNS if columns < lines else Encoder.LINES
            asked = self.method.encoder
            if parts and (cheaper if asked is Encoder.CHEAPER else asked) is Encoder.COLUMNS:
                for q in parts:
                    put(q, emitter.by_columns(heard, which, q))
                count["lines by columns"] += len(p.rows)
                continue
            entries = entries or emitter.entries()
            found, lost = emitter.by_lines(entries, heard, which, p)
            put(p, found)
            error = max(error, lost)
            count["lines projected"] += len(p.rows)
        for b in bundles(heard, curved):
            found, lost = by_scatter(emitter, heard, which, b)
            put(b, found)
            error = max(error, lost)
            count["curves"] += len(b.rows)
        return {**count, "error of the time segments": error}

    def _spectrum(self, own: slice, layers: tuple[int, int], slab: Slab, clocks: Floats) -> Spectrum:
        """Of the matter in some layers, as fields leave it at some times since the echo [s]."""
        m, n_a = self.matter, len(self.matter.x[1])
        column = np.repeat(np.arange(len(m.start) - 1), np.diff(m.start))[own]
        shape = (len(m.x[0]), n_a, layers[1] - layers[0])
        place = np.ravel_multi_index((m.ir[own], column % n_a, column // n_a - layers[0]), shape)

        def lattices() -> Iterator[NDArray[np.complex64]]:
            f = m.dB0[own]
            turns = float(np.ptp(f) * np.ptp(clocks))
            for tau in clocks[: 1 if turns == 0 else 3 if turns < FEW_TURNS else 5]:
                phase = np.float32(2 * np.pi * tau) * f
                parts = m.amount[own] * np.cos(phase), m.amount[own] * -np.sin(phase)
                real, imag = (np.bincount(place, part, minlength=int(np.prod(shape))) for part in parts)
                yield np.asarray(real + 1j * imag, np.complex64).reshape(shape)

        steps = [abs(float(x[1] - x[0])) if len(x) > 1 else max(float(d), 1e-3) for x, d in zip(m.x, m.size)]
        soft = None if self.even else min(float(m.size[2]), slab.width)
        return spectrum(lattices(), np.array(steps), m.size, self.axes, soft)

    def _coils(self, own: slice) -> NDArray[np.complex64] | None:
        if isinstance(self.scanner.coils, UniformCoil):
            return None
        centre = isocentre_mm(self.phantom, self.scanner)
        return sensitivities(self.phantom.grid, centre, self.scanner.coils, self.matter.voxel[own])


def _distinct(source: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.intp]]:
    """Distinct sources, an echo of each, and which one every echo has."""
    code = (source[:, 0] * (int(source[:, 1].max()) + 1) + source[:, 1]) * 2 + source[:, 2]
    _, example, which = np.unique(code, return_index=True, return_inverse=True)
    return source[example], example, which
