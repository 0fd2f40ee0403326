"""How many spins a voxel needs: as many as change nothing any more, found on a few voxels of the object itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.thin import some_readouts, some_voxels

Spins = int | tuple[int, int, int]
Signal = Callable[[Phantom, Sequence, Spins], NDArray[np.complexfloating]]

LADDER = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610)
"""Fibonacci numbers: lattices of two neighbours never repeat each other's aliases."""

VOXELS = 6
READOUTS, SAMPLES = 24, 16384
"""Lines looked at: 24, or as many as have so many samples in all; a few would miss the transient of a train."""


def enough_spins(phantom: Phantom, sequence: Sequence, signal: Signal, tolerance: float, seed: int = 0) -> Spins:
    """The fewest spins per voxel whose signal is within the tolerance of that of the next larger lattice.

        |S_n - S_n'| <= tolerance |S_n'|,   n < n' neighbours on the ladder of Fibonacci numbers

    Voxels with the longest and the shortest T1 and T2 are among them; lines are some of the scan's, its last included.
    Evenly spaced spins converge exponentially once they outnumber the orders of dephasing that matter. A lattice with n
    even steps along every axis at once is tried first, then one that is refined axis by axis.

    signal     the signal of a phantom and a sequence with a number of spins
    tolerance  relative L2
    """
    if phantom.voxel is Voxel.POINT:
        return 1
    rng = np.random.default_rng(seed)
    small = some_voxels(phantom, _voxels(phantom, rng))
    n = sequence.n_readouts
    longest = max(sequence.adc[i].n_samples for i in np.unique(sequence.blocks[sequence.readout_blocks, 4]))
    lines = np.unique([n - 1, *rng.choice(n, min(n, max(READOUTS, SAMPLES // longest)), replace=False)])
    short = some_readouts(sequence, lines)

    def of(spins: Spins) -> NDArray[np.complexfloating]:
        return signal(small, short, spins)

    before = of(LADDER[0])
    for fewer, more in pairwise(LADDER):
        now = of(more)
        if more > 3 and _change(before, now) <= tolerance:
            return fewer
        before = now
        if more >= 233:
            break
    counts = [1, 1, 1]
    for axis in (2, 0, 1, 2, 0, 1):
        before = of((counts[0], counts[1], counts[2]))
        for more in (m for m in LADDER if m > counts[axis]):
            trial = [*counts]
            trial[axis] = more
            now = of((trial[0], trial[1], trial[2]))
            change = _change(before, now)
            if change <= tolerance / 3 and more > 3:
                break
            counts, before = trial, now
            if np.prod(counts) > 20_000:
                break
    return counts[0], counts[1], counts[2]


def _change(a: NDArray[np.complexfloating], b: NDArray[np.complexfloating]) -> float:
    return float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-300))


def _voxels(phantom: Phantom, rng: np.random.Generator) -> NDArray[np.intp]:
    inside = np.flatnonzero(phantom.PD)
    ends = [
        inside[pick(values.ravel()[inside])] for values in (phantom.T1, phantom.T2) for pick in (np.argmin, np.argmax)
    ]
    return np.unique([*ends, *rng.choice(inside, min(len(inside), VOXELS), replace=False)])
