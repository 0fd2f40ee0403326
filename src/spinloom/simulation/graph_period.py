"""A scan that repeats itself: how often it must be followed before every repetition is like the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.drive import kinds
from spinloom.simulation.graph_walk import EXCITES, REFOCUSES, Graph, Steps

Floats = NDArray[np.float64]

CANDIDATES = 4000
SHORT = 2500
"""Pulses up to which following a scan costs little."""

LEAST = 4
"""Repetitions followed at least."""


@dataclass(frozen=True, eq=False)
class Followed:
    """The part of a scan that was followed.

    graph      of the first pulses
    steps      those pulses
    reference  (n,) for every pulse of the scan, the followed one after which it leaves the same configurations
    ramp       (n,) how much faster the phases of its pulses run on than those of the followed ones [rad/s], see `_ramp`
    change     of the signal over the last half of it, relative L2: what may remain of the approach to the steady state
    """

    graph: Graph
    steps: Steps
    reference: NDArray[np.int64]
    ramp: Floats
    change: float


def first(steps: Steps, n: int) -> Steps:
    """The first n pulses."""
    return Steps(*(getattr(steps, f.name)[:n] for f in fields(Steps)))


def period(steps: Steps) -> tuple[int, int] | None:
    """(start, length): from pulse `start` on, each is like the one `length` before; None if none is short enough.

    Alike: the same pulse after the same time and moment, and phases that repeat, see `_bend`. There is an excitation in
    every period: without one (a single train of echoes) there is no steady state but zero.
    """
    n = len(steps)
    if n < 3 * LEAST:
        return None
    bend = _bend(steps)
    columns = [steps.kind, np.rint(steps.dt * 1e9).astype(np.int64), bend]
    columns += [c - c.min() for c in np.rint(steps.shift[:, :3].T * 20).astype(np.int64)]
    columns[1] = columns[1] - columns[1].min()
    sign = kinds(*columns)[1]
    tail = np.flatnonzero(sign[:-1] == sign[-1])[::-1][:CANDIDATES]
    for length in (n - 1 - tail).tolist():
        if (LEAST + 1) * length > n:
            return None
        if not np.array_equal(sign[n - 2 * length : n - length], sign[n - length :]):
            continue
        if not (steps.use[n - length :] == EXCITES).any():
            continue
        differ = np.flatnonzero(sign[length:] != sign[:-length])
        start = int(differ[-1]) + 1 if len(differ) else 0
        if start <= n // 2 and start + (LEAST + 1) * length <= n:
            return start, length
    return None


def _bend(steps: Steps) -> NDArray[np.int64]:
    """(n,) what must repeat of the phases, in 1e-6 turns.

    Of excitations, the second difference: so repeats quadratic RF spoiling (Zur, Wood & Neuringer, Magn. Reson. Med.
    21, 251 (1991)). Of refocusing pulses, the phase since the excitation. Of others (inversion, saturation), nothing:
    what they leave of transverse magnetisation is spoiled.
    """
    turns = steps.phase / (2 * np.pi)
    out = np.zeros(len(steps))
    excites = np.flatnonzero(steps.use == EXCITES)
    out[excites[:2]] = 0.5
    out[excites[2:]] = np.diff(turns[excites], 2)
    refocuses = np.flatnonzero(steps.use == REFOCUSES)
    last = np.searchsorted(excites, refocuses) - 1
    if len(excites):
        out[refocuses] = turns[refocuses] - turns[excites[last]]
    return np.rint((out - np.floor(out + 1e-7)) * 1e6).astype(np.int64)


def _ramp(steps: Steps, reference: NDArray[np.int64]) -> Floats:
    """(n,) slope of D(t), the phase by which the pulses of a scan are ahead of the followed ones [rad/s].

    D grows evenly from excitation to excitation where phases are quadratic. In a frame that turns with it all pulses
    are the followed ones, and the field is off by D' / (2 pi): a configuration of clock tau is the followed one times
    exp(i (D - D' tau)).
    """
    out = np.zeros(len(steps))
    excites = np.flatnonzero(steps.use == EXCITES)
    if len(excites) < 3:
        return out
    last = np.searchsorted(excites, reference[excites])
    own = np.diff(steps.phase[excites], prepend=0.0)
    beyond = np.where(last > 0, own - own[last], 0.0)
    time = np.cumsum(steps.shift[:, 3])[excites]
    TR = np.diff(time, prepend=time[0] - 1.0)
    out[excites] = (beyond - 2 * np.pi * np.rint(beyond / (2 * np.pi))) / TR
    return out


def follow(
    steps: Steps,
    grow: Callable[[Steps], Graph],
    fresh: Callable[[Graph, Steps, NDArray[np.int64]], NDArray[np.complex64]],
    tolerance: float,
    steady: float,
) -> Followed:
    """Follow a scan to its end, or until twice as many repetitions change nothing beyond the tolerance.

    steady is the tolerance once many pulses have been followed.

    fresh  transverse magnetisation right after some pulses, (n, specimens)
    """
    n = len(steps)
    found = period(steps)
    if found is not None:
        start, length = found
        repeats, before = LEAST, None
        while start + repeats * length < n:
            m = start + repeats * length
            part = first(steps, m)
            graph = grow(part)
            index = np.arange(m - length, m)
            index = index[steps.use[index] == EXCITES]
            now = fresh(graph, part, index) * np.exp(-1j * steps.phase[index])[:, None]
            if before is not None:
                change = float(np.linalg.norm(now - before) / max(float(np.linalg.norm(now)), 1e-30))
                if change <= (tolerance if m < SHORT else max(tolerance, steady)):
                    pulse = np.arange(n)
                    reference = np.where(pulse < m, pulse, m - length + (pulse - m) % length)
                    return Followed(graph, part, reference, _ramp(steps, reference), change)
            repeats, before = 2 * repeats, now
    return Followed(grow(steps), steps, np.arange(n), np.zeros(n), 0.0)
