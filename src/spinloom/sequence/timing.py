"""Can the hardware play it: amplitudes, slew rates, RF power, rasters, dead times, overruns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.scanner import Limits
from spinloom.sequence.events import Gradient
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]
TINY = 1e-9
AXES = ("rf", "x", "y", "z", "adc")
WINDOW = 10.0
"""Time over which the heating limits for short exposures average [s]: IEC 60601-2-33, short-duration SAR."""


class Fault(Enum):
    """What is wrong, and the unit of its value and limit."""

    GRADIENT = "gradient amplitude [mT/m]"
    SLEW = "slew rate [T/m/s]"
    JUMP = "gradient step [mT/m]"
    B1 = "peak B1 [µT]"
    RASTER = "time off its raster [µs]"
    OVERRUN = "event ends after its block [ms]"
    DEAD_BEFORE = "dead time before [µs]"
    DEAD_AFTER = "dead time after [µs]"
    NEGATIVE = "negative time [µs]"
    DUTY = "B1+rms over 10 s [µT]"


@dataclass(frozen=True)
class Finding:
    """One fault, at the first block that shows it.

    block         index of the block
    axis          rf, x, y, z, adc or block
    value, limit  in the unit of the fault
    n_blocks      how many blocks show it
    """

    fault: Fault
    block: int
    axis: str
    value: float
    limit: float
    n_blocks: int = 1

    def __str__(self) -> str:
        where = f"block {self.block}" + (f" and {self.n_blocks - 1} more" if self.n_blocks > 1 else "")
        return f"{where}, {self.axis}: {self.fault.value} is {self.value:.6g}, limit {self.limit:.6g}"


def check(sequence: Sequence, limits: Limits | None = None) -> tuple[Finding, ...]:
    """Everything the hardware would refuse, in order of block; nothing if it can play the sequence.

    limits  default: those of the sequence
    """
    limits = limits or sequence.limits
    rf, adc, durations = sequence.rf, sequence.adc, sequence.durations
    rf_start, rf_end = np.array([r.edges[0] for r in rf]), np.array([r.end for r in rf])
    adc_start, adc_end = np.array([a.delay for a in adc]), np.array([a.end for a in adc])
    found: list[Finding] = []

    def each(
        fault: Fault, column: int, value: FloatArray, limit: float, *, above: bool = True, unit: float = 1.0
    ) -> None:
        """Faults of unique events: value (n_events,), one finding per axis at the worst event."""
        slack = max(1e-6 * abs(limit), TINY)
        wrong = value > limit + slack if above else value < limit - slack
        blocks = _users(sequence, column, wrong)
        if len(blocks):
            used = value[sequence.blocks[blocks, column]]
            worst = float(used.max() if above else used.min())
            found.append(Finding(fault, int(blocks[0]), AXES[column], worst / unit, limit / unit, len(blocks)))

    each(Fault.B1, 0, np.array([np.abs(r.signal).max() for r in rf]) / GAMMA_BAR, limits.max_B1, unit=1e-6)
    each(Fault.DEAD_BEFORE, 0, rf_start, limits.rf_dead, above=False, unit=1e-6)
    each(Fault.DEAD_BEFORE, 4, adc_start, limits.adc_dead, above=False, unit=1e-6)
    each(Fault.RASTER, 0, _off(rf_start, limits.rf_raster), 0.0, unit=1e-6)
    each(Fault.RASTER, 4, _off(np.array([a.dwell for a in adc]), limits.adc_raster), 0.0, unit=1e-6)
    each(Fault.RASTER, 4, _off(adc_start, limits.adc_raster), 0.0, unit=1e-6)
    power, at = B1_rms(sequence)
    if power > limits.max_B1_rms * (1 + 1e-6):
        found.append(Finding(Fault.DUTY, at, "rf", power * 1e6, limits.max_B1_rms * 1e6))
    amplitude = np.array([np.abs(g.g).max() for g in sequence.gradients]) / GAMMA_BAR
    slew = np.array([max_slew(g) for g in sequence.gradients]) / GAMMA_BAR
    off = np.array([_knots_off(g, limits.gradient_raster) for g in sequence.gradients])
    start = np.array([g.t[0] for g in sequence.gradients])
    for axis in (1, 2, 3):
        each(Fault.GRADIENT, axis, amplitude, limits.max_gradient, unit=1e-3)
        each(Fault.SLEW, axis, slew, limits.max_slew)
        each(Fault.RASTER, axis, off, 0.0, unit=1e-6)
        each(Fault.NEGATIVE, axis, start, 0.0, above=False, unit=1e-6)
        found += _jumps(sequence, axis, limits)

    ends = [rf_end, *(np.array([g.end for g in sequence.gradients]),) * 3, adc_end]
    for column, end in enumerate(ends):
        found += _late(sequence, column, end, 0.0, Fault.OVERRUN, 1e-3)
    found += _late(sequence, 0, rf_end, limits.rf_ringdown, Fault.DEAD_AFTER, 1e-6)
    found += _late(sequence, 4, adc_end, limits.adc_dead, Fault.DEAD_AFTER, 1e-6)
    for fault, wrong, value in (
        (Fault.RASTER, _off(durations, limits.block_raster) > TINY, _off(durations, limits.block_raster)),
        (Fault.NEGATIVE, durations < 0, durations),
    ):
        if wrong.any():
            first = int(np.argmax(wrong))
            found.append(Finding(fault, first, "block", float(value[first]) * 1e6, 0.0, int(wrong.sum())))
    return tuple(sorted(found, key=lambda f: (f.block, f.axis, f.fault.value)))


def B1_rms(sequence: Sequence) -> tuple[float, int]:
    """Largest root mean square of B1 over any 10 s, and the block of the pulse with which that window begins.

        B1rms = max_t sqrt(1/(10 s) ∫_t^(t + 10 s) |B1|² dt)        [T]

    A pulse counts at the start of its block; a shorter scan is followed by silence.
    """
    blocks = np.flatnonzero(sequence.blocks[:, 0] != NONE)
    if not len(blocks):
        return 0.0, 0
    each = np.array([np.sum(np.abs(r.signal) ** 2 * np.diff(r.edges)) for r in sequence.rf]) / GAMMA_BAR**2
    start = sequence.block_starts[blocks]
    total = np.concatenate([[0.0], np.cumsum(each[sequence.blocks[blocks, 0]])])
    window = total[np.searchsorted(start, start + WINDOW - 1e-6)] - total[:-1]
    most = int(np.argmax(window))
    return float(np.sqrt(max(window[most], 0.0) / WINDOW)), int(blocks[most])


def max_slew(gradient: Gradient) -> float:
    """Steepest piece of a gradient [Hz/m/s]; infinite for a step inside it."""
    rise, step = np.abs(np.diff(gradient.g)), np.diff(gradient.t)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num(rise / step, nan=0.0, posinf=np.inf).max(initial=0.0))


def _users(sequence: Sequence, column: int, wrong: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Blocks whose event in a column is one of the wrong ones."""
    return np.flatnonzero(np.append(wrong, False)[sequence.blocks[:, column]])


def _off(times: FloatArray, raster: float) -> FloatArray:
    """Distance to the nearest multiple of the raster [s]."""
    return np.asarray(np.abs(times - np.round(times / raster) * raster), float)


def _knots_off(gradient: Gradient, raster: float) -> float:
    """Inner knots may lie on half the raster (samples at raster centres), the ends on the raster."""
    ends, inner = _off(gradient.t[[0, -1]], raster), _off(gradient.t[1:-1], raster / 2)
    return float(max(ends.max(), inner.max(initial=0.0)))


def _jumps(sequence: Sequence, axis: int, limits: Limits) -> list[Finding]:
    """Steps where gradients begin, end or meet at a block border, beyond what one raster step of slew allows."""
    column = sequence.blocks[:, axis]
    if not len(sequence.gradients) or not np.any(column != NONE):
        return []
    first = np.array([*(g.g[0] for g in sequence.gradients), 0.0])[column]
    last = np.array([*(g.g[-1] for g in sequence.gradients), 0.0])[column]
    at_start = np.array([*(g.t[0] <= TINY for g in sequence.gradients), True])[column]
    at_end = np.array([*(g.end for g in sequence.gradients), np.inf])[column] >= sequence.durations - TINY
    inside = np.maximum(np.where(at_start, 0.0, np.abs(first)), np.where(at_end, 0.0, np.abs(last)))
    left = np.concatenate([[0.0], np.where(at_end, last, 0.0)])
    right = np.concatenate([np.where(at_start, first, 0.0), [0.0]])
    border = np.abs(right - left)
    value = np.maximum(inside, np.maximum(border[:-1], np.append(np.zeros(len(inside) - 1), border[-1]))) / GAMMA_BAR
    limit = limits.max_slew * limits.gradient_raster
    wrong = np.flatnonzero(value > limit * (1 + 1e-6))
    if not len(wrong):
        return []
    return [Finding(Fault.JUMP, int(wrong[0]), AXES[axis], float(value.max()) * 1e3, limit * 1e3, len(wrong))]


def _late(sequence: Sequence, column: int, end: FloatArray, margin: float, fault: Fault, unit: float) -> list[Finding]:
    """Events that end less than a margin before their block does. Value: when (overrun) or how long (dead time)."""
    index = sequence.blocks[:, column]
    blocks = np.flatnonzero(index != NONE)
    left = sequence.durations[blocks] - end[index[blocks]] if len(blocks) else np.zeros(0)
    wrong = (left < margin - TINY) & ((left >= -TINY) | (fault is Fault.OVERRUN))
    if not wrong.any():
        return []
    first = int(np.flatnonzero(wrong)[np.argmin(left[wrong])]) if fault is Fault.OVERRUN else int(np.argmax(wrong))
    block = int(blocks[first])
    length = float(sequence.durations[block])
    value, limit = (length - left[first], length) if fault is Fault.OVERRUN else (left[first], margin)
    return [Finding(fault, block, AXES[column], float(value) / unit, limit / unit, int(wrong.sum()))]
