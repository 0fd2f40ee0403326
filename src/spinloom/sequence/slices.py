"""Where a pulse selects its slice, told from its offset, its gradient and its spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RF, RFUse
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]


def bandwidth(rf: RF) -> float:
    """Width at half maximum of the spectrum of a pulse [Hz].

        |∫ B1 exp(-2 pi i f t) dt| >= half of its maximum

    The small-tip slice profile is this spectrum; Pauly et al., J. Magn. Reson. 81, 43 (1989).
    """
    length = rf.end - rf.edges[0]
    f = np.linspace(-40 / length, 40 / length, 2001)
    first = np.arange(0, len(rf.signal), max(1, len(rf.signal) // 200))  # some 200 steps are enough
    area = np.add.reduceat(rf.signal * np.diff(rf.edges), first)
    start, stop = rf.edges[first], np.append(rf.edges[first[1:]], rf.end)
    wave = np.exp(-1j * np.pi * f[:, None] * (start + stop)) * np.sinc(f[:, None] * (stop - start))
    spectrum = np.abs(wave @ area)
    inside = np.flatnonzero(spectrum >= spectrum.max() / 2)
    return float(f[inside[-1]] - f[inside[0]] + f[1] - f[0])


def slice_of_readouts(sequence: Sequence, axis: int) -> tuple[FloatArray, float]:
    """Slice position of every readout along one axis, from the excitation before it.

        position = pulse offset / gradient amplitude

    axis     0, 1, 2 = x, y, z
    returns  (readout,) [m], and the slice thickness of the first excitation [m]; zeros and 0 without selection
    """
    excites = np.array([p.use in (RFUse.EXCITATION, RFUse.UNDEFINED) for p in sequence.rf] + [False])
    blocks = np.flatnonzero(excites[sequence.blocks[:, 0]])
    readouts = sequence.readout_blocks
    if not len(blocks) or not len(readouts):
        return np.zeros(len(readouts)), 0.0
    unique, which = np.unique(sequence.blocks[blocks][:, [0, 1 + axis]], axis=0, return_inverse=True)
    position, thickness = np.zeros(len(unique)), np.zeros(len(unique))
    widths: dict[bytes, float] = {}
    for i, (r, g) in enumerate(unique):
        if g == NONE:
            continue
        pulse, gradient = sequence.rf[r], sequence.gradients[g]
        amplitude = float(np.interp(pulse.centre, gradient.t, gradient.g, left=0, right=0))
        if amplitude:
            key = pulse.signal.tobytes()
            if key not in widths:
                widths[key] = bandwidth(pulse)
            position[i], thickness[i] = pulse.freq / amplitude, widths[key] / abs(amplitude)
    last = np.searchsorted(blocks, readouts, side="right") - 1
    of_readout = np.where(last >= 0, which.ravel()[last], which.ravel()[0])
    return position[of_readout], float(thickness[of_readout[0]])
