"""A plan as the card wants it: pulses in turns per step, in single precision; which of them are worth a map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.cuda_pulse import MORE
from spinloom.simulation.kernels import READ, RF
from spinloom.simulation.plan import Plan
from spinloom.simulation.spins import Spins

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

STEP, MAP_STEP, APPLY = 45, 111, 430
"""Instruction slots per spin: a step of a pulse; a step of its map (four columns, one rotation); and a map applied, 9
multiply-adds and 48 bytes at 8.8 slots in the time of a byte (H100: 29.6e12 slots/s, 3.35e12 bytes/s)."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Plan's tables, those of pulses apart; see plan.Plan.

    ops      (n, 5) int32, outputs counted from the first of the window
    turn_z   (n, 4) cos and sin of the turn about z before and after a pulse
    first    output of the scan at which the window starts;  n_outputs of the window
    """

    ops: Ints
    par: Floats
    turn_z: NDArray[np.float32]
    moment: Floats
    samples: Floats
    first: int
    n_outputs: int


@dataclass(frozen=True, eq=False)
class Pulses:
    """All unique pulses.

    steps   (n, 8 + n_extra_terms) see cuda_pulse
    pulses  (n_pulses, 3) int32 first and last + 1 row of `steps`, row of maps or -1 where steps are walked each time
    """

    steps: NDArray[np.float32]
    pulses: Ints

    @property
    def n_maps(self) -> int:
        return int(self.pulses[:, 2].max(initial=-1)) + 1


def tables(todo: Plan) -> Tables:
    """The whole plan as one window."""
    before, after = todo.par[:, 1], todo.par[:, 2]
    turn_z = np.stack([np.cos(before), np.sin(before), np.cos(after), np.sin(after)], axis=1)
    nothing = np.zeros((1, 1 + todo.moment.shape[1]))
    return Tables(
        ops=todo.ops.astype(np.int32),
        par=todo.par,
        turn_z=turn_z.astype(np.float32),
        moment=todo.moment,
        samples=todo.samples if len(todo.samples) else nothing,
        first=0,
        n_outputs=len(todo.demod),
    )


def windows(whole: Tables, most: int) -> Iterator[Tables]:
    """Consecutive parts of at most `most` outputs each (but one readout at least), each from the start of the scan."""
    reads = np.flatnonzero(whole.ops[:, 0] == READ)
    begin, last = 0, 0
    while last < len(reads):
        first = int(whole.ops[reads[last], 3])
        ends = whole.ops[reads, 3].astype(np.int64) + whole.ops[reads, 2]
        last = max(last + 1, int(np.searchsorted(ends, first + most, side="right")))
        until = int(reads[last - 1]) + 1
        keep = np.flatnonzero((whole.ops[:until, 0] == RF) | (np.arange(until) >= reads[begin]))
        ops = whole.ops[keep]
        ops[ops[:, 0] == READ, 3] -= first
        yield replace(
            whole,
            ops=ops,
            par=whole.par[keep],
            turn_z=whole.turn_z[keep],
            moment=whole.moment[keep],
            first=first,
            n_outputs=int(ends[last - 1]) - first,
        )
        begin = last


def fastest_axis(todo: Plan, spins: Spins) -> Floats:
    """(n_steps,) bound on |(u, v, w)| [turns] of each step over a batch of spins."""
    q, extra = todo.steps, spins.spin[8:]
    most = np.abs(spins.spin).max(axis=1)
    along = np.abs(q[:, 3:6]) @ most[:3] + most[5] + np.abs(todo.pulse_f0).max(initial=0.0)
    along += np.abs(q[:, 6:]) @ np.abs(extra).max(axis=1, initial=0.0)
    return np.asarray(q[:, 0] * np.hypot(np.hypot(q[:, 1], q[:, 2]) * most[6], along), float)


def split(todo: Plan, bound: Floats, most_maps: int) -> Pulses:
    """Pulses with steps cut so that no spin turns by more than half a turn in one, with maps where they are cheaper.

    bound      (n_steps,) largest turn of any spin [turns]
    most_maps  what memory allows
    """
    parts = np.maximum(1, np.ceil(2 * bound * (1 + 1e-6))).astype(np.int64)
    used = np.bincount(todo.ops[todo.ops[:, 0] == RF, 1], minlength=len(todo.pulses))
    rows, ends, slots = [np.empty((0, MORE + todo.steps.shape[1] - 6))], [0], []
    n_maps = 0
    for (lo, hi, _), times in zip(todo.pulses, used, strict=True):
        q = np.repeat(todo.steps[lo:hi], parts[lo:hi], axis=0)
        dt = q[:, 0] / np.repeat(parts[lo:hi], parts[lo:hi])
        then = (dt + np.append(dt[1:], 0.0)) / 2
        before = np.concatenate([dt[:1] / 2, then[:-1]])
        new = np.abs(then - before) > 1e-9 * before
        rows.append(np.column_stack([q[:, 1:6] * dt[:, None], dt, then, new, q[:, 6:] * dt[:, None]]))
        ends.append(ends[-1] + len(dt))
        walked, kept = times * STEP * len(dt), MAP_STEP * len(dt) + times * (9 + APPLY)
        worth = kept < walked and n_maps < most_maps
        slots.append(n_maps if worth else -1)
        n_maps += worth
    return Pulses(
        steps=np.concatenate(rows).astype(np.float32),
        pulses=np.column_stack([ends[:-1], ends[1:], slots]).astype(np.int32).reshape(-1, 3),
    )
