"""What the pulses of a sequence do, for the first guess of a learned response: shaped, long, wherever matter lies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.sequence import Sequence
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_pulses import coefficients, phases
from spinloom.simulation.timeline import Pulses, Turns, pulses, turns

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

STEP = 2e-5
"""Longest step through a pulse [s]."""


@dataclass(frozen=True, eq=False)
class RealPulses:
    """Every pulse played, in order, and what it does.

    phase  (n,) at its centre [rad];  axis  scanner axis of the gradients that play during pulses
    """

    sequence: Sequence
    drive: Drive
    played: Pulses
    splits: list[Turns]
    phase: Floats
    axis: int

    @staticmethod
    def of(sequence: Sequence) -> RealPulses:
        drive, splits = Drive(sequence), [turns(rf) for rf in sequence.rf]
        played = pulses(drive, splits)
        axis = 2 if sequence.encoding is None else sequence.encoding.slice_axis
        return RealPulses(sequence, drive, played, splits, phases(drive, played, splits), axis)

    def at(self, which: Index, matter: Floats) -> NDArray[np.complex128]:
        """(len(which), 7, n) coefficients of some pulses, see graph_pulses.coefficients.

        matter  (5, n) T1, T2 [s], B1, off-resonance [Hz], place along the slice axis [m]
        """
        by_rate = np.concatenate([1 / matter[:2], matter[2:]])
        some = replace(self.played, example=which.astype(np.intp))
        return coefficients(self.drive, some, self.splits, by_rate, self.axis, STEP)
