"""A scan that repeats itself: how often it must be followed before every repetition is like the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.drive import kinds
from spinloom.simulation.graph_walk import Graph, Steps

CANDIDATES = 4000
LEAST = 4
"""Repetitions followed at least."""


@dataclass(frozen=True, eq=False)
class Followed:
    """The part of a scan that was followed.

    graph      of the first pulses
    steps      those pulses
    reference  (n,) for every pulse of the scan, the followed one after which it leaves the same configurations
    change     of the signal over the last half of it, relative: what may remain of the approach to the steady state
    """

    graph: Graph
    steps: Steps
    reference: NDArray[np.int64]
    change: float


def first(steps: Steps, n: int) -> Steps:
    """The first n pulses."""
    return replace(steps, kind=steps.kind[:n], dt=steps.dt[:n], shift=steps.shift[:n], phase=steps.phase[:n])


def period(steps: Steps) -> tuple[int, int] | None:
    """(start, length): from pulse `start` on, every pulse is like the one `length` before; None if none is short enough.

    Alike: the same pulse after the same time and moment, and the same second difference of the phase, which is how
    quadratic RF spoiling repeats (Zur, Wood & Neuringer, Magn. Reson. Med. 21, 251 (1991)).
    """
    n = len(steps)
    if n < 3 * LEAST:
        return None
    bend = np.zeros(n, np.int64)
    turns = np.diff(steps.phase, 2) / (2 * np.pi)
    bend[2:] = np.rint((turns - np.floor(turns + 1e-7)) * 1e6).astype(np.int64) % 1_000_000
    bend[:2] = -1
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
        differ = np.flatnonzero(sign[length:] != sign[:-length])
        start = int(differ[-1]) + 1 if len(differ) else 0
        if start <= n // 2 and start + (LEAST + 1) * length <= n:
            return start, length
    return None


def follow(
    steps: Steps,
    grow: Callable[[Steps], Graph],
    fresh: Callable[[Graph, Steps, NDArray[np.int64]], NDArray[np.complex64]],
    tolerance: float,
) -> Followed:
    """Follow a scan to its end, or until twice as many repetitions change nothing beyond the tolerance.

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
            now = fresh(graph, part, index) * np.exp(-1j * steps.phase[index])[:, None]
            if before is not None:
                change = float(np.abs(now - before).max()) / max(float(np.abs(now).max()), 1e-30)
                if change <= tolerance:
                    pulse = np.arange(n)
                    reference = np.where(pulse < m, pulse, m - length + (pulse - m) % length)
                    return Followed(graph, part, reference, change)
            repeats, before = 2 * repeats, now
    return Followed(grow(steps), steps, np.arange(n), 0.0)
