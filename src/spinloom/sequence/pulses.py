"""RF pulses: windowed sinc, hard, hyperbolic secant; the same pulse at another slice or phase; slice selection.

Phase convention: a flip by phase phi turns +z into i exp(i phi) sin FA (left-handed), so EXCITE = -90 degrees makes a
positive real signal, which a refocusing pulse of phase 0 keeps (Carr-Purcell-Meiboom-Gill).

Every pulse is delayed so that its centre lies on the block raster: echo times are then exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, pi

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import RF, Gradient, RFUse
from spinloom.sequence.gradients import gradient, hold, ramp_time, require_amplitude, up

EXCITE = 3 * pi / 2
REFOCUS = 0.0
STEP = 10e-6


def windowed_sinc(
    FA: float,
    duration: float,
    *,
    time_bandwidth: float,
    apodisation: float,
    limits: Limits,
    use: RFUse = RFUse.EXCITATION,
    phase: float = EXCITE,
) -> RF:
    """A selective pulse.

        B1(t) = A [(1 - a) + a cos(2 pi t / T)] sinc(time_bandwidth t / T),   2 pi ∫ B1 dt = FA,   |t| < T / 2

    FA              flip angle [rad]
    duration        T [s], a multiple of 10 us
    time_bandwidth  bandwidth times duration
    apodisation     a: 0 none, 0.46 Hamming, 0.5 Hann

    Raises UsageError if the peak is beyond limits.max_B1.

    Bernstein, King & Zhou, Handbook of MRI Pulse Sequences, section 2.3 (2004).
    """
    n = _steps(duration)
    x = ((np.arange(n) + 0.5) / n - 0.5).astype(float)
    shape = ((1 - apodisation) + apodisation * np.cos(2 * pi * x)) * np.sinc(time_bandwidth * x)
    return _pulse(shape * FA / (2 * pi * STEP * shape.sum()), limits, use, phase)


def hard(FA: float, duration: float, *, limits: Limits, use: RFUse = RFUse.EXCITATION, phase: float = EXCITE) -> RF:
    """A rectangular pulse: B1 = FA / (2 pi T), not selective.

    FA        flip angle [rad]
    duration  T [s], a multiple of 10 us
    """
    edges = np.array([0.0, _steps(duration) * STEP])
    return _placed(edges, np.array([FA / (2 * pi * duration)], complex), limits, use, phase)


def hyperbolic_secant(
    duration: float, *, limits: Limits, beta: float = 800.0, mu: float = 4.9, peak: float = 18e-6, phase: float = 0.0
) -> RF:
    """An adiabatic inversion.

        B1(t) = A sech(beta t)^(1 + i mu),   bandwidth = mu beta / pi

    duration  [s], a multiple of 10 us
    beta      [rad/s];  mu  dimensionless;  peak  A [T]; adiabatic if gamma A > beta sqrt(mu), here 6.6 uT

    Silver, Joseph & Hoult, J. Magn. Reson. 59, 347 (1984).
    """
    n = _steps(duration)
    t = (np.arange(n) + 0.5) * STEP - n * STEP / 2
    return _pulse(GAMMA_BAR * peak * np.cosh(beta * t) ** (-1 - 1j * mu), limits, RFUse.INVERSION, phase)


def retuned(rf: RF, *, freq: float = 0.0, phase: float | None = None) -> RF:
    """The same pulse for another slice or phase; the phase is the one at the pulse's centre. Waveforms are shared.

    freq   [Hz]: with a slice gradient G the slice lies at freq / G
    phase  at the centre [rad]; None keeps it
    """
    at_centre = rf.phase + 2 * pi * rf.freq * (rf.centre - rf.edges[0]) if phase is None else phase
    start = at_centre - 2 * pi * freq * (rf.centre - float(rf.edges[0]))
    return replace(rf, freq=freq, phase=round(float(start % (2 * pi)), 12))


def longitudinal_after(rf: RF, *, B1: float = 1.0, dB0: float = 0.0) -> float:
    """Mz / M0 that the pulse leaves of a magnetisation at rest (no relaxation, no gradient).

    Each step is a rotation (alpha, beta) in Cayley-Klein parameters; Mz = |alpha|^2 - |beta|^2.

    B1   relative to nominal;  dB0  off-resonance [Hz]

    Pauly et al., IEEE Trans. Med. Imaging 10, 53 (1991).
    """
    alpha, beta = 1.0 + 0j, 0j
    for w, dt in zip(rf.signal * B1, np.diff(rf.edges)):
        size = float(np.sqrt(abs(w) ** 2 + dB0**2))
        half = pi * size * dt
        s = np.sin(half) / size if size else 0.0
        a, b = np.cos(half) - 1j * dB0 * s, -1j * w * s
        alpha, beta = a * alpha - np.conj(b) * beta, b * alpha + np.conj(a) * beta
    return float(abs(alpha) ** 2 - abs(beta) ** 2)


@dataclass(frozen=True, eq=False)
class Selection:
    """A pulse under its slice gradient.

    rf         the pulse for the slice at the isocentre, timed in its block
    amplitude  of the slice gradient during the pulse [Hz/m]
    duration   of the block [s]
    """

    rf: RF
    amplitude: float
    duration: float

    @property
    def after_centre(self) -> float:
        """Time from the pulse's centre to the end of its block [s]."""
        return self.duration - self.rf.centre

    def at(self, offset: float, phase: float | None = None) -> RF:
        """The pulse for a slice at an offset [m]."""
        return retuned(self.rf, freq=self.amplitude * offset, phase=phase)


def select(
    rf: RF, bandwidth: float, thickness: float, limits: Limits, *, later: float = 0.0
) -> tuple[Selection, Gradient]:
    """A slice gradient that ramps up before the pulse and is still on when the block ends.

    bandwidth  of the pulse [Hz];  thickness  [m];  G = bandwidth / thickness
    later      move the pulse by this [s], on the RF raster
    """
    G = bandwidth / thickness
    require_amplitude(G, limits)
    ramp = ramp_time(G, limits)
    timed = _delayed(rf, max(0.0, up(ramp - float(rf.edges[0]), limits.block_raster)) + later)
    duration = up(timed.end + limits.rf_ringdown, limits.block_raster)
    return Selection(timed, G, duration), gradient([0.0, ramp, duration], [0.0, G, G])


def select_within(rf: RF, bandwidth: float, thickness: float, limits: Limits) -> tuple[Selection, Gradient]:
    """A slice gradient that is on through the whole block, which is symmetric about the pulse's centre."""
    G = bandwidth / thickness
    require_amplitude(G, limits)
    half = max(rf.centre, up(rf.end + limits.rf_ringdown, limits.block_raster) - rf.centre)
    timed = _delayed(rf, half - rf.centre)
    return Selection(timed, G, round(2 * half, 9)), hold(G, 2 * half)


def _delayed(rf: RF, delay: float) -> RF:
    return replace(rf, edges=np.round(rf.edges + delay, 9), centre=round(rf.centre + delay, 9)) if delay else rf


def _steps(duration: float) -> int:
    n = round(duration / STEP)
    if n < 1 or abs(n * STEP - duration) > 1e-9:
        raise UsageError(f"an RF pulse of {duration * 1e6:g} us is off the raster", remedy="Use a multiple of 10 us.")
    return n


def _pulse(signal: NDArray[np.generic], limits: Limits, use: RFUse, phase: float) -> RF:
    return _placed(np.arange(len(signal) + 1, dtype=float) * STEP, signal.astype(complex), limits, use, phase)


def _placed(edges: NDArray[np.float64], signal: NDArray[np.complex128], limits: Limits, use: RFUse, phase: float) -> RF:
    peak = float(np.abs(signal).max()) / GAMMA_BAR
    if peak > limits.max_B1 * (1 + 1e-9):
        length = 1.01 * edges[-1] * peak / limits.max_B1
        raise UsageError(
            f"an RF pulse peaks at {peak * 1e6:.1f} uT, but the limit is {limits.max_B1 * 1e6:g} uT",
            remedy=f"Make it {ceil(length / 2e-5) * 2e-2:.2f} ms long, or lower the flip angle.",
        )
    half = float(edges[-1]) / 2
    centre = up(limits.rf_dead + half, limits.block_raster)
    return RF(np.round(edges + (centre - half), 9), signal, 0.0, phase, use, round(centre, 9))
