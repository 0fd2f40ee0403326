"""What the scanner plays between two times, channel by channel: for pictures and for comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RF, RFUse
from spinloom.sequence.rf_use import rotation_angle
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]
TURN = 0.1  # of the phase of a pulse between two points drawn [rad]


@dataclass(frozen=True, eq=False)
class Pulse:
    """A pulse in time: where it acts, how far it turns a spin on resonance [rad], what it is for."""

    centre: float
    flip_angle: float
    use: RFUse


@dataclass(frozen=True, eq=False)
class Waveforms:
    """Channels as lines to draw: linear between neighbouring points, zero outside; a step is two points at one time.

    start, stop  [s]
    rf_t         (n,) [s];  rf (n,) complex γB1 with all phases and offsets [Hz]
    gradient_t   three (n,) [s];  gradient: three (n,) along x, y, z [Hz/m]
    adc          (window, 2) first and last instant of each readout [s]
    adc_t        (n,) sample times of all readouts [s]
    pulses       in order of time
    borders      (n,) starts of the blocks [s]
    """

    start: float
    stop: float
    rf_t: FloatArray
    rf: NDArray[np.complex128]
    gradient_t: tuple[FloatArray, FloatArray, FloatArray]
    gradient: tuple[FloatArray, FloatArray, FloatArray]
    adc: FloatArray
    adc_t: FloatArray
    pulses: tuple[Pulse, ...]
    borders: FloatArray


def waveforms(sequence: Sequence, start: float = 0.0, stop: float | None = None) -> Waveforms:
    """All blocks that overlap [start, stop), as lines.

    start, stop  [s]; stop None: to the end
    returns      Waveforms; whole blocks, so lines may reach a little beyond the interval
    """
    begins = sequence.block_starts
    stop = sequence.duration if stop is None else stop
    chosen = np.flatnonzero((begins < stop) & (begins + sequence.durations > start))
    rf: list[tuple[FloatArray, NDArray[np.complex128]]] = []
    lines: tuple[list[FloatArray], list[FloatArray], list[FloatArray]] = ([], [], [])
    heights: tuple[list[FloatArray], list[FloatArray], list[FloatArray]] = ([], [], [])
    windows: list[tuple[float, float]] = []
    samples: list[FloatArray] = []
    pulses: list[Pulse] = []
    angles: dict[tuple[bytes, bytes], float] = {}
    for i in chosen:
        begin, block = begins[i], sequence.block(int(i))
        if block.rf is not None:
            t, b1 = staircase(block.rf)
            rf.append((begin + t, b1))
            shape = (block.rf.edges.tobytes(), block.rf.signal.tobytes())
            if shape not in angles:
                angles[shape] = rotation_angle(block.rf)
            pulses.append(Pulse(begin + block.rf.centre, angles[shape], block.rf.use))
        for axis, gradient in enumerate(block.gradients):
            if gradient is not None:
                _append(lines[axis], heights[axis], begin + gradient.t, gradient.g)
        if block.adc is not None:
            windows.append((begin + block.adc.delay, begin + block.adc.end))
            samples.append(begin + block.adc.times)
    empty = np.zeros(0)
    x, y, z = (np.concatenate([empty, *part]) for part in lines)
    gx, gy, gz = (np.concatenate([empty, *part]) for part in heights)
    return Waveforms(
        start=start,
        stop=stop,
        rf_t=np.concatenate([empty, *(t for t, _ in rf)]),
        rf=np.concatenate([empty.astype(complex), *(b1 for _, b1 in rf)]),
        gradient_t=(x, y, z),
        gradient=(gx, gy, gz),
        adc=np.array(windows, float).reshape(-1, 2),
        adc_t=np.concatenate([empty, *samples]),
        pulses=tuple(pulses),
        borders=begins[chosen],
    )


def _append(times: list[FloatArray], heights: list[FloatArray], t: FloatArray, g: FloatArray) -> None:
    """Add a gradient that comes from zero and goes to zero, or meets the one before it."""
    if times and t[0] - times[-1][-1] < 1e-9:
        times[-1], heights[-1] = times[-1][:-1], heights[-1][:-1]
    else:
        t, g = np.concatenate([t[:1], t]), np.concatenate([[0.0], g])
    times.append(np.concatenate([t, t[-1:]]))
    heights.append(np.concatenate([g, [0.0]]))


def staircase(rf: RF) -> tuple[FloatArray, NDArray[np.complex128]]:
    """A pulse as a line: two points per step, zero before and after.

    With an offset, steps are cut into pieces that turn by at most 0.1 rad.

    returns  times from the start of the block (2 n + 2,) [s], γB1 with phase and offset (2 n + 2,) [Hz]
    """
    length = np.diff(rf.edges)
    pieces = np.maximum(1, np.ceil(2 * np.pi * abs(rf.freq) * length / TURN)).astype(int)
    first = np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(rf.edges[:-1], pieces) + (np.arange(len(first)) - first) * np.repeat(length / pieces, pieces)
    t = np.repeat(np.append(starts, rf.end), 2)
    b1 = np.concatenate([[0.0], np.repeat(np.repeat(rf.signal, pieces), 2), [0.0]])
    return t, b1 * np.exp(1j * (rf.phase + 2 * np.pi * rf.freq * (t - rf.edges[0])))


def first_repetition(sequence: Sequence) -> tuple[float, float]:
    """Start and stop of the repetition that holds the first readout [s].

    It runs from the inversion, saturation or preparation pulse before that readout to the next such pulse; without
    any, from the excitation before it to the next excitation. The last repetition ends with the sequence.
    """
    readouts, starts = sequence.readout_blocks, sequence.block_starts
    blocks = np.flatnonzero(sequence.blocks[:, 0] != NONE)
    uses = [sequence.rf[i].use for i in sequence.blocks[blocks, 0]]
    if not len(readouts):
        return 0.0, sequence.duration
    prepares = np.array([u in (RFUse.INVERSION, RFUse.SATURATION, RFUse.PREPARATION) for u in uses], bool)
    excites = np.array([u in (RFUse.EXCITATION, RFUse.UNDEFINED) for u in uses], bool)
    opening = blocks[prepares if prepares.any() else excites]
    if prepares.any():  # of several in a row the first opens
        before = np.searchsorted(blocks[excites], opening)
        opening = opening[np.concatenate([[True], np.diff(before) > 0])]
    first = opening[opening <= readouts[0]]
    after = opening[opening > readouts[0]]
    return (
        float(starts[first[-1]]) if len(first) else 0.0,
        float(starts[after[0]]) if len(after) else sequence.duration,
    )
