"""The first guess of a learned response: what real pulses leave, along the pathways that end where an echo forms.

An extended phase graph over moments and times between all pulses that a slice feels, those of its neighbours too, kept
to configurations that matter. Pulses have their shape, length, off-resonance and place; what spoilers along the slice
do not quite wipe out across its profile is heard. Left out are encoding gradients, pathways that dephase for another
time than the echo's own, which off-resonance scrambles, and pathways that end elsewhere in the plane of the image:
those are no property of a voxel. See graph_walk for the graph itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.course import EXCITE, INVERT, KINDS, REFOCUS, SPOILED, Course, moved
from spinloom.simulation.graph_run import amplitudes
from spinloom.simulation.graph_walk import EXCITES, OTHER, REFOCUSES, Graph, Steps, grow
from spinloom.simulation.learned_heard import heard, needed, places
from spinloom.simulation.learned_pulses import RealPulses

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Complex = NDArray[np.complexfloating]

LEAST = 3e-3
"""Configurations that stay weaker in all specimens are left out [equilibrium = 1]."""
MOST = 512
TISSUES = ((4.5, 2.2), (4.5, 0.6), (1.6, 0.12), (0.5, 0.08))
ACROSS = (-0.5, -0.25, 0.0, 0.4)
"""T1, T2 [s] and places [slice thickness] of the specimens: the same whatever the object, so that answers are local."""
FELT = 3e-3
"""A pulse that turns and mixes less than this is none to this slice."""
HEARD = 4.5
"""Turns across the slice that still leave something of a configuration: its profile has edges."""
TOGETHER = 1e-3
"""A pathway that dephased for longer or shorter than the echo's own is scrambled by off-resonance [s]."""
FADED = 30.0
"""Lifetimes T2 after which nothing is left."""
USE = {EXCITE: EXCITES, REFOCUS: REFOCUSES, INVERT: OTHER}


@dataclass(frozen=True, eq=False)
class History:
    """The graph of a course.

    example  (n_kinds,) a pulse of each kind, among all that are played;  steps  what happens from pulse to pulse
    wanted   (n, 3) what is heard in the echoes, where it is right after the last pulse, see graph_run.amplitudes
    state    (n,) in which echo;  away  (n,) how far from its place along the slice axis [1/m]
    turn     (n_states,) what brings the echo in phase with a first excitation
    rest     (n_states,) from the centre of the last pulse to its end [s]
    """

    pulses: RealPulses
    place: float
    graph: Graph
    steps: Steps
    example: Index
    wanted: Index
    state: Index
    away: Floats
    turn: Complex
    rest: Floats

    @staticmethod
    def of(pulses: RealPulses, course: Course, place: float, thickness: float) -> History:
        """place  of the slice along its axis, thickness  of it; 0 for a volume [m]."""
        kinds = np.array([(T1, T2, 1.0, 0.0, place + a * thickness) for T1, T2 in TISSUES for a in ACROSS]).T
        crowd, example, which, does = _felt(pulses, course, kinds)
        played = pulses.played
        t = played.centre[crowd]
        use = np.array([KINDS[pulses.sequence.rf[i].use] for i in played.rf[crowd]], np.int64)
        steps = Steps(
            kind=which,
            dt=np.concatenate([[0.0], played.start[crowd][1:] - played.end[crowd][:-1]]),
            shift=np.column_stack([moved(pulses.sequence, played, crowd, use), np.diff(t, prepend=t[0])]),
            phase=pulses.phase[crowd],
            use=np.array([USE[k] for k in use.tolist()], np.int64),
        )
        graph = grow(steps, does, 1 / kinds[:2], LEAST, MOST)
        own = np.searchsorted(crowd, course.played)
        last = own[last_pulse(course)]
        where = places(own[course.excited], last, steps.shift, np.isin(np.arange(len(crowd)), own))
        far = np.array([SPOILED, SPOILED, SPOILED, TOGETHER])
        far[pulses.axis] = HEARD / thickness if thickness else SPOILED
        wanted, state, away = heard(graph, last, where, far, LEAST)
        graph, wanted = needed(graph, wanted)
        turn = -1j * np.exp(-1j * steps.phase[own[course.excited]])
        rest = (played.end - played.centre)[crowd[last]]
        return History(pulses, place, graph, steps, example, wanted, state, away[:, pulses.axis], turn, rest)

    def __call__(self, matter: Floats, states: NDArray[np.integer], pool: ThreadPoolExecutor) -> NDArray[np.complex64]:
        """(len(states), n) what would decay freely from the centre of the last pulse before some echoes [PD = 1].

        matter  (5, n) T1, T2 [s], B1, off-resonance [Hz], place along the slice axis [m]
        """
        row = np.full(len(self.turn), -1)
        row[states] = np.arange(len(states))
        rows = np.flatnonzero(row[self.state] >= 0)
        rows = rows[np.argsort(self.wanted[rows, 0], kind="stable")]
        does, rates = self.pulses.at(self.example, matter), 1 / matter[:2]
        z = matter[4] - self.place
        found = amplitudes(self.graph, self.steps, does, rates, self.wanted[rows], pool)
        out = np.zeros((len(states), matter.shape[1]), np.complex64)
        for one, r in zip(found, rows.tolist(), strict=True):
            away = self.away[r]
            out[row[self.state[r]]] += one if away == 0 else one * np.exp(-2j * np.pi * away * z).astype(np.complex64)
        turn = self.turn[states, None] * np.exp(np.minimum(self.rest[states, None] * rates[1], FADED))
        return out * turn.astype(np.complex64)


def last_pulse(course: Course) -> Index:
    """(n_states,) index of the pulse before each echo: only refocusing pulses come after its excitation."""
    return np.asarray(course.excited + course.refocused)


def _felt(pulses: RealPulses, course: Course, matter: Floats) -> tuple[Index, Index, Index, NDArray[np.complex128]]:
    """Pulses up to the course's last that matter anywhere in the slice; an example of each kind, which kind each is,
    and what the kinds do to the specimens."""
    played = pulses.played
    unique = played.unique[: int(course.played[-1]) + 1]
    _, example, which = np.unique(unique, return_index=True, return_inverse=True)
    does = pulses.at(example, matter)
    loud = np.abs(does[:, 1:3]).max(axis=(1, 2)) > FELT
    loud[which[course.played]] = True
    crowd = np.flatnonzero(loud[which])
    place = np.cumsum(loud) - 1
    return crowd, example[loud], place[which[crowd]].astype(np.int64), does[loud]
