"""An independent reading of a sequence: absolute times and moments, integrated knot by knot in plain Python."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RF, RFUse
from spinloom.sequence.sequence import Sequence


@dataclass(frozen=True)
class Pulse:
    """A pulse in the scan: block, time of its centre [s]."""

    block: int
    time: float
    rf: RF


@dataclass(frozen=True)
class Window:
    """A readout in the scan: block, time of its middle [s], times of its samples [s]."""

    block: int
    time: float
    samples: NDArray[np.float64]


def pulses(sequence: Sequence, use: RFUse | None = None) -> list[Pulse]:
    found, start = [], 0.0
    for i, block in enumerate(sequence):
        if block.rf is not None and use in (None, block.rf.use):
            found.append(Pulse(i, start + block.rf.centre, block.rf))
        start += block.duration
    return found


def windows(sequence: Sequence) -> list[Window]:
    found, start = [], 0.0
    for i, block in enumerate(sequence):
        if block.adc is not None:
            times = start + block.adc.delay + (np.arange(block.adc.n_samples) + 0.5) * block.adc.dwell
            found.append(Window(i, start + block.adc.delay + block.adc.n_samples * block.adc.dwell / 2, times))
        start += block.duration
    return found


def moment(sequence: Sequence, axis: int, begin: float, end: float) -> float:
    """∫ g dt from begin to end [1/m]: trapezoids on the knots of every event that plays meanwhile."""
    total, start = 0.0, 0.0
    for block in sequence:
        g = block.gradients[axis]
        if g is not None and start < end and start + block.duration > begin:
            t = g.t + start
            a, b = max(begin, float(t[0])), min(end, float(t[-1]))
            if b > a:
                times = np.concatenate([[a], t[(t > a) & (t < b)], [b]])
                values = np.interp(times, t, g.g)
                total += float(np.sum(np.diff(times) * (values[1:] + values[:-1]) / 2))
        start += block.duration
    return total
