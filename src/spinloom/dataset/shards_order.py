"""In which order samples are read: decided by (seed, epoch) alone, so one integer says where a reader stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.rng import stream

Order = NDArray[np.int64]


def shuffled(counts: Sequence[int], *, seed: int, epoch: int = 0, window: int | None = None) -> Order:
    """A permutation of all samples.

    counts  samples of each shard; sample 0 is the first of the first shard
    window  None: every permutation is as likely as any other, and each sample may lie in another shard. A number:
            shards are shuffled, and samples among `window` shards at a time: near-sequential reading of slow disks
    """
    n = sum(counts)
    rng = stream(seed, "shards", epoch)
    if window is None:
        return rng.permutation(n)
    if window < 1:
        raise UsageError(f"a window of {window} shards reads nothing", remedy="Use 1 or more.")
    starts = np.concatenate([[0], np.cumsum(counts)])
    turn = rng.permutation(len(counts))
    parts = []
    for at in range(0, len(turn), window):
        mixed = np.concatenate([np.arange(starts[s], starts[s + 1]) for s in turn[at : at + window]])
        parts.append(rng.permutation(mixed))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def rest(order: Order, position: int = 0, *, rank: int = 0, ranks: int = 1, chunk: int = 1) -> Order:
    """What reader `rank` of `ranks` still has to read once `position` samples of `order` have been read by all.

    Chunks of consecutive samples are dealt out in turn: the readers' parts are disjoint and together the rest, however
    many readers there were before. The parts differ by at most `chunk` samples in length.
    """
    if not 0 <= position <= len(order):
        raise UsageError(f"position {position} is not among 0 to {len(order)}", remedy="Begin the next epoch at 0.")
    if not 0 <= rank < ranks or chunk < 1:
        raise UsageError(
            f"reader {rank} of {ranks} with chunks of {chunk} does not exist", remedy="Ranks count from 0."
        )
    left = order[position:]
    return left[np.arange(len(left)) // chunk % ranks == rank]
