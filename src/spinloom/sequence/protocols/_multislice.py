"""How many slices share one TR: shots of different slices side by side, neighbours far apart in time.

    plain       |shot 0 . shot 2 . shot 4 . shot 1 . shot 3 .|  every TR; shots evenly spread
    inversion   |inv 0 inv 2 inv 1 ...... shot 0 shot 2 shot 1 ...|  every TR; one TI for all

Slices that do not fit into one TR go into further packages, each acquired completely before the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import Block
from spinloom.sequence.geometry import packages
from spinloom.sequence.gradients import down, nearest, up


class Turn(NamedTuple):
    """Where in the scan a shot stands.

    number   shots of this slice that came before;  shot  which one it is, None for a dummy;  average  counted from 0
    """

    number: int
    shot: int | None
    average: int


ShotBlocks = Callable[[int, Turn], Iterator[Block]]
"""(slice, turn) → the blocks of one shot."""


@dataclass(frozen=True)
class Repetitions:
    """n_shots fill one k-space; n_dummies shots come first in each package; all n_averages times."""

    n_shots: int
    n_averages: int = 1
    n_dummies: int = 0

    def __iter__(self) -> Iterator[Turn]:
        yield from (Turn(count, None, 0) for count in range(self.n_dummies))
        for average in range(self.n_averages):
            for shot in range(self.n_shots):
                yield Turn(self.n_dummies + average * self.n_shots + shot, shot, average)


def pause(duration: float) -> Iterator[Block]:
    """Nothing for a while; no block at all for no time."""
    if duration > 1e-9:
        yield Block(round(duration, 9))


def interleaved(
    n_slices: int, TR: float, shot_duration: float, repetitions: Repetitions, shot: ShotBlocks, limits: Limits
) -> Iterator[Block]:
    """Shots evenly spread over each TR [s]. Raises UsageError if not even one shot fits."""
    TR = nearest(TR, limits.block_raster)
    most = int((TR + 1e-9) // shot_duration)
    if most < 1:
        raise UsageError(
            f"TR {TR * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {shot_duration * 1e3:.2f} ms.",
        )
    for package in packages(n_slices, most):
        slot = down(TR / len(package), limits.block_raster)
        for turn in repetitions:
            for place in package:
                yield from shot(place, turn)
                yield from pause(slot - shot_duration)
            yield from pause(TR - slot * len(package))


def inverted(
    n_slices: int,
    TR: float,
    TI: float,
    shot_duration: float,
    excitation_centre: float,
    inversion: Callable[[int], Block],
    inversion_centre: float,
    repetitions: Repetitions,
    shot: ShotBlocks,
    limits: Limits,
) -> Iterator[Block]:
    """All inversions of a package, then all its shots, at one distance; TI is from centre to centre.

    TR, TI             [s]
    excitation_centre  from the start of a shot [s];  inversion_centre  from the start of an inversion block [s]

    Raises UsageError if TI is shorter than inversion and excitation, or TR than TI and one shot.
    """
    TR, TI = nearest(TR, limits.block_raster), nearest(TI, limits.block_raster)
    prepared = inversion(0).duration
    first = inversion_centre + TI - excitation_centre
    if first < prepared - 1e-9:
        least = prepared - inversion_centre + excitation_centre
        raise UsageError(f"TI {TI * 1e3:.2f} ms is too short", remedy=f"The shortest is {least * 1e3:.2f} ms.")
    if first + shot_duration > TR + 1e-9:
        raise UsageError(
            f"TR {TR * 1e3:.2f} ms is too short for TI {TI * 1e3:.2f} ms",
            remedy=f"The shortest with these settings is {up(first + shot_duration, 1e-5) * 1e3:.2f} ms.",
        )
    slot = up(max(prepared, shot_duration), limits.block_raster)
    most = 1 + int(min(first - prepared, TR - first - shot_duration) / slot + 1e-9)
    for package in packages(n_slices, most):
        n = len(package)
        for turn in repetitions:
            for i, place in enumerate(package):
                yield inversion(place)
                yield from pause(slot - prepared if i < n - 1 else first - (n - 1) * slot - prepared)
            for place in package:
                yield from shot(place, turn)
                yield from pause(slot - shot_duration)
            yield from pause(TR - first - n * slot)
