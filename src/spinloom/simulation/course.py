"""A sequence as one slice feels it: its pulses in order, and where among them its readouts are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.sequence.events import RFUse
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_pulses import phases
from spinloom.simulation.timeline import Pulses, pulses, turns

EXCITE, REFOCUS, INVERT = 0, 1, 2
KINDS = {RFUse.EXCITATION: EXCITE, RFUse.REFOCUSING: REFOCUS, RFUse.INVERSION: INVERT}
REMEMBERED = 1e-3
"""Part of the magnetisation still remembered when a train counts as steady."""
LONGEST_T1 = 4.5
"""The tissue that remembers longest [s]."""
SPOILED = 1.0
"""Gradients that leave less than this between two excitations balance them [1/m]."""

PER_PULSE = ("kind", "played", "t", "angle", "phase")

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Course:
    """Pulses that act on a slice, and its distinct readouts. Times and angles may be tensors with gradients.

    kind, t, angle  (n_pulses,) EXCITE, REFOCUS or INVERT; centre [s]; nominal flip angle [rad]
    phase           (n_pulses,) of the pulse at its centre [rad]
    played          (n_pulses,) index among all pulses of the sequence
    echo            (n_states,) time of the echo [s]
    excited         (n_states,) index of the excitation it comes from;  before  of the one before that, or -1
    refocused       (n_states,) refocusing pulses between excitation and echo;  first  index of the first, or -1
    ordinal         (n_states,) excitations since the start or the last inversion, this one not counted
    inverted        (n_states,) index of the last inversion, or -1
    balanced        (n_states,) whether gradients leave nothing between the excitation before and this one
    """

    kind: Index
    played: Index
    t: Any
    angle: Any
    phase: NDArray[np.float64]
    echo: Any
    excited: Index
    before: Index
    refocused: Index
    first: Index
    ordinal: Index
    inverted: Index
    balanced: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.excited)

    def take(self, states: NDArray[np.integer]) -> Course:
        """Some states, and the pulses up to the last of them."""
        per_state = ("echo", "excited", "before", "refocused", "first", "ordinal", "inverted", "balanced")
        some = {name: getattr(self, name)[states] for name in per_state}
        end = int((some["excited"] + some["refocused"]).max(initial=0)) + 1
        return replace(self, **some, **{n: getattr(self, n)[:end] for n in PER_PULSE})


@dataclass(frozen=True, eq=False)
class Slice:
    """course of a slice;  place along its axis [m], 0 of a volume;  readouts (n,) that are its own;  state (n,) which
    state of the course each of them finds;  phase (n,) of the excitation that each comes from [rad]."""

    course: Course
    place: float
    readouts: Index
    state: Index
    phase: NDArray[np.float64]


def slices(sequence: Sequence) -> tuple[Slice, ...]:
    """The course of every slice, or of the volume.

    Raises UsageError naming what a sequence has that a course cannot say.
    """
    for rf in sequence.rf:
        if rf.use not in KINDS:
            raise UsageError(
                f"sequence '{sequence.name}' has a pulse for {rf.use.name.lower()}, and only excitation, refocusing "
                "and inversion are known here",
                remedy="Mark what the pulse is for, or use --method auto.",
            )
    drive, splits = Drive(sequence), [turns(rf) for rf in sequence.rf]
    played = pulses(drive, splits)
    phase = phases(drive, played, splits)
    kind = np.array([KINDS[sequence.rf[i].use] for i in played.rf], np.int64)
    if not (kind == EXCITE).any():
        raise UsageError(f"sequence '{sequence.name}' has no excitation", remedy="Mark its pulses (use 'e').")
    volume = sequence.encoding is None or sequence.encoding.volume
    readouts = sequence.readout_blocks
    zero = np.zeros(len(readouts), np.int64)
    SLC = zero if volume else sequence.labels.get("SLC", zero)
    where, found = _places(sequence, played.block), []
    for s in range(int(SLC.max(initial=0)) + 1):
        own = np.flatnonzero(SLC == s)
        last = np.searchsorted(played.block, readouts[own], side="right") - 1
        heard = _latest(kind == EXCITE)[last]
        if (heard < 0).any() or (last < 0).any():
            raise UsageError("a readout comes before any excitation", remedy="Mark the excitation pulses (use 'e').")
        here = np.median(where[heard])
        acting = np.flatnonzero(np.isnan(where) | np.isnan(here) | (np.abs(where - here) < 1e-4))
        course, state = _course(sequence, played, kind, phase, acting, own)
        found.append(Slice(course, 0.0 if np.isnan(here) else float(here), own, state, phase[heard]))
    return tuple(found)


def _course(
    sequence: Sequence, played: Any, kind: Index, phase: NDArray[np.float64], acting: Index, own: Index
) -> tuple[Course, Index]:
    t, rfs = played.centre[acting], [sequence.rf[i] for i in played.rf[acting]]
    kind = kind[acting]
    readouts = sequence.readout_blocks[own]
    adc = [sequence.adc[a] for a in sequence.blocks[readouts, 4]]
    echo = sequence.block_starts[readouts] + [a.delay + a.n_samples * a.dwell / 2 for a in adc]
    last = np.searchsorted(t, echo) - 1
    excited = _latest(kind == EXCITE)[last]
    n_refocus = np.cumsum(kind == REFOCUS)
    first = np.searchsorted(n_refocus, n_refocus[excited] + 1)
    refocused = n_refocus[last] - n_refocus[excited]
    inverted = _latest(kind == INVERT)
    n_excite = np.cumsum(kind == EXCITE) - (kind == EXCITE)
    earlier = np.concatenate([[-1], _latest(kind == EXCITE)[:-1]])
    left = np.abs(played.moment[acting, 1, :3] - played.moment[acting[np.maximum(earlier, 0)], 1, :3]).max(axis=1)
    level = (left < SPOILED) & (earlier >= 0)
    if len(excited):
        level[:] = level[excited[-1]]  # a starter pulse before the train is part of it
    course = Course(
        kind=kind,
        played=acting,
        t=t,
        angle=np.array([rf.flip_angle for rf in rfs]),
        phase=phase[acting],
        echo=echo,
        excited=excited,
        before=earlier[excited],
        refocused=refocused,
        first=np.where(refocused > 0, first, -1),
        ordinal=(n_excite - np.where(inverted >= 0, n_excite[np.maximum(inverted, 0)], 0))[excited],
        inverted=inverted[excited],
        balanced=level[excited],
    )
    states, state = _distinct(course, last)
    return course.take(states), state


def moved(sequence: Sequence, played: Pulses, acting: Index, kind: Index) -> NDArray[np.float64]:
    """(n, 3) moment since the one before of some pulses [1/m]: along encoded axes only what is alike every time.

    acting  (n,) which of all pulses;  kind  (n,) of each
    """
    found = np.diff(played.moment[acting, 1, :3], axis=0, prepend=0.0)
    if sequence.encoding is None:
        return found
    encoded = [sequence.encoding.phase_axis] + [sequence.encoding.slice_axis] * sequence.encoding.volume
    t = played.centre[acting]
    wait = np.round(np.diff(t, prepend=t[0]), 8)
    _, alike = np.unique(np.stack([kind, np.roll(kind, 1), wait], axis=1), axis=0, return_inverse=True)
    for a in range(int(alike.max()) + 1):
        own = np.flatnonzero(alike.ravel() == a)
        for axis in encoded:
            found[own, axis] = np.median(found[own, axis])
    return found


def _latest(mask: NDArray[np.bool_]) -> Index:
    """(n,) index of the last true entry at or before each; -1 where there is none."""
    return np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))


def _places(sequence: Sequence, blocks: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n_pulses,) where along the slice axis each pulse is centred [m]; NaN for one that selects nothing."""
    if sequence.encoding is None:
        return np.full(len(blocks), np.nan)
    axis = sequence.encoding.slice_axis
    kinds, which = np.unique(sequence.blocks[blocks][:, [0, 1 + axis]], axis=0, return_inverse=True)
    place = np.full(len(kinds), np.nan)
    for i, (r, g) in enumerate(kinds):
        rf = sequence.rf[r]
        G = 0.0 if g == NONE else float(np.interp(rf.centre, sequence.gradients[g].t, sequence.gradients[g].g, 0, 0))
        place[i] = rf.freq / G if G else np.nan
    return place[which]


def _distinct(course: Course, last: Index) -> tuple[Index, Index]:
    """States that differ, and which one each readout finds: once a periodic train is steady, its periods are one.

    A train is steady when LONGEST_T1 remembers no more than REMEMBERED of what was before it, at half of its angles.
    """
    wait = np.diff(course.t, prepend=course.t[0])
    pattern = np.stack([course.kind, np.round(course.angle, 6), np.round(wait, 8)], axis=1)
    n, start = len(pattern), min(3, len(pattern) - 1)
    tail = pattern[start:]
    period = next((q for q in range(1, len(tail) // 2 + 1) if (tail[q:] == tail[:-q]).all()), n)
    least = np.maximum(np.abs(np.cos(course.angle / 2)), np.abs(np.cos(course.angle)))
    kept = np.where(course.kind == EXCITE, least, 1.0) * np.exp(-wait / LONGEST_T1)
    memory = float(np.log(np.maximum(kept[start : start + period], 1e-6)).sum())
    periods = max(2, int(np.ceil(np.log(REMEMBERED) / min(memory, -1e-9))))
    limit = start + period * periods
    beyond = np.maximum(course.excited - limit, -1) // period + 1  # whole periods after the train is steady
    shift = np.where(course.excited >= limit, beyond, 0) * period
    since = np.round(course.echo - course.t[course.excited], 8)
    key = np.stack([course.excited - shift, course.refocused, since], axis=1)
    _, states, state = np.unique(key, axis=0, return_index=True, return_inverse=True)
    same = np.array([np.flatnonzero(state == j)[0] for j in range(len(states))])
    return same.astype(np.int64), state.astype(np.int64)
