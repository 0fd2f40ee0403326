"""What the scanner plays between two times, channel by channel: for pictures and for comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RF, RFUse
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]


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
    for i in chosen:
        begin, block = begins[i], sequence.block(int(i))
        if block.rf is not None:
            t, b1 = staircase(block.rf)
            rf.append((begin + t, b1))
            pulses.append(Pulse(begin + block.rf.centre, block.rf.flip_angle, block.rf.use))
        for axis, gradient in enumerate(block.gradients):
            if gradient is not None:
                lines[axis].append(begin + gradient.t[[0, *range(len(gradient.t)), -1]])
                heights[axis].append(np.concatenate([[0.0], gradient.g, [0.0]]))
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


def staircase(rf: RF) -> tuple[FloatArray, NDArray[np.complex128]]:
    """A pulse as a line: two points per step, zero before and after.

    returns  times from the start of the block (2 n + 2,) [s], γB1 with phase and offset (2 n + 2,) [Hz]
    """
    t = np.repeat(rf.edges, 2)
    b1 = np.concatenate([[0.0], np.repeat(rf.signal, 2), [0.0]])
    return t, b1 * np.exp(1j * (rf.phase + 2 * np.pi * rf.freq * (t - rf.edges[0])))


def one_repetition(sequence: Sequence) -> tuple[float, float]:
    """Start and stop of a stretch worth looking at [s]: from the first pulse of the repetition that holds the
    first readout to the same pulse of the next one; the whole sequence if there is no next one.

    A repetition is opened by an inversion, saturation or preparation pulse, or by an excitation with none before it.
    """
    used = sequence.blocks[:, 0]
    blocks = np.flatnonzero(used != NONE)
    opening, fresh = [], True
    has_adc = sequence.blocks[:, 4] != NONE
    previous = 0
    for b in blocks:
        use = sequence.rf[used[b]].use
        if has_adc[previous:b].any() and use is not RFUse.REFOCUSING:
            fresh = True
        if fresh and use is not RFUse.REFOCUSING:
            opening.append(int(b))
            fresh = False
        if use is RFUse.EXCITATION and not has_adc[b:].any():
            break
        previous = int(b)
    starts = sequence.block_starts
    readouts = sequence.readout_blocks
    if not opening or not len(readouts):
        return 0.0, sequence.duration
    first = max((b for b in opening if b <= readouts[0]), default=opening[0])
    after = [b for b in opening if b > readouts[0]]
    return float(starts[first]), float(starts[after[0]]) if after else sequence.duration
