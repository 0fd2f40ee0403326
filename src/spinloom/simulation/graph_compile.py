"""A sequence as the phase graph sees it: named axes, and steps from pulse to pulse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RFUse
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_walk import EXCITES, OTHER, REFOCUSES, Steps
from spinloom.simulation.timeline import Pulses, Readouts

Floats = NDArray[np.float64]


def axes_of(read: Readouts, selective: int | None) -> tuple[int, int, int]:
    """Scanner axes: along the readouts, across them, and that of the slices."""
    run = np.sum([np.ptp(w[:, 1:4], axis=0) for w in read.windows], axis=0)
    if selective is not None:
        run[selective] = -1.0
    first = int(np.argmax(run))
    rest = [axis for axis in range(3) if axis not in (first, selective)]
    return first, rest[0], rest[1] if selective is None else selective


def steps_of(drive: Drive, played: Pulses, phase: Floats) -> Steps:
    """What happens from pulse to pulse; phase (n,) of each [rad]."""
    end = np.concatenate([[0.0], played.end[:-1]])
    moved = np.diff(played.moment[:, 1, :3], axis=0, prepend=0.0)
    time = np.diff(played.centre, prepend=0.0)
    kinds = {RFUse.EXCITATION: EXCITES, RFUse.UNDEFINED: EXCITES, RFUse.REFOCUSING: REFOCUSES}
    use = np.array([*(kinds.get(rf.use, OTHER) for rf in drive.sequence.rf), OTHER], np.int64)[played.rf]
    return Steps(played.unique.astype(np.int64), played.start - end, np.column_stack([moved, time]), phase, use)
