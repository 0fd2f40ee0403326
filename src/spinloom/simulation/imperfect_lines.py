"""Exponentials driven by a piecewise linear waveform, as a line of knots that keeps their area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import Gradient

FloatArray = NDArray[np.float64]
Complex = NDArray[np.complex128]
SAME = 1e-12  # times closer than this are one [s]


@dataclass(frozen=True)
class Mode:
    """A term that decays at a complex rate [1/s], driven by the slope of one gradient (0, 1, 2)."""

    alpha: float
    rate: complex
    source: int

    def left_by(self, gradient: Gradient, T: float) -> complex:
        """What a gradient leaves at the end of a block of length T [Hz/m]."""
        t, g = gradient.t, gradient.g
        step = np.diff(t)
        slope = np.divide(np.diff(g), step, out=np.zeros(len(step)), where=step > SAME)
        jump = np.where(step > SAME, 0.0, np.diff(g))
        gained = slope / self.rate * -np.expm1(-self.rate * step) + jump
        inside = np.sum(gained * np.exp(-self.rate * (T - t[1:])))
        ends = g[0] * np.exp(-self.rate * (T - t[0])) - g[-1] * np.exp(-self.rate * (T - t[-1]))
        return complex(inside + ends)


def line_of(
    own: Gradient | None,
    modes: list[Mode],
    driving: list[Gradient | None],
    start: list[complex],
    T: float,
    tolerance: float,
) -> Gradient:
    """own - Re Σ alpha e over one block, as a line of knots.

    Knots lie so close that straight lines stay within about the tolerance of the exponentials. What the trapezoid rule
    then misses of an interval's area, D, is shared by its two knots,

        v_j → v_j + (D_- + D_+) / (h_- + h_+),   h_-, h_+ the intervals beside it

    so that the area of the block is that of the exponentials.

    own        the gradient as ordered
    driving    for every mode, the gradient whose slope drives it
    start      the modes at the start of the block [Hz/m]
    tolerance  [Hz/m]
    """
    marks = [np.array([0.0, T])] + [g.t for g in (own, *driving) if g is not None]
    breaks = np.clip(np.unique(np.concatenate(marks)), 0.0, T)
    breaks = breaks[np.concatenate([[True], np.diff(breaks) > SAME])]
    slopes, lands = zip(*(_driven(g, breaks) for g in driving), strict=True)
    entry = np.array([_entries(m, s, j, breaks, e) for m, s, j, e in zip(modes, slopes, lands, start, strict=True)])
    knots = [_between(i, breaks, modes, entry, slopes, tolerance) for i in range(len(breaks) - 1)]
    segment = np.repeat(np.arange(len(knots)), [len(k) for k in knots])
    t = np.concatenate(knots)  # of every segment its own knots, both ends among them
    since, h = t - breaks[segment], np.diff(t)
    value, missed = np.zeros(len(t)), np.zeros(len(h))
    for mode, e0, s in zip(modes, entry, slopes, strict=True):
        steady = s[segment] / mode.rate
        decaying = (e0[segment] - steady) * np.exp(-mode.rate * since)
        value -= mode.alpha * (steady + decaying).real
        area = decaying[:-1] * -np.expm1(-mode.rate * h) / mode.rate
        missed -= mode.alpha * (area - (decaying[:-1] + decaying[1:]) * h / 2).real * (segment[1:] == segment[:-1])
    if own is not None:
        value += _sides(own, breaks, segment, since)
    return _joined(t, value, missed, segment)


def _driven(gradient: Gradient | None, breaks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slope in each segment, and jump at each break [Hz/m/s], [Hz/m]."""
    if gradient is None:
        return np.zeros(len(breaks) - 1), np.zeros(len(breaks))
    middle = (breaks[1:] + breaks[:-1]) / 2
    before, after = _limits(gradient, breaks)
    inside = (middle > gradient.t[0]) & (middle < gradient.t[-1])
    return np.where(inside, (before[1:] - after[:-1]) / np.diff(breaks), 0.0), after - before


def _limits(gradient: Gradient, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The waveform just before and just after each time; before the block's start it is zero."""
    knots, g = gradient.t, gradient.g
    i = np.searchsorted(knots, t - SAME, side="left")  # first knot at or after t
    j = np.searchsorted(knots, t + SAME, side="right") - 1  # last knot at or before t
    on = i <= j
    inner = np.interp(t, knots, g, left=0.0, right=0.0)
    first, last = np.minimum(i, len(g) - 1), np.maximum(j, 0)
    before = np.where(on, np.where(i > 0, g[first], 0.0), inner)
    after = np.where(on, np.where(j < len(g) - 1, g[last], 0.0), inner)
    return before, after


def _entries(mode: Mode, slope: FloatArray, jump: FloatArray, breaks: FloatArray, start: complex) -> Complex:
    """(n_segments,) the mode just after each break but the last."""
    steady = (slope / mode.rate).tolist()
    kept = np.exp(-mode.rate * np.diff(breaks)).tolist()
    e, found = start, []
    for s, keep, step in zip(steady, kept, jump.tolist()[:-1], strict=True):
        e += step
        found.append(e)
        e = s + (e - s) * keep
    return np.array(found, complex)


def _between(
    i: int, breaks: FloatArray, modes: list[Mode], entry: Complex, slopes: tuple[FloatArray, ...], tolerance: float
) -> FloatArray:
    """Knots of one segment: for each mode they crowd as its curvature does, step² |e''| / 8 = tolerance."""
    length = float(breaks[i + 1] - breaks[i])
    found = [np.array([0.0, length])]
    for mode, e0, s in zip(modes, entry, slopes, strict=True):
        size = abs(mode.alpha * (e0[i] - s[i] / mode.rate))
        decay = mode.rate.real / 2
        span = -np.expm1(-decay * length)
        n = int(np.ceil(np.sqrt(size / (8 * tolerance)) * abs(mode.rate) / decay * span))
        if n > 1:
            found.append(-np.log1p(-np.arange(1, n) / n * span) / decay)
    t = np.unique(np.concatenate(found))
    keep = np.concatenate([[True], np.diff(t) > 1e-9])
    keep[-1] = True
    return np.asarray(breaks[i] + t[keep], float)


def _sides(gradient: Gradient, breaks: FloatArray, segment: NDArray[np.intp], since: FloatArray) -> FloatArray:
    """The ordered gradient at the knots, seen from inside their segment."""
    before, after = _limits(gradient, breaks)
    length = np.diff(breaks)[segment]
    return np.asarray(after[segment] + (before[1:][segment] - after[segment]) * since / length, float)


def _joined(t: FloatArray, value: FloatArray, missed: FloatArray, segment: NDArray[np.intp]) -> Gradient:
    """Segments as one line with its area put right; the two knots of a border become one where they agree."""
    border = np.flatnonzero(np.diff(segment) > 0)  # last knot of a segment; its twin follows
    h, D = np.diff(t), np.concatenate([[0.0], missed, [0.0]])
    beside = np.concatenate([[0.0], h]) + np.concatenate([h, [0.0]])
    miss = D[:-1] + D[1:]
    for both in (beside, miss):
        both[border] = both[border + 1] = both[border] + both[border + 1]
    value = value + miss / beside
    same = np.abs(value[border + 1] - value[border]) <= 1e-9 * np.abs(value).max(initial=1e-300)
    keep = np.ones(len(t), bool)
    keep[border[same] + 1] = False
    return Gradient(t[keep], value[keep])
