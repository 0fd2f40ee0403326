"""A sequence as a table of intervals in which nothing changes: what that platform's networks take as input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.sequence import Sequence
from spinloom.sequence.waveforms import waveforms

RASTER = 50e-6
"""Interval the waveforms are sampled at before equal neighbours are joined [s]."""


def waveform_table(sequence: Sequence) -> NDArray[np.float64]:
    """(interval, 7): dt [s], RF amplitude [Hz], RF phase [rad], Gx, Gy, Gz [kHz/m], 1 while the ADC is open.

    The values are those in the middle of each raster interval; equal neighbours are joined and their dt added.
    """
    lines = waveforms(sequence)
    n = round(sequence.duration / RASTER)
    t = (np.arange(n) + 0.5) * RASTER
    table = np.zeros((n, 7))
    table[:, 0] = RASTER
    if len(lines.rf_t):
        rf = np.interp(t, lines.rf_t, lines.rf.real, 0, 0) + 1j * np.interp(t, lines.rf_t, lines.rf.imag, 0, 0)
        table[:, 1], table[:, 2] = np.abs(rf), np.where(np.abs(rf) > 0, np.angle(rf), 0)
    for axis in range(3):
        if len(lines.gradient_t[axis]):
            table[:, 3 + axis] = np.interp(t, lines.gradient_t[axis], lines.gradient[axis], 0, 0) * 1e-3
    if len(lines.adc):
        opened = np.searchsorted(lines.adc[:, 0], t, side="right") - 1
        table[:, 6] = (opened >= 0) & (t <= lines.adc[np.maximum(opened, 0), 1])
    starts = np.flatnonzero(np.concatenate([[True], np.any(table[1:, 1:] != table[:-1, 1:], axis=1)]))
    joined = table[starts].copy()
    joined[:, 0] = np.diff(np.append(starts, n)) * RASTER
    return joined
