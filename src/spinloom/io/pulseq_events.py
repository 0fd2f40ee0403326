"""Pulseq tables → events: pulses, gradients, ADC windows, each unique event once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError
from spinloom.core.scanner import Limits
from spinloom.io.pulseq_parse import CUT_SHORT, MAX_SHAPE_SAMPLES, PulseqText
from spinloom.sequence.events import ADC, RF, Gradient, RFUse
from spinloom.sequence.rf_use import rf_centre

AGAIN = "Write it again with the program that made it."
FloatArray = NDArray[np.float64]
us = 1e-6
RAMP_STEPS = 200  # constant steps that stand for one sloped piece of a time-shaped pulse
SAME = 9  # decimals a shape is stored with


def shape_of(text: PulseqText, number: float, line: int, what: str) -> FloatArray:
    """A shape by id, or InputError that says who asked for it."""
    shape = text.shapes.get(int(number))
    if shape is None or len(shape) == 0:
        raise InputError(
            f"line {line}: the {what} uses shape {number:g}, which the file does not hold",
            file=text.file,
            remedy=CUT_SHORT,
        )
    return shape


def hertz(text: PulseqText, Hz: float, ppm: float, B0: float) -> float:
    """An offset: f + ppm 1e-6 gamma B0 [Hz]; the same rule turns rad/MHz into rad."""
    return Hz + ppm * 1e-6 * GAMMA_BAR * B0


def pulses(text: PulseqText, rasters: Limits, B0: float) -> tuple[dict[int, RF], dict[int, float]]:
    """RF events by id, and when each ends by its file (trailing zeros included) [s]."""
    shapes: dict[tuple[float, ...], tuple[FloatArray, NDArray[np.complex128], float]] = {}
    events: dict[int, RF] = {}
    ends: dict[int, float] = {}
    for n, (row, line) in enumerate(zip(text.rf.values, text.rf.lines, strict=True)):
        use, centre, f_ppm, p_ppm, time = RFUse.UNDEFINED, None, 0.0, 0.0, 0.0
        if text.version >= (1, 5, 0):
            number, amplitude, mag, phase, time, centre, delay, f_ppm, p_ppm, freq, offset = row
            use = _use(text, n)
        elif text.version >= (1, 4, 0):
            number, amplitude, mag, phase, time, delay, freq, offset = row
        else:
            number, amplitude, mag, phase, delay, freq, offset = row
        key = (mag, phase, time, delay if text.version < (1, 3, 0) else 0.0)
        if key not in shapes:
            shapes[key] = _pulse_shape(text, *key, line=int(line), raster=rasters.rf_raster)
        edges, signal, end = shapes[key]
        rf = RF(
            edges=edges + delay * us,
            signal=amplitude * signal,
            freq=hertz(text, freq, f_ppm, B0),
            phase=hertz(text, offset, p_ppm, B0),
            use=use,
        )
        middle = rf_centre(rf) if centre is None else (delay + centre) * us
        events[int(number)] = RF(rf.edges, rf.signal, rf.freq, rf.phase, rf.use, float(middle))
        ends[int(number)] = end + delay * us
    return events, ends


def _use(text: PulseqText, n: int) -> RFUse:
    try:
        return RFUse(text.rf.words[n][0].lower())
    except ValueError:
        raise InputError(
            f"line {text.rf.lines[n]}: '{text.rf.words[n]}' is not a use of a pulse", file=text.file, remedy=CUT_SHORT
        ) from None


def _pulse_shape(
    text: PulseqText, mag: float, phase: float, time: float, delay_us: float, *, line: int, raster: float
) -> tuple[FloatArray, NDArray[np.complex128], float]:
    """Edges from the end of the delay [s], complex steps of peak 1, and the end of the shape [s].

    Without a time shape sample n fills [n, n + 1) of the raster. Before version 1.3 the shape began with the
    zeros of the delay: those are dropped, so that all versions of a file mean one waveform.
    """
    size = shape_of(text, mag, line, "pulse")
    turn = np.zeros(len(size)) if phase == 0 else shape_of(text, phase, line, "pulse")
    if len(turn) != len(size):
        raise InputError(
            f"line {line}: magnitude and phase of the pulse have {len(size)} and {len(turn)} samples",
            file=text.file,
            remedy=AGAIN,
        )
    signal = size * np.exp(2j * np.pi * turn)
    if time > 0:
        t = shape_of(text, time, line, "pulse") * raster
        if len(t) != len(size) or len(t) < 2 or np.any(np.diff(t) < 0) or t[0] < 0:
            raise InputError(
                f"line {line}: the time shape of the pulse does not fit its magnitude",
                file=text.file,
                remedy=AGAIN,
            )
        edges, signal = _steps(t, signal, raster)
    elif time == -1:  # twice the raster: samples at raster/2, raster, 3/2 raster ...
        centres = (np.arange(len(size)) + 1) * raster / 2
        edges = np.array([0.0, *(centres[1:] + centres[:-1]) / 2, centres[-1] + raster / 2])
    elif time == 0:
        contained = round(delay_us * us / raster)
        if 0 < contained < len(signal) and not np.any(signal[:contained]):
            signal = signal[contained:]
        edges = np.asarray(np.arange(len(signal) + 1) * raster, float)
    else:
        raise InputError(f"line {line}: time shape {time:g} is not an id", file=text.file, remedy=CUT_SHORT)
    end = float(edges[-1])
    edges, signal = _merged(edges, signal)
    return edges, signal, end


def _steps(t: FloatArray, signal: NDArray[np.complex128], raster: float) -> tuple[FloatArray, NDArray[np.complex128]]:
    """Constant steps for a pulse given at time points.

    Points at (n + 1/2) dwell are the centres of steps, as without a time shape. Otherwise the pulse is linear
    between points: flat pieces are one step, sloped ones steps of the raster, at most RAMP_STEPS of them.
    """
    dwell = t[1] - t[0]
    if np.allclose(t, (np.arange(len(t)) + 0.5) * dwell, rtol=0, atol=1e-3 * raster):
        return np.asarray(np.arange(len(t) + 1) * dwell, float), signal
    edges, steps = [0.0], []
    if t[0] > 0:
        edges.append(float(t[0]))
        steps.append(0j)
    for a, b, s, e in zip(t[:-1], t[1:], signal[:-1], signal[1:], strict=True):
        if b == a:
            continue
        n = 1 if abs(e - s) < 10**-SAME else int(np.clip(round((b - a) / raster), 1, RAMP_STEPS))
        edges.extend(a + (b - a) * np.arange(1, n + 1) / n)
        steps.extend(s + (e - s) * (np.arange(n) + 0.5) / n)
    return np.array(edges), np.array(steps, complex)


def _merged(edges: FloatArray, signal: NDArray[np.complex128]) -> tuple[FloatArray, NDArray[np.complex128]]:
    """Neighbouring equal steps become one; zeros at the end are dropped."""
    rounded = np.round(signal, SAME)
    first = np.flatnonzero(np.concatenate([[True], rounded[1:] != rounded[:-1]]))
    edges = np.append(edges[first], edges[-1])
    signal = signal[first]
    if len(signal) > 1 and np.round(signal[-1], SAME) == 0:
        edges, signal = edges[:-1], signal[:-1]
    return edges, signal


def trapezoids(text: PulseqText) -> dict[int, Gradient]:
    """Trapezoids by id. A ramp of no length is a step."""
    events: dict[int, Gradient] = {}
    knots = np.cumsum(text.traps.values[:, [5, 2, 3, 4]], axis=1) * us
    for (number, amplitude, rise, flat, fall, _), t, line in zip(
        text.traps.values, knots, text.traps.lines, strict=True
    ):
        if min(rise, flat, fall) < 0:
            raise InputError(f"line {line}: the trapezoid has a negative length", file=text.file, remedy=CUT_SHORT)
        if rise + flat + fall == 0:
            amplitude = 0.0  # JEMRIS writes these: nothing for no time
        keep = np.array([rise > 0, True, flat > 0, fall > 0])
        events[int(number)] = Gradient(t[keep], np.array([0.0, amplitude, amplitude, 0.0])[keep])
    return events


def arbitrary(text: PulseqText, raster: float) -> tuple[dict[int, Gradient], frozenset[int]]:
    """Arbitrary gradients by id, and the ids whose first and last value the file does not say (before 1.5).

    Without a time shape sample n is the value at (n + 1/2) raster; time shape -1 samples twice as densely.
    """
    events: dict[int, Gradient] = {}
    open_ended: set[int] = set()
    for row, line in zip(text.gradients.values, text.gradients.lines, strict=True):
        first, last, time = np.nan, np.nan, 0.0
        if text.version >= (1, 5, 0):
            number, amplitude, first, last, shape, time, delay = row
        elif text.version >= (1, 4, 0):
            number, amplitude, shape, time, delay = row
        else:
            number, amplitude, shape, delay = row
        g = amplitude * shape_of(text, shape, int(line), "gradient")
        if time > 0:
            t = shape_of(text, time, int(line), "gradient") * raster
            if len(t) != len(g) or len(t) < 2 or np.any(np.diff(t) <= 0):
                raise InputError(
                    f"line {line}: the time shape of the gradient does not fit its amplitudes",
                    file=text.file,
                    remedy=AGAIN,
                )
        else:
            step = raster / 2 if time == -1 else raster
            inner = (np.arange(len(g)) + (1.0 if time == -1 else 0.5)) * step
            t = np.concatenate([[0.0], inner, [inner[-1] + raster / 2]])
            g = np.concatenate([[first], g, [last]])
            if np.isnan(first):
                open_ended.add(int(number))
        events[int(number)] = Gradient(t + delay * us, g)
    return events, frozenset(open_ended)


def closed(gradient: Gradient, first: float) -> Gradient:
    """A gradient given at raster centres only, with its value at both ends.

        e_0 = first,  e_(n+1) = 2 w_n - e_n,  last = e_N     (linear through every sample)

    Where that leaves the range of the samples (they were not made so), the last two are continued linearly.
    """
    w = gradient.g[1:-1]
    sign = np.where(np.arange(len(w)) % 2 == 0, 1.0, -1.0)
    parity = 1.0 if len(w) % 2 else -1.0
    last = parity * (2 * np.sum(w * sign) - first)
    if abs(last) > np.abs(w).max():
        last = 1.5 * w[-1] - 0.5 * w[-2] if len(w) > 1 else w[-1]
    return Gradient(gradient.t, np.concatenate([[first], w, [last]]))


def readouts(text: PulseqText, B0: float) -> dict[int, ADC]:
    """ADC events by id."""
    events: dict[int, ADC] = {}
    for row, line in zip(text.adc.values, text.adc.lines, strict=True):
        f_ppm, p_ppm, shape = 0.0, 0.0, 0.0
        if text.version >= (1, 5, 0):
            number, n, dwell, delay, f_ppm, p_ppm, freq, phase, shape = row
        else:
            number, n, dwell, delay, freq, phase = row
        if not 1 <= n <= MAX_SHAPE_SAMPLES or n != int(n) or dwell <= 0 or delay < 0:
            raise InputError(
                f"line {line}: an ADC needs 1 to {MAX_SHAPE_SAMPLES:,} samples, a dwell time and no negative delay",
                file=text.file,
                remedy=CUT_SHORT,
            )
        turn = shape_of(text, shape, int(line), "ADC") if shape > 0 else None
        if turn is not None and len(turn) != n:
            raise InputError(
                f"line {line}: the phase shape of the ADC has {len(turn)} samples, not {n:g}",
                file=text.file,
                remedy=AGAIN,
            )
        events[int(number)] = ADC(
            n_samples=int(n),
            dwell=dwell * 1e-9,
            delay=delay * us,
            freq=hertz(text, freq, f_ppm, B0),
            phase=hertz(text, phase, p_ppm, B0),
            phase_shape=turn,
        )
    return events


def uses_ppm(text: PulseqText) -> bool:
    """Whether any offset depends on the main field."""
    if text.version < (1, 5, 0):
        return False
    return bool(np.any(text.rf.values[:, 7:9]) or np.any(text.adc.values[:, 4:6]))
