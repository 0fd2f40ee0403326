"""A sequence as the few tables a kernel needs: unique pulses, unique readouts, and what happens in order.

Between two pulses the state is never touched: gradients add up to one moment, delays to one duration. A readout is a
list of (time, moment) counted from the last pulse. Everything is worked out once per unique event.

Phases. A pulse's phase at its centre, P, enters as it stands: a pulse of phase P turns M about (cos P, sin P, 0), which
is KomaMRI's sense. The change of its phase about the centre (a frequency offset, a modulated shape) runs in the sense
in which spins turn in this frame, so that a frequency f > 0 meets the spins at G . r = f. The receiver's phase is taken
the same way, about the middle of its window: with P of the receiver equal to P of the pulse a signal keeps its phase,
and a receiver frequency G . r0 moves the field of view to r0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import ADC
from spinloom.sequence.sequence import Sequence
from spinloom.simulation import kernels
from spinloom.simulation.diffusion import b_values
from spinloom.simulation.drive import Drive, kinds
from spinloom.simulation.moments import rf_steps
from spinloom.simulation.timeline import Pulses, Readouts, Turns, pulses, readouts, turns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MEMO = 4096


@dataclass(frozen=True, eq=False)
class Plan:
    """What a kernel walks through.

    ops      (n, 5) int: RF: [0, pulse, 0, 0, 0]; READ: [1, first row of `samples`, count, first output, straight]
    par      (n, 4) duration [s] since the last pulse; then for RF the turns about z before and after the pulse [rad];
             for READ |tau| at the first sample [s] and its slope, tau the time since the last nominal echo, and the
             diffusion weighting b of the encoded echo [s/m^2]
    moment   (n, n_terms) moment of each term since the last pulse [1/m for the three gradients]
    steps    (n_steps, 3 + n_terms) of all unique pulses, see moments.rf_steps
    pulses   (n_pulses, 3) int: first and last + 1 row of `steps`, memo slot or -1 where it is used only once
    pulse_f0 (n_pulses,) frequency of the pulse's frame [Hz]
    samples  (n, 1 + n_terms) of all unique readouts: time [s] and moments of each sample from the start of its block
    demod    (n_outputs,) the receiver's factor
    """

    ops: IntArray
    par: FloatArray
    moment: FloatArray
    steps: FloatArray
    pulses: IntArray
    pulse_f0: FloatArray
    samples: FloatArray
    demod: NDArray[np.complex128]

    @property
    def n_maps(self) -> int:
        return int((self.pulses[:, 2] >= 0).sum())


def demodulation(adc: ADC) -> NDArray[np.complex128]:
    """(n_samples,) the receiver's factor exp(-i P) exp(+i (phi(t) - P)), P = phi in the middle of the window."""
    middle = adc.n_samples * adc.dwell / 2
    P = adc.phase + 2 * np.pi * adc.freq * middle
    change = 2 * np.pi * adc.freq * (adc.times - adc.delay - middle)
    if adc.phase_shape is not None:
        P += adc.phase_shape[adc.n_samples // 2]
        change = change + adc.phase_shape - adc.phase_shape[adc.n_samples // 2]
    return np.asarray(np.exp(-1j * P) * np.exp(1j * change), complex)


def is_straight(s: FloatArray) -> bool:
    """Whether samples are evenly spaced in time and along one line of k-space, to 1e-9 of the line's length."""
    if len(s) < 3:
        return True
    line = s[0] + np.arange(len(s))[:, None] * (s[-1] - s[0]) / (len(s) - 1)
    scale = np.maximum(np.abs(s).max(axis=0), 1.0)
    scale[0] = abs(s[-1, 0] - s[0, 0])
    scale[1:4] = scale[1:4].max()
    return bool(np.all(np.abs(s - line) <= 1e-9 * scale))


def plan(driven: Sequence | Drive, longest: float, *, diffusion: bool = False) -> Plan:
    """Sequence → Plan.

    driven   the sequence, with what else drives the spins if there is any
    longest  step through a pulse up to which its own steps are merged [s]; see moments.rf_steps
    diffusion  work out b as well

    Raises InputError if a readout samples while a pulse plays.
    """
    drive = driven if isinstance(driven, Drive) else Drive(driven)
    sequence = drive.sequence
    splits = [turns(rf) for rf in sequence.rf]
    played = pulses(drive, splits)
    read = readouts(drive, played)
    b = b_values(drive, played, read) if diffusion else np.zeros(len(read.block))
    parts = [*_reads(drive, played, read, b), _flips(drive, played, splits)]
    ops, par, moment, block, order = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("ops", "par", "moment", "block", "order")
    )
    sort = np.lexsort((order, block))
    ops, par, moment = ops[sort], par[sort], moment[sort]
    reading = ops[:, 0] == kernels.READ
    ops[reading, 3] = np.cumsum(ops[reading, 2]) - ops[reading, 2]

    steps = [
        rf_steps(
            sequence.rf[played.rf[j]], splits[played.rf[j]].shape, drive.playing(drive.table[played.block[j]]), longest
        )
        for j in played.example
    ]
    ends = np.cumsum([len(s) for s in steps], dtype=np.int64)
    used = np.bincount(played.unique, minlength=len(ends))
    memo = np.where((used > 1) & (np.cumsum(used > 1) <= MEMO), np.cumsum(used > 1) - 1, -1)
    received = [demodulation(adc) for adc in sequence.adc]
    return Plan(
        ops=ops,
        par=par,
        moment=np.ascontiguousarray(moment),
        steps=np.concatenate([np.empty((0, 3 + drive.n_terms)), *steps]),
        pulses=np.column_stack([ends - [len(s) for s in steps], ends, memo]).astype(np.int64).reshape(-1, 3),
        pulse_f0=np.array([sequence.rf[played.rf[j]].freq for j in played.example], float),
        samples=np.concatenate([np.empty((0, 1 + drive.n_terms)), *read.windows]),
        demod=np.concatenate(
            [np.empty(0, complex), *(received[i] for i in sequence.blocks[sequence.readout_blocks, 4])]
        ),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of Plan.ops, Plan.par and Plan.moment, with the block of each and its order within the block."""

    ops: IntArray
    par: FloatArray
    moment: FloatArray
    block: NDArray[np.intp]
    order: NDArray[np.intp]


def _flips(drive: Drive, played: Pulses, splits: list[Turns]) -> _Part:
    """What pulses do."""
    n = len(played.block)
    end, passed = _ends(drive, played)
    before = np.arange(n) - 1
    turn = np.array([(s.before, s.after) for s in splits]).reshape(-1, 2)[played.rf]
    ops = np.zeros((n, 5), np.int64)
    ops[:, 0], ops[:, 1] = kernels.RF, played.unique
    par = np.column_stack([played.start - end[before], turn, np.zeros(n)])
    return _Part(ops, par, played.moment[:, 0] - passed[before], played.block, np.full(n, 2, np.intp))


def _reads(drive: Drive, played: Pulses, read: Readouts, b: FloatArray) -> tuple[_Part, _Part]:
    """What readouts do before and after the nominal echo: the time since it runs down, then up."""
    start = drive.sequence.block_starts
    end, passed = _ends(drive, played)
    late = start[read.block] - np.concatenate([played.echo, [0.0]])[read.last]  # tau at the start of the block
    cut = read.lo.copy()
    for w, samples in enumerate(read.windows):
        of = np.flatnonzero(read.window == w)
        cut[of] = np.clip(np.searchsorted(samples[:, 0], -late[of]), read.lo[of], read.hi[of])
    rows = np.cumsum([0, *(len(w) for w in read.windows)])
    times = np.concatenate([*(s[:, 0] for s in read.windows), [0.0]])

    def part(lo: NDArray[np.intp], hi: NDArray[np.intp], sign: float, order: int) -> _Part:
        some = np.flatnonzero(hi > lo)
        window, first, stop = read.window[some], lo[some], hi[some]
        example, which = kinds(window, first, stop)
        even = np.array([is_straight(read.windows[window[j]][first[j] : stop[j]]) for j in example], np.int64)[which]
        row, none = rows[window] + first, np.zeros(len(some), np.int64)
        ops = np.column_stack([none + kernels.READ, row, stop - first, none, even])
        back = start[read.block[some]] - end[read.last[some]]
        par = np.column_stack([back, np.abs(late[some] + times[row]), np.full(len(some), sign), b[some]])
        moment = drive.before[read.block[some]] - passed[read.last[some]]
        return _Part(ops.astype(np.int64), par, moment, read.block[some], 2 * read.order[some] + order)

    return part(read.lo, cut, -1.0, 0), part(cut, read.hi, 1.0, 1)


def _ends(drive: Drive, played: Pulses) -> tuple[FloatArray, FloatArray]:
    """(n + 1,) when each pulse ends and (n + 1, n_terms) the moments by then; entry -1 is the start of the scan."""
    return (
        np.concatenate([played.end, [0.0]]),
        np.concatenate([played.moment[:, 2], np.zeros((1, drive.n_terms))]),
    )
