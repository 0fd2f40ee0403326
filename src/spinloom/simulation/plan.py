"""A sequence as the few tables a kernel needs: unique pulses, unique readouts, and what happens in order.

Between two pulses the state is never touched: gradients add up to one moment, delays to one duration. A readout is a
list of (time, moment) counted from the last pulse.

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

from spinloom.core.errors import InputError
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import integral
from spinloom.simulation import kernels
from spinloom.simulation.moments import moments, rf_steps

FloatArray = NDArray[np.float64]
MEMO = 4096


@dataclass(frozen=True, eq=False)
class Plan:
    """What a kernel walks through.

    ops      (n, 5) int: RF: [0, pulse, 0, 0, 0]; READ: [1, first row of `samples`, count, first output, straight]
    par      (n, 6) duration [s] and moment x, y, z [1/m] since the last pulse; then for RF the turns about z before and
             after the pulse [rad]; for READ |tau| at the first sample [s] and its slope, tau the time since the last
             nominal echo
    steps    (n_steps, 6) of all unique pulses, see moments.rf_steps
    pulses   (n_pulses, 3) int: first and last + 1 row of `steps`, memo slot or -1 where it is used only once
    pulse_f0 (n_pulses,) frequency of the pulse's frame [Hz]
    samples  (n, 4) of all unique readouts: time [s] and moment [1/m] of each sample from the start of its block
    demod    (n_outputs,) the receiver's factor
    """

    ops: NDArray[np.int64]
    par: FloatArray
    steps: FloatArray
    pulses: NDArray[np.int64]
    pulse_f0: FloatArray
    samples: FloatArray
    demod: NDArray[np.complex128]

    @property
    def n_maps(self) -> int:
        return int((self.pulses[:, 2] >= 0).sum())


@dataclass(frozen=True)
class Turns:
    """How a pulse's phase enters: angles about z before and after its memoised shape [rad], and the shape [Hz]."""

    before: float
    after: float
    shape: NDArray[np.complex128]


def centre(rf: RF) -> float:
    """The pulse's own centre, or the middle if that lies outside it [s]."""
    inside = rf.edges[0] <= rf.centre <= rf.edges[-1]
    return rf.centre if inside and rf.centre > 0 else float(rf.edges[0] + rf.edges[-1]) / 2


def turns(rf: RF) -> Turns:
    """Split a pulse into its phase at the centre, its frequency and its shape (see the module's note on phases)."""
    tc = centre(rf)
    size = np.abs(rf.signal)
    i = min(int(np.searchsorted(rf.edges, tc, side="right")) - 1, len(size) - 1)
    if size[i] < 1e-6 * size.max(initial=0.0):
        i = int(np.argmax(size))
    at_centre = float(np.angle(rf.signal[i]))
    P = at_centre + rf.phase + 2 * np.pi * rf.freq * (tc - rf.edges[0])
    return Turns(
        before=-P + 2 * np.pi * rf.freq * (rf.edges[0] - tc),
        after=P - 2 * np.pi * rf.freq * (rf.edges[-1] - tc),
        shape=np.conj(rf.signal * np.exp(-1j * at_centre)),
    )


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
    scale = np.array([abs(s[-1, 0] - s[0, 0]), *[max(1.0, np.abs(s[:, 1:]).max())] * 3])
    return bool(np.all(np.abs(s - line) <= 1e-9 * scale))


class _Writer:
    """Grows the tables block by block; one per call of `plan`.

    Gradients, pulses and readouts that several blocks share are worked out once.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.ops: list[tuple[int, int, int, int, bool]] = []
        self.par: list[tuple[float, ...]] = []
        self.steps: list[FloatArray] = []
        self.f0: list[float] = []
        self.samples: list[FloatArray] = []
        self.demod: list[NDArray[np.complex128]] = []
        self.n_rows = 0
        self.n_out = 0
        self._area: dict[tuple[int, float], float] = {}
        self._pulse: dict[object, int] = {}
        self._turns: dict[int, tuple[Turns, int]] = {}
        self._shape: dict[object, int] = {}
        self._readout: dict[object, tuple[int, FloatArray]] = {}
        self._demod: dict[int, NDArray[np.complex128]] = {}
        self._straight: dict[tuple[int, int], bool] = {}

    def passed(self, block: Block, time: float) -> FloatArray:
        """(4,) time and moment from the block's start to a time in it."""
        return np.array([time, *(0.0 if g is None else self.area(g, time) for g in block.gradients)])

    def area(self, g: Gradient, time: float) -> float:
        key = (id(g), time)
        if key not in self._area:
            self._area[key] = float(integral(g, np.array(time)))
        return self._area[key]

    def readout(self, adc: ADC, block: Block) -> tuple[int, FloatArray]:
        """First row in `samples`, and those rows."""
        key = (adc.n_samples, adc.dwell, adc.delay, *(id(g) for g in block.gradients))
        if key not in self._readout:
            s = np.column_stack([adc.times, moments(block.gradients, adc.times)])
            self._readout[key] = (self.n_rows, s)
            self.samples.append(s)
            self.n_rows += len(s)
        return self._readout[key]

    def pulse(self, rf: RF, block: Block, since: FloatArray) -> None:
        if id(rf) not in self._turns:
            split = turns(rf)
            same = (split.shape.tobytes(), rf.edges.tobytes(), rf.freq)
            self._turns[id(rf)] = split, self._shape.setdefault(same, len(self._shape))
        turn, shape = self._turns[id(rf)]
        key = (shape, *(id(g) for g in block.gradients))
        if key not in self._pulse:
            self._pulse[key] = len(self.steps)
            self.steps.append(rf_steps(rf, turn.shape, block.gradients, self.longest))
            self.f0.append(rf.freq)
        self.ops.append((kernels.RF, self._pulse[key], 0, 0, False))
        self.par.append((*since, turn.before, turn.after))

    def read(self, first: int, s: FloatArray, since: FloatArray, tau: float) -> None:
        """Samples s, cut where tau changes sign; `since` and `tau` at the block's start."""
        late = tau + s[:, 0]
        echo = int(np.searchsorted(late, 0.0))
        for lo, hi, sign in ((0, echo, -1.0), (echo, len(s), 1.0)):
            if hi > lo:
                if (first + lo, hi - lo) not in self._straight:
                    self._straight[first + lo, hi - lo] = is_straight(s[lo:hi])
                self.ops.append((kernels.READ, first + lo, hi - lo, self.n_out, self._straight[first + lo, hi - lo]))
                self.par.append((*since, abs(late[lo]), sign))
                self.n_out += hi - lo

    def receive(self, adc: ADC) -> None:
        if id(adc) not in self._demod:
            self._demod[id(adc)] = demodulation(adc)
        self.demod.append(self._demod[id(adc)])

    def finish(self) -> Plan:
        ops = np.array(self.ops, np.int64).reshape(-1, 5)
        ends = np.cumsum([len(s) for s in self.steps], dtype=np.int64)
        used = np.bincount(ops[ops[:, 0] == kernels.RF, 1], minlength=len(ends))
        memo = np.where((used > 1) & (np.cumsum(used > 1) <= MEMO), np.cumsum(used > 1) - 1, -1)
        return Plan(
            ops=ops,
            par=np.array(self.par, float).reshape(-1, 6),
            steps=np.concatenate([np.empty((0, 6)), *self.steps]),
            pulses=np.column_stack([ends - [len(s) for s in self.steps], ends, memo]).astype(np.int64).reshape(-1, 3),
            pulse_f0=np.array(self.f0, float),
            samples=np.concatenate([np.empty((0, 4)), *self.samples]),
            demod=np.concatenate([np.empty(0, complex), *self.demod]),
        )


def plan(sequence: Sequence, longest: float) -> Plan:
    """Sequence → Plan.

    longest  step through a pulse up to which its own steps are merged [s]; see moments.rf_steps
    """
    write = _Writer(longest)
    since = np.zeros(4)  # duration and moment since the last pulse, at the start of the block
    tau = 0.0  # time since the last nominal echo, at the start of the block
    for i, block in enumerate(sequence):
        rf, adc = block.rf, block.adc
        first, s = (0, np.empty((0, 4))) if adc is None else write.readout(adc, block)
        early = 0
        if rf is not None:
            early = int(np.searchsorted(s[:, 0], rf.edges[0]))
            if early < len(s) and s[early, 0] < rf.end:
                raise InputError(
                    f"block {i + 1} of the sequence samples the signal while a pulse plays",
                    remedy="Separate the ADC from the RF pulse; receiving during transmission is not simulated.",
                )
            if early:
                write.read(first, s[:early], since, tau)
            write.pulse(rf, block, since + write.passed(block, float(rf.edges[0])))
            tau = echo_after(rf, tau)
            since = -write.passed(block, rf.end)
        if adc is not None:
            if early < len(s):
                write.read(first + early, s[early:], since, tau)
            write.receive(adc)
        since = since + write.passed(block, block.duration)
        tau += block.duration
    return write.finish()


def echo_after(rf: RF, tau: float) -> float:
    """tau at the block's start as if it had begun after the pulse: it is 0 at an excitation and negated by refocusing.

    Undefined pulses count as excitations, as in sequence.trajectory.
    """
    if rf.use in (RFUse.EXCITATION, RFUse.UNDEFINED):
        return -centre(rf)
    if rf.use is RFUse.REFOCUSING:
        return -(tau + centre(rf)) - centre(rf)
    return tau
