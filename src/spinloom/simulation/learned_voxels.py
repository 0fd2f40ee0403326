"""What whole voxels answer to the learned scanner: few kinds of matter are asked, the rest is interpolated.

A voxel's answer is the mean over layers across the slice. It depends on T1, T2, B1, off-resonance and place, smoothly:
`tabulate` finds nodes for it, as for the phase graph. Of the states of a train only some are asked, see low_rank.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.course import Course
from spinloom.simulation.encode import Weights
from spinloom.simulation.evolution import Spins, dephasing
from spinloom.simulation.graph_table import tabulate
from spinloom.simulation.learned_features import SILENCE, Kind, answer, kinds, seen
from spinloom.simulation.learned_history import History
from spinloom.simulation.learned_inversion import kept
from spinloom.simulation.low_rank import skeleton
from spinloom.simulation.readouts import States
from spinloom.simulation.selection import reach
from spinloom.simulation.signal import SignalEquation, Task, layers_across

if TYPE_CHECKING:
    from spinloom.simulation.learned import Taught

Floats = NDArray[np.float64]
SAMPLE = 48
"""Kinds of matter on which states are compared."""
OWN = 0.3
"""Part of the tolerance that the table and the choice of states may take, each."""
FLAT = 3e-3
"""A layer turned by less is left out [nominal flip angle]."""
LEAST = 5e-3
"""A slice ends where less is excited [its largest magnetisation]."""
EVEN = 0.05
"""Shift of one slice against another that is nothing [slice thickness]."""


@dataclass(frozen=True)
class Encoded(SignalEquation):
    """SignalEquation with the learned answers of whole voxels in place of closed forms."""

    cuts = False

    @property
    def _task(self) -> type[Task]:
        return Voxels


@dataclass(frozen=True)
class Layers:
    """Layers across a voxel: offsets (L,) from its middle [m], weights (L,), thick [m].

    centred: places do not matter, for the whole slice lies in the voxel's middle
    """

    offsets: Floats
    weights: Floats
    thick: float
    centred: bool = False


@dataclass(frozen=True, eq=False)
class Voxels(Task):
    """One run: `spins` here are (5, n) T1, T2, B1, off-resonance and place along the slice axis, as `tabulate` has."""

    protocol: Taught
    tables: dict[Any, Any] = field(default_factory=dict)

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
        width = float(self.protocol.slice_thickness or self.encoding.grid.voxel_mm[self.encoding.slice_axis] * 1e-3)
        n = layers_across(edge / width)
        thick = edge / n
        offsets, f = edge * ((np.arange(n) + 0.5) / n - 0.5), float(np.abs(self.matter.dB0).max(initial=0.0))
        far = max((float(np.abs(self.matter.x[2] - o).max()) for o in self.encoding.slice_offsets), default=0.0)
        apart = abs(1 / excite.gradient - 1 / refocus.gradient) if refocus.selective else 0.0
        within = (
            reach(excite, refocus, self.protocol.FA, self.protocol.refocus_FA, LEAST) + far + f / abs(excite.gradient)
        )
        if n % 2 == 0 and within <= edge / 2 + thick and f * apart < EVEN * width and len(self.matter.x[2]) == 1:
            return Layers(offsets[n // 2 :], np.full(n // 2, 2.0 / n), thick, centred=True)
        return Layers(offsets, np.full(n, 1.0 / n), thick)

    @cached_property
    def _histories(self) -> list[History | None]:
        return [None if c.balanced.all() else History.of(c) for c in self.protocol.courses]

    def _spins_at(self, nodes: Floats) -> tuple[Spins, NDArray[np.bool_]]:
        """Spins of the layers of some matter that are excited, and (G, L) which those are."""
        T1, T2, B1, f, place = (np.repeat(row.astype(np.float32), len(self._layers.offsets)) for row in nodes)
        survives = np.repeat(kept(self.sequence, nodes[0], nodes[1], nodes[2]), len(self._layers.offsets))
        excite = refocus = B1
        if not self.encoding.volume and self._profiles[0].selective:
            still = 0 * f if self._layers.centred else f
            z = (place - self._moves(still) + np.tile(self._layers.offsets, nodes.shape[1])).astype(np.float32)
            excite, refocus = (p.at(B1, z, still, self._layers.thick) for p in self._local)
        on = np.abs(excite) > FLAT
        spins = Spins(T1, T2, np.full_like(T1, np.inf), f, excite, refocus, survives.astype(np.float32))
        return spins.take(np.flatnonzero(on)), on.reshape(nodes.shape[1], -1)

    def _answers(self, nodes: Floats, states: States) -> NDArray[np.complex64]:
        """(n_states, G) mean over the layers of some matter."""
        spins, on = self._spins_at(nodes)
        weight = (on * self._layers.weights)[on].astype(np.float32)
        which = np.nonzero(on)[0]
        out = np.zeros((len(states), nodes.shape[1]), np.complex64)
        if not len(which):
            return out
        starts = np.flatnonzero(np.diff(which, prepend=-1))
        found = asked(self.protocol, self._histories, spins, states, self.pool)
        out[:, which[starts]] = np.add.reduceat(found * weight, starts, axis=1)
        return out

    def _low_rank(self, states: States, spins: Any, entries: slice, layers: tuple[int, int], centre: int) -> Weights:
        m, n = self.matter, spins.shape[1]
        terms, mixture = self._table(states, spins, layers)
        factor = np.ones(n, np.complex64)
        if states.clock[0] != 0:
            some = Spins(m.T1[entries], m.T2[entries], m.T2prime[entries], m.dB0[entries], *(m.B1[:0],) * 3)
            factor = dephasing(states.take(np.array([0])), some)[0].astype(np.complex64)
        return Weights(layers, terms * m.amount[entries], mixture, factor)

    def _table(self, states: States, spins: Any, layers: tuple[int, int]) -> tuple[NDArray[np.float32], Any]:
        """(L, n) terms of all entries and (L, n_states) their mixture; a slice's states are all looked at at once."""
        ends = np.concatenate([[0], np.cumsum([len(c) for c in self.protocol.courses])])
        s = int(np.searchsorted(ends, states.SEG[0], side="right")) - 1
        since = float(states.since[0])
        alike = bool(np.ptp(states.since) < 1e-9 and states.SEG.max() < ends[s + 1])
        whole = self._every(int(ends[s]), int(ends[s + 1]), since) if alike else states
        key = (layers, s, round(since, 9)) if alike else None
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
            self.tables[key] = table.terms, mixture
        terms, mixture = self.tables[key]
        return terms, np.ascontiguousarray(mixture[:, states.SEG - ends[s]]) if alike else mixture

    def _every(self, first: int, end: int, since: float) -> States:
        """All states of a slice, at one time after their excitations."""
        n = end - first
        return States(np.arange(first, end), np.full(n, since), np.zeros(n))


def asked(
    protocol: Taught, histories: list[History | None], spins: Spins, states: States, pool: Any
) -> NDArray[np.complex64]:
    """(n_states, n) what the network says of some states of the courses of a scan; states count through them."""
    ends = np.cumsum([len(c) for c in protocol.courses])
    out = np.empty((len(states), len(spins.T1)), np.complex64)
    which = np.searchsorted(ends, states.SEG, side="right")
    for s in np.unique(which):
        rows = np.flatnonzero(which == s)
        own = states.SEG[rows] - (ends[s] - len(protocol.courses[s]))
        course, history = protocol.courses[s].take(own), histories[s]
        past = None if history is None else history(spins, own, pool)
        for kind, some in kinds(course).items():
            out[rows[some]] = _said(protocol, kind, course, some, spins, states.since[rows[some]], past)
    return out


def _said(
    protocol: Taught, kind: Kind, course: Course, some: NDArray[np.int64], spins: Spins, since: Floats, past: Any
) -> NDArray[np.complex64]:
    of = seen(course.take(some), spins, since=since, past=None if past is None else past[some])
    said = protocol.network(of.features, kind.branch) if protocol.network.knows(kind) else SILENCE
    return np.asarray(answer(of, said), np.complex64)
