"""Cartesian readouts: dwell time, amplitude, and an ADC whose middle is the middle of its gradient.

Sample n of N is taken at k = (n + 1/2 - N/2) / (oversampling FOV): k = 0 falls between samples N/2 - 1 and N/2,
at the middle of the window, which is the echo.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, gcd

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import ADC, Gradient
from spinloom.sequence.gradients import gradient, ramp_time, up


@dataclass(frozen=True, eq=False)
class Readout:
    """How one line is read.

    amplitude  of the readout gradient [Hz/m]
    n_samples, dwell  of the window, oversampling included; dwell in [s]
    flat       time the gradient is on, ADC dead times included [s]
    bandwidth  of one image pixel, as realised [Hz]
    limits     of the hardware
    """

    amplitude: float
    n_samples: int
    dwell: float
    flat: float
    bandwidth: float
    limits: Limits

    @property
    def ramp(self) -> float:
        return ramp_time(self.amplitude, self.limits)

    @property
    def before_echo(self) -> float:
        """Area of ramp and half the plateau: what a prephaser undoes [1/m]."""
        return self.amplitude * (self.ramp + self.flat) / 2

    def adc(self, flat_start: float = 0.0, phase: float = 0.0) -> ADC:
        """The window in the middle of a plateau that starts at flat_start [s] in its block."""
        delay = flat_start + (self.flat - self.n_samples * self.dwell) / 2
        return ADC(self.n_samples, self.dwell, round(delay, 9), 0.0, phase)

    def trapezoid(self, polarity: int = 1) -> Gradient:
        G, r = polarity * self.amplitude, self.ramp
        return gradient([0.0, r, r + self.flat, 2 * r + self.flat], [0.0, G, G, 0.0])


def cartesian_readout(
    FOV: float, n: int, bandwidth: float, *, oversampling: int, limits: Limits, odd: bool = False
) -> Readout:
    """n pixels over a field of view [m] at a pixel bandwidth [Hz].

    odd  the plateau lasts an odd number of gradient rasters; otherwise an even one

    The dwell time is the nearest that lies on the ADC raster and puts the window's middle on the microsecond; the
    realised bandwidth differs accordingly, by at most a few percent.

    Raises UsageError if the gradient is beyond the limits, naming the bandwidth that is not.
    """
    if bandwidth <= 0 or oversampling < 1:
        raise UsageError(
            f"a bandwidth of {bandwidth:g} Hz per pixel with {oversampling}-fold oversampling cannot be read",
            remedy="Use a positive bandwidth and an oversampling of 1 or more.",
        )
    n_samples = n * oversampling
    grain = 2 * round(1e-6 / limits.adc_raster)
    step = grain // gcd(grain, n_samples) * limits.adc_raster
    dwell = max(1, round(1 / (bandwidth * n_samples) / step)) * step
    amplitude = 1 / (oversampling * FOV * dwell)
    if amplitude > limits.max_gradient_Hz_per_m * (1 + 1e-9):
        most, largest = limits.max_gradient_Hz_per_m * FOV / n, floor(limits.max_gradient_Hz_per_m * FOV / bandwidth)
        ways = [f"at most {most:.0f} Hz per pixel"] if most >= 1 else []
        ways += [f"a matrix of at most {largest}"] if largest >= 1 else []
        raise UsageError(
            f"a bandwidth of {bandwidth:g} Hz per pixel at {FOV / n * 1e3:.3g} mm needs more than "
            f"{limits.max_gradient * 1e3:g} mT/m",
            remedy=f"Use {', or '.join(ways) or 'a smaller matrix and bandwidth'}.",
        )
    extra = limits.gradient_raster if odd else 0.0
    flat = round(up(n_samples * dwell + 2 * limits.adc_dead - extra, 2 * limits.gradient_raster) + extra, 9)
    return Readout(amplitude, n_samples, round(dwell, 9), flat, 1 / (n_samples * dwell), limits)


def phase_areas(FOV: float, n: int) -> list[float]:
    """Phase-encoding areas k = (LIN - n // 2) / FOV of lines LIN = 0 .. n - 1 [1/m]."""
    return [(line - n // 2) / FOV for line in range(n)]
