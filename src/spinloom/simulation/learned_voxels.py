"""What whole voxels answer to the learned scanner: few kinds of matter are asked, the rest is interpolated.

A voxel's answer is the mean over layers across the slice. It depends on T1, T2, B1, off-resonance and place, smoothly:
`tabulate` finds nodes for it, as for the phase graph. Of the states of a train only some are asked, see low_rank.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.course import Course
from spinloom.simulation.encode import Weights
from spinloom.simulation.evolution import Spins, dephasing
from spinloom.simulation.graph_table import tabulate
from spinloom.simulation.learned_features import SILENCE, Kind, answer, kinds, seen
from spinloom.simulation.learned_history import FADED, History
from spinloom.simulation.learned_inversion import kept
from spinloom.simulation.learned_layers import PER_SLICE, Layers, layers
from spinloom.simulation.learned_network import Network
from spinloom.simulation.learned_pulses import RealPulses
from spinloom.simulation.low_rank import skeleton
from spinloom.simulation.readouts import Group, States
from spinloom.simulation.selection import reach
from spinloom.simulation.signal import SignalEquation, Task

if TYPE_CHECKING:
    from spinloom.simulation.learned import Taught

Floats = NDArray[np.float64]
SAMPLE = 48
"""Kinds of matter on which states are compared."""
OWN = 0.5
"""Part of the tolerance that the table and the choice of states may take, each."""
FLAT = 3e-3
"""A layer turned by less is left out [nominal flip angle]."""
LEAST = 5e-3
"""A slice ends where less is excited [its largest magnetisation]."""


@dataclass(frozen=True)
class Encoded(SignalEquation):
    """SignalEquation with the learned answers of whole voxels in place of closed forms."""

    cuts = False

    @property
    def _task(self) -> type[Task]:
        return Voxels


@dataclass(frozen=True, eq=False)
class Voxels(Task):
    """One run: `spins` here are (5, n) T1, T2, B1, off-resonance and place along the slice axis, as `tabulate` has."""

    protocol: Taught
    tables: dict[Any, Any] = field(default_factory=dict)

    def _alike(self, found: tuple[Group, ...], states: States) -> tuple[Group, ...]:
        """Echoes that static fields have acted on for another time are a group of their own."""
        return tuple(
            replace(g, lines=g.lines[own], state=g.state[own], k1=g.k1[own], k2=g.k2[own])
            for g in found
            for own in _same(states.clock[g.state])
        )

    def _selected(self, index: int) -> tuple[tuple[int, int], Any]:
        layers, m = super()._selected(index)[0], self.matter
        own = slice(*(int(m.slice_starts[b]) for b in layers))
        place = np.zeros(own.stop - own.start, np.float32)
        if not self.encoding.volume and self._profiles[0].selective and not self._layers.centred:
            z = m.x[2] - self.encoding.slice_offsets[index]
            count = np.diff(m.slice_starts[layers[0] : layers[1] + 1])
            place = (np.repeat(z[slice(*layers)], count) + self._moves(m.dB0[own])).astype(np.float32)
        return layers, np.stack([m.T1[own], m.T2[own], m.B1[own], m.dB0[own], place])

    def _moves(self, f: NDArray[np.floating]) -> NDArray[np.floating]:
        """By how much off-resonance moves places that would be excited alike [m]; of one layer, f says all itself."""
        return 0 * f if len(self.matter.x[2]) == 1 else f / self._profiles[0].gradient

    @cached_property
    def _layers(self) -> Layers:
        excite, refocus = self._profiles
        edge = float(self.matter.size[2])
        if self.encoding.volume or not excite.selective or edge == 0:
            return Layers(np.zeros(1), np.ones(1), 0.0)
        f = float(np.abs(self.matter.dB0).max(initial=0.0))
        far = max((float(np.abs(self.matter.x[2] - o).max()) for o in self.encoding.slice_offsets), default=0.0)
        within = reach(excite, refocus, self.protocol.FA, self.protocol.refocus_FA, LEAST) + far
        inside = within + f / abs(excite.gradient) <= edge / 2 + self._width / PER_SLICE
        balanced = all(bool(part.course.balanced.all()) for part in self.protocol.slices)
        return layers(edge, self._width, whole=inside and len(self.matter.x[2]) == 1, balanced=balanced)

    @cached_property
    def _width(self) -> float:
        """Thickness of a slice [m]."""
        return float(self.protocol.slice_thickness or self.encoding.grid.voxel_mm[self.encoding.slice_axis] * 1e-3)

    @cached_property
    def _histories(self) -> list[History | None]:
        pulses, thickness = RealPulses.of(self.sequence), 0.0 if self.encoding.volume else self._width
        return [
            None if part.course.balanced.all() else History.of(pulses, part.course, part.place, thickness)
            for part in self.protocol.slices
        ]

    def _spins_at(self, nodes: Floats) -> tuple[Spins, Floats, NDArray[np.bool_]]:
        """Spins of the layers of some matter that are excited; (5, n) what they are, see History; (G, L) which."""
        n = len(self._layers.offsets)
        T1, T2, B1, f, place = np.repeat(nodes, n, axis=1)
        excite = refocus = B1.astype(np.float32)
        z = place
        if not self.encoding.volume and self._profiles[0].selective:
            z = place - self._moves(f) + np.tile(self._layers.offsets, nodes.shape[1])
            excite, refocus = (p.at(excite, z, f, self._layers.thick) for p in self._local)
        on = np.abs(excite) > FLAT
        survives = np.repeat(kept(self.sequence, nodes[0], nodes[1], nodes[2]), n)
        single = [v[on].astype(np.float32) for v in (T1, T2, np.full(len(T1), np.inf), f, excite, refocus, survives)]
        spins = Spins(*single)
        return spins, np.stack([T1, T2, B1, f, z])[:, on], on.reshape(nodes.shape[1], -1)

    def _answers(self, nodes: Floats, states: States) -> NDArray[np.complex64]:
        """(n_states, G) mean over the layers of some matter."""
        spins, matter, on = self._spins_at(nodes)
        which = np.nonzero(on)[0]
        out = np.zeros((len(states), nodes.shape[1]), np.complex64)
        if not len(which):
            return out
        starts = np.flatnonzero(np.diff(which, prepend=-1))
        found = self._asked(spins, matter, states)
        weight = (on * self._layers.weights)[on].astype(np.float32)
        out[:, which[starts]] = np.add.reduceat(found * weight, starts, axis=1)
        return out

    def _asked(self, spins: Spins, matter: Floats, states: States) -> NDArray[np.complex64]:
        """(n_states, n) what guess and network say of some states; these count through the courses of all slices."""
        parts = self.protocol.slices
        ends = np.cumsum([len(part.course) for part in parts])
        out = np.empty((len(states), len(spins.T1)), np.complex64)
        which = np.searchsorted(ends, states.SEG, side="right")
        for s in np.unique(which):
            rows, history = np.flatnonzero(which == s), self._histories[s]
            own = states.SEG[rows] - (ends[s] - len(parts[s].course))
            there = matter + np.array([[0.0], [0.0], [0.0], [0.0], [parts[s].place]])
            past = None if history is None else history(there, own, self.pool)
            course = parts[s].course.take(own)
            for kind, some in kinds(course).items():
                out[rows[some]] = _said(
                    self.protocol.network, kind, course, some, spins, states.since[rows[some]], past
                )
        return out

    def _low_rank(self, states: States, spins: Any, entries: slice, layers: tuple[int, int], centre: int) -> Weights:
        m = self.matter
        terms, mixture, since = self._table(states, spins, layers)
        factor = np.exp(np.minimum((since - states.since[0]) / m.T2[entries], FADED)).astype(np.complex64)
        if states.clock[0] != 0:
            some = Spins(m.T1[entries], m.T2[entries], m.T2prime[entries], m.dB0[entries], *(m.B1[:0],) * 3)
            factor = factor * dephasing(states.take(np.array([0])), some)[0].astype(np.complex64)
        return Weights(layers, terms * m.amount[entries], mixture, factor)

    def _table(self, states: States, spins: Any, layers: tuple[int, int]) -> tuple[NDArray[np.float32], Any, float]:
        """(L, n) terms of all entries, (L, n_states) their mixture, and how long after their excitation they are so.

        A slice's states are all looked at at once; those that are only read at another sample decay until then.
        """
        ends = np.concatenate([[0], np.cumsum([len(part.course) for part in self.protocol.slices])])
        s = int(np.searchsorted(ends, states.SEG[0], side="right")) - 1
        course, local = self.protocol.slices[s].course, states.SEG - ends[s]
        since, late = float(states.since[0]), course.echo - course.t[course.excited]
        alike = bool(np.ptp(states.since) < 1e-9 and local.max() < len(course) and np.ptp(late[local]) < 1e-9)
        own = np.flatnonzero(np.abs(late - late[local[0]]) < 1e-9) if alike else local
        whole = States(ends[s] + own, np.full(len(own), since), np.zeros(len(own))) if alike else states
        key = (layers, s, round(float(late[local[0]]), 9)) if alike else None
        if key not in self.tables or key is None:
            few = np.unique(
                np.concatenate(
                    [np.linspace(0, spins.shape[1] - 1, min(spins.shape[1], SAMPLE)).astype(int)]
                    + [[np.argmin(row), np.argmax(row)] for row in spins]
                )
            )
            tolerance = OWN * self.method.tolerance
            found = skeleton(self._answers(spins[:, few].astype(float), whole).T, tolerance)
            step = float(np.ptp(self._profiles[0].z)) / 56 if self._profiles[0].selective else np.inf
            ask = partial(self._answers, states=whole.take(found.nodes))
            table = tabulate(spins, ask, tolerance, step, self.pool)
            self.train_errors.append(found.error + table.error)
            mixture = np.ascontiguousarray((found.mixture.T @ table.mixture).T.astype(complex))
            self.tables[key] = table.terms, mixture, since
        terms, mixture, since = self.tables[key]
        return terms, np.ascontiguousarray(mixture[:, np.searchsorted(own, local)]) if alike else mixture, since


def _same(times: Floats) -> list[NDArray[np.int64]]:
    """Which times are one, time by time."""
    _, which = np.unique(np.round(times, 9), return_inverse=True)
    return [np.flatnonzero(which.ravel() == i) for i in range(int(which.max(initial=-1)) + 1)]


def _said(
    network: Network, kind: Kind, course: Course, some: NDArray[np.int64], spins: Spins, since: Floats, past: Any
) -> NDArray[np.complex64]:
    of = seen(course.take(some), spins, since=since, past=None if past is None else past[some])
    said = network(of.features, kind.branch) if network.knows(kind) else SILENCE
    return np.asarray(answer(of, said), np.complex64)
