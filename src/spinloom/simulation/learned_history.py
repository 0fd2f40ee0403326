"""The first guess of a learned response: what pulses that take no time leave, along the pathways that spoilers leave.

An extended phase graph over the moments between the pulses of a course, of local flip angles, kept to configurations
that matter. The duration of pulses, the phase they leave across a slice, encoding gradients and off-resonance are left
to the network. See graph_walk for the graph itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.course import EXCITE, INVERT, REFOCUS, SPOILED, Course
from spinloom.simulation.evolution import Spins
from spinloom.simulation.graph_run import amplitudes
from spinloom.simulation.graph_walk import EXCITES, OTHER, REFOCUSES, Graph, Steps, grow

Array = Any
Index = NDArray[np.int64]
Complex = NDArray[np.complexfloating]

LEAST = 1e-3
"""Configurations that stay weaker in all SPECIMENS are left out [equilibrium = 1]."""
MOST = 512
SPECIMENS = np.array(
    [(T1, T2, angle) for T1, T2 in ((4.5, 2.2), (4.5, 0.6), (1.6, 0.12), (0.5, 0.08)) for angle in (1.0, 0.5)]
).T
"""T1, T2 [s], local over nominal angle: the graph is grown on them whatever the object, so that answers are local."""
USE = {EXCITE: EXCITES, REFOCUS: REFOCUSES, INVERT: OTHER}


@dataclass(frozen=True, eq=False)
class History:
    """The graph of a course.

    example  (n_kinds,) a pulse of each kind;  steps  what happens from pulse to pulse
    wanted   (n_states, 3) where the main pathway of each state is right after its last pulse, see graph_run.amplitudes
    turn     (n_states,) what brings it in phase with a first excitation; 0 where no such configuration was kept
    """

    course: Course
    graph: Graph
    steps: Steps
    example: Index
    wanted: Index
    turn: Complex

    @staticmethod
    def of(course: Course) -> History:
        t, angle = np.asarray(course.t, float), np.asarray(course.angle, float)
        sign = np.stack([course.kind, np.round(angle * 1e6)])
        _, example, which = np.unique(sign, axis=1, return_index=True, return_inverse=True)
        steps = Steps(
            kind=which.ravel().astype(np.int64),
            dt=np.diff(t, prepend=t[0]),
            shift=np.column_stack([course.moved, np.zeros(len(t))]),
            phase=np.asarray(course.phase, float),
            use=np.array([USE[k] for k in course.kind.tolist()], np.int64),
        )
        few = _few()
        pulses = np.stack([_turned(int(course.kind[j]), float(angle[j]), few) for j in example])
        graph = grow(steps, pulses, 1 / SPECIMENS[:2], LEAST, MOST)
        wanted, there = _wanted(course, graph)
        turn = -1j * np.exp(-1j * steps.phase[course.excited]) * there
        graph, wanted = _heard(graph, wanted)
        return History(course, graph, steps, example.astype(np.int64), wanted, turn)

    def __call__(self, spins: Spins, states: NDArray[np.integer], pool: ThreadPoolExecutor) -> NDArray[np.complex64]:
        """(len(states), n) transverse magnetisation right after the last pulse before some echoes [PD = 1]."""
        order = np.argsort(self.wanted[states, 0], kind="stable")
        angles = np.asarray(self.course.angle, float)
        pulses = np.stack([_turned(int(self.course.kind[j]), float(angles[j]), spins) for j in self.example])
        rates = np.stack([1 / spins.T1, 1 / spins.T2]).astype(float)
        found = amplitudes(self.graph, self.steps, pulses, rates, self.wanted[states][order], pool)
        out = np.empty_like(found)
        out[order] = found
        return out * self.turn[states, None].astype(np.complex64)


def last_pulse(course: Course) -> Index:
    """(n_states,) index of the pulse before each echo: only refocusing pulses come after its excitation."""
    return np.asarray(course.excited + course.refocused)


def _few() -> Spins:
    none = np.zeros(0)
    return Spins(*SPECIMENS[:2], none, none, SPECIMENS[2], SPECIMENS[2], np.ones(SPECIMENS.shape[1]))  # type: ignore[arg-type,call-arg]


def _turned(kind: int, nominal: float, spins: Spins) -> NDArray[np.complex128]:
    """(7, n) what an instant pulse does, see graph_pulses.coefficients; an inversion leaves nothing transverse."""
    out = np.zeros((7, len(spins.excite)), complex)
    if kind == INVERT:
        out[3] = -spins.kept
        return out
    angle = nominal * (spins.refocus if kind == REFOCUS else spins.excite).astype(float)
    out[0], out[1], out[2] = np.cos(angle / 2) ** 2, np.sin(angle / 2) ** 2, 1j * np.sin(angle)
    out[3], out[4] = np.cos(angle), 0.5j * np.sin(angle)
    return out


def _wanted(course: Course, graph: Graph) -> tuple[Index, NDArray[np.bool_]]:
    """Excitation at 0, moved, mirrored by every refocusing pulse: the configuration, and whether it was kept."""
    out, there = np.empty((len(course), 3), np.int64), np.empty(len(course), bool)
    for s, (first, end) in enumerate(zip(course.excited, last_pulse(course), strict=True)):
        place = np.zeros(3)
        for j in range(first + 1, end + 1):
            place = -(place + course.moved[j])
        kappa = graph.kappa[graph.first[end] : graph.first[end + 1], :3]
        away = [np.abs(kappa - sign * place).max(axis=1) for sign in (1, -1)]
        half = int(away[1].min() < away[0].min())
        out[s] = end, int(np.argmin(away[half])), half
        there[s] = away[half].min() < SPOILED
    return out, there


def _heard(graph: Graph, wanted: Index) -> tuple[Graph, Index]:
    """The graph without configurations that never come back to what is wanted, and where that is in it."""
    n = len(graph.first) - 1
    needed = np.zeros(int(graph.first[-1]), bool)
    needed[graph.first[:-1]] = True
    needed[graph.first[wanted[:, 0]] + wanted[:, 1]] = True
    for j in range(n - 1, 0, -1):
        own = np.arange(graph.first[j], graph.first[j + 1])
        p, m, z = graph.parent[own[needed[own]]].T
        before = np.concatenate([p[p >= 0] // 2, m[m >= 0] // 2, z[z >= 0]])
        needed[graph.first[j - 1] + before] = True
    place = np.cumsum(needed) - 1
    new = np.concatenate([[0], np.cumsum(needed)])[graph.first]
    parent = graph.parent.copy()
    for j in range(1, n):
        part = slice(graph.first[j], graph.first[j + 1])
        local = (place[graph.first[j - 1] : graph.first[j]] - new[j - 1]).astype(np.int32)
        for column in range(3):
            old = parent[part, column]
            there = old >= 0
            two = 2 if column < 2 else 1
            parent[part, column] = np.where(there, two * local[old // two] + (old % two if two == 2 else 0), -1)
    at = place[graph.first[wanted[:, 0]] + wanted[:, 1]] - new[wanted[:, 0]]
    kept = Graph(new, graph.kappa[needed], parent[needed], graph.loudest[needed])
    return kept, np.column_stack([wanted[:, 0], at, wanted[:, 2]])
