"""What an inversion pulse keeps, by the Bloch equations through the pulse, with relaxation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_pulses import coefficients
from spinloom.simulation.timeline import pulses, turns

STEP = 1e-5


def kept(
    sequence: Sequence, T1: NDArray[np.floating], T2: NDArray[np.floating], B1: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(n,) -Mz after the first inversion pulse over Mz before, as an instant amid free T1 relaxation; 1 without one.

    On resonance, in the middle of the slice.

    T1, T2 [s], B1 relative to nominal, (n,)
    """
    splits = [turns(rf) for rf in sequence.rf]
    drive = Drive(sequence)
    played = pulses(drive, splits)
    of = [j for j in played.example if sequence.rf[played.rf[j]].use is RFUse.INVERSION]
    if not of:
        return np.ones(len(T1))
    rows, which = np.unique(np.stack([T1, T2, B1]).astype(float), axis=1, return_inverse=True)
    zero = np.zeros(rows.shape[1])
    matter = np.stack([1 / rows[0], 1 / rows[1], rows[2], zero, zero])
    found = coefficients(drive, replace(played, example=np.array(of[:1])), splits, matter, 2, STEP)
    edges = sequence.rf[played.rf[of[0]]].edges
    still = np.exp((edges[-1] - edges[0]) * matter[0])
    return np.asarray((-found[0, 3].real * still)[which.ravel()])
