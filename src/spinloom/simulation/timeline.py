"""When every pulse and every readout takes place, and how much of each gradient has passed by then.

Worked out once per unique event, in arrays: a scan has many blocks and few kinds of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.sequence.events import RF, RFUse
from spinloom.sequence.sequence import NONE
from spinloom.simulation.drive import Drive, kinds
from spinloom.simulation.moments import moments

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Turns:
    """How a pulse's phase enters: angles about z before and after its memoised shape [rad], and the shape [Hz]."""

    before: float
    after: float
    shape: NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Pulses:
    """All pulses in order.

    block   (n,) the block each plays in
    unique  (n,) which unique (shape, gradients) it is;  rf (n,) index of its event
    start, centre, end  (n,) [s] since the start of the scan
    moment  (n, 3, n_terms) since the start of the scan, at those three instants
    echo    (n,) when spins would be in phase again after it [s]: its own centre for an excitation, the mirror image of
            the last such moment for a refocusing pulse
    example (n_unique,) a pulse of each kind
    """

    block: NDArray[np.intp]
    unique: NDArray[np.intp]
    rf: NDArray[np.intp]
    start: FloatArray
    centre: FloatArray
    end: FloatArray
    moment: FloatArray
    echo: FloatArray
    example: NDArray[np.intp]


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


def pulses(drive: Drive, splits: list[Turns]) -> Pulses:
    """Every pulse with what has passed by then; splits: `turns` of each unique RF event."""
    sequence = drive.sequence
    block = np.flatnonzero(sequence.blocks[:, 0] != NONE)
    rf = sequence.blocks[block, 0].astype(np.intp)
    n = len(block)
    instants, moment = np.empty((n, 3)), np.empty((n, 3, drive.n_terms))
    played = drive.table[block]
    example, which = kinds(rf, *played.T)
    shapes: dict[object, int] = {}
    same = np.array(
        [
            shapes.setdefault((s.shape.tobytes(), e.edges.tobytes(), e.freq), len(shapes))
            for s, e in zip(splits, sequence.rf, strict=True)
        ],
        np.int64,
    )
    own, inside = np.empty((len(example), 3)), np.empty((len(example), 3, drive.n_terms))
    for i, j in enumerate(example):
        event = sequence.rf[rf[j]]
        own[i] = event.edges[0], centre(event), event.edges[-1]
        inside[i] = moments(drive.playing(played[j]), own[i])
    if n:
        instants = own[which] + sequence.block_starts[block, None]
        moment = inside[which] + drive.before[block, None, :]
    first, unique = kinds(same[rf] if n else rf, *played.T)
    echo, now = np.empty(n), 0.0
    for i, (r, T) in enumerate(zip(rf.tolist(), instants[:, 1].tolist(), strict=True)):
        now = echo_after(sequence.rf[r], T, now)
        echo[i] = now
    start, middle, end = instants.T
    return Pulses(block, unique, rf, start, middle, end, moment, echo, first)


def echo_after(rf: RF, T: float, echo: float) -> float:
    """When spins are next in phase after a pulse at T [s]; undefined pulses excite, as in sequence.trajectory."""
    if rf.use in (RFUse.EXCITATION, RFUse.UNDEFINED):
        return T
    return 2 * T - echo if rf.use is RFUse.REFOCUSING else echo


@dataclass(frozen=True, eq=False)
class Readouts:
    """All readouts, cut where a pulse comes after some of their samples; one entry per piece, in order.

    block       (n,) the block it lies in;  last (n,) the pulse before it, -1 for none;  order (n,) 0 before the
                pulse of its own block, 2 after it
    window      (n,) which unique pattern of samples
    lo, hi      (n,) samples of the window that belong to the piece
    windows     unique patterns, each (n_samples, 1 + n_terms), see Plan.samples
    """

    block: NDArray[np.intp]
    last: NDArray[np.intp]
    order: NDArray[np.intp]
    window: NDArray[np.intp]
    lo: NDArray[np.intp]
    hi: NDArray[np.intp]
    windows: list[FloatArray]


def readouts(drive: Drive, played: Pulses) -> Readouts:
    """Every readout and what it samples; InputError if it samples while a pulse plays."""
    sequence = drive.sequence
    block = sequence.readout_blocks
    timing: dict[object, int] = {}
    grid = np.array([timing.setdefault((a.n_samples, a.dwell, a.delay), len(timing)) for a in sequence.adc], np.int64)
    adc = sequence.blocks[block, 4]
    example, window = kinds(grid[adc] if len(adc) else adc, *drive.table[block].T)
    windows = []
    for j in example:
        times = sequence.adc[adc[j]].times
        windows.append(np.column_stack([times, moments(drive.playing(drive.table[block[j]]), times)]))
    size = np.array([len(w) for w in windows], np.intp)[window] if len(windows) else np.empty(0, np.intp)
    own = sequence.blocks[block, 0]
    early = np.zeros(len(block), np.intp)
    for i in np.flatnonzero(own != NONE):
        rf, times = sequence.rf[own[i]], windows[window[i]][:, 0]
        early[i] = np.searchsorted(times, rf.edges[0])
        if early[i] < len(times) and times[early[i]] < rf.end:
            raise InputError(
                f"block {block[i] + 1} of the sequence samples the signal while a pulse plays",
                remedy="Separate the ADC from the RF pulse; receiving during transmission is not simulated.",
            )
    pieces = []
    for order, lo, hi, side in ((0, np.zeros_like(early), early, "left"), (2, early, size, "right")):
        some = np.flatnonzero(hi > lo)
        last = np.searchsorted(played.block, block[some], side=side) - 1  # type: ignore[call-overload]
        pieces.append((block[some], last, np.full(len(some), order), window[some], lo[some], hi[some]))
    piece = [np.concatenate(c) for c in zip(*pieces, strict=True)]
    sort = np.lexsort((piece[2], piece[0]))
    block, last, turn, window, lo, hi = (c[sort] for c in piece)
    return Readouts(block, last, turn, window, lo, hi, windows)
