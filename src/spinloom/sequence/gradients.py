"""Gradient lobes of a wanted area that the hardware can play: knots on the raster, amplitude and slew in bounds.

Every lobe here is one shape: from amplitude g0 up (or down) to a plateau A and on to amplitude g1,

    area = (g0 + A) r0 / 2 + A (T - r0 - r1) + (A + g1) r1 / 2,   |A - g0| <= slew r0,  |A - g1| <= slew r1.

g0 = g1 = 0 is the trapezoid; other values join a lobe to a slice-selection or readout gradient without a pause.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import Gradient

_EPS = 1e-6


def up(t: float, raster: float) -> float:
    """The first multiple of the raster at or after t (rounding noise forgiven)."""
    return round(ceil(t / raster - _EPS) * raster, 9)


def down(t: float, raster: float) -> float:
    """The last multiple of the raster at or before t (rounding noise forgiven)."""
    return round(floor(t / raster + _EPS) * raster, 9)


def nearest(t: float, raster: float) -> float:
    """The multiple of the raster nearest to t."""
    return round(floor(t / raster + 0.5) * raster, 9)


def ramp_time(step: float, limits: Limits) -> float:
    """Shortest ramp by a step of amplitude [Hz/m] on the gradient raster, at least one raster step [s]."""
    return max(up(abs(step) / limits.max_slew_Hz_per_m_per_s, limits.gradient_raster), limits.gradient_raster)


def gradient(t: list[float], g: list[float]) -> Gradient:
    """Knots → Gradient; coincident knots merge, times are cleaned of rounding noise."""
    times, values = [round(t[0], 9)], [g[0]]
    for time, value in zip(t[1:], g[1:]):
        if time - times[-1] > 1e-9:
            times.append(round(time, 9))
            values.append(value)
    return Gradient(np.array(times), np.array(values))


def lobe(
    area: float, limits: Limits, *, duration: float | None = None, before: float = 0.0, after: float = 0.0
) -> Gradient:
    """The gentlest lobe of an area [1/m] that goes from amplitude `before` to `after` [Hz/m] in a duration [s].

    duration  on the gradient raster; None for the shortest that the hardware allows

    Raises UsageError if the duration is too short, naming the shortest.
    """
    if duration is None:
        return _knots(area, limits, shortest(area, limits, before=before, after=after), before, after)  # type: ignore[return-value]
    found = _knots(area, limits, duration, before, after)
    if found is None:
        least = shortest(area, limits, before=before, after=after)
        raise UsageError(
            f"a gradient area of {area:.4g} /m does not fit into {duration * 1e3:.2f} ms within "
            f"{limits.max_gradient * 1e3:g} mT/m and {limits.max_slew:g} T/m/s",
            remedy=f"It needs {least * 1e3:.2f} ms: allow more time, or a larger voxel.",
        )
    return found


def shortest(area: float, limits: Limits, *, before: float = 0.0, after: float = 0.0) -> float:
    """Shortest duration of `lobe` on the gradient raster [s]; between moving ends some longer ones may not fit."""
    raster = limits.gradient_raster
    steps = max(1, ceil(abs(area) / limits.max_gradient_Hz_per_m / raster - _EPS))
    while _knots(area, limits, steps * raster, before, after) is None:
        steps += 1
    return steps * raster


def _knots(area: float, limits: Limits, T: float, g0: float, g1: float) -> Gradient | None:
    """Plateau with the shortest ramps, found by lengthening a ramp as long as it is too steep; None if none fits."""
    raster = limits.gradient_raster
    r0 = r1 = raster
    while r0 + r1 <= T * (1 + 1e-9):
        A = (area - (g0 * r0 + g1 * r1) / 2) / (T - (r0 + r1) / 2)
        need0, need1 = ramp_time(A - g0, limits), ramp_time(A - g1, limits)
        if need0 <= r0 + raster / 2 and need1 <= r1 + raster / 2:
            if abs(A) > limits.max_gradient_Hz_per_m * (1 + 1e-9):
                return None
            return gradient([0.0, r0, T - r1, T], [g0, A, A, g1])
        r0, r1 = max(r0, need0), max(r1, need1)
    return None


def plateau(amplitude: float, flat: float, limits: Limits, *, ramp: float | None = None) -> Gradient:
    """0 → amplitude, held for `flat`, → 0, with the shortest ramps (or given ones)."""
    require_amplitude(amplitude, limits)
    r = ramp_time(amplitude, limits) if ramp is None else ramp
    return gradient([0.0, r, r + flat, 2 * r + flat], [0.0, amplitude, amplitude, 0.0])


def hold(amplitude: float, duration: float) -> Gradient:
    """A constant amplitude through a whole block, between neighbours that end and begin with it."""
    return gradient([0.0, duration], [amplitude, amplitude])


def ramp(before: float, after: float, limits: Limits) -> Gradient:
    """The shortest straight line between two amplitudes."""
    return gradient([0.0, ramp_time(after - before, limits)], [before, after])


def delayed(g: Gradient, delay: float) -> Gradient:
    """The same waveform, later."""
    return gradient([float(t) + delay for t in g.t], [float(v) for v in g.g])


def scaled(g: Gradient, factor: float) -> Gradient:
    """The same waveform, larger or smaller; the knot times are shared."""
    return Gradient(g.t, g.g * factor)


def joined(first: Gradient, second: Gradient) -> Gradient:
    """Two waveforms in one event; the second begins when or after the first has ended."""
    return gradient(
        [*(float(t) for t in first.t), *(float(t) for t in second.t)],
        [*(float(v) for v in first.g), *(float(v) for v in second.g)],
    )


def require_amplitude(amplitude: float, limits: Limits, *, remedy: str = "") -> None:
    """Raise UsageError if an amplitude [Hz/m] is beyond the gradient system."""
    if abs(amplitude) > limits.max_gradient_Hz_per_m * (1 + 1e-9):
        asked = abs(amplitude) / limits.max_gradient_Hz_per_m * limits.max_gradient
        raise UsageError(
            f"this needs a gradient of {asked * 1e3:.1f} mT/m, but the limit is {limits.max_gradient * 1e3:g} mT/m",
            remedy=remedy or "Use a thicker slice, a longer pulse or a larger voxel.",
        )
