"""What a real scanner does beside what it was asked to: gradients late and bent by eddy currents, a field that drifts,
discharges and radio stations in the receiver. All values; `simulate` applies them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import UsageError


class Axis(IntEnum):
    """A gradient axis, or the uniform field."""

    X = 0
    Y = 1
    Z = 2
    B0 = 3


@dataclass(frozen=True)
class EddyCurrent:
    """One term of the linear response of a gradient system: an eddy current, a low pass or a resonance.

        G(t) = G_in(t) - alpha ∫ dG_in/dt'(t') exp(-(t - t') / tau) cos(2 pi f (t - t')) dt'
        H(ν) = 1 - alpha iω (1/tau + iω) / ((1/tau + iω)² + (2 pi f)²),   ω = 2 pi ν

    so a unit step becomes 1 - alpha exp(-t / tau) cos(2 pi f t). alpha = 1 with a short tau is a low pass; terms of one
    axis add up. A measured impulse response (GIRF) is a sum of such terms.

    alpha      relative amplitude [1]; for onto=Axis.B0 the field per gradient [m]
    tau        time constant [s]
    axis       the gradient that drives it
    onto       the gradient it changes, or Axis.B0 for a uniform field; None: its own axis
    frequency  of a damped oscillation [Hz]; 0 for eddy currents

    Jehenson, Westphal & Schuff, J. Magn. Reson. 90, 264 (1990); van Vaals & Bergman, J. Magn. Reson. 90, 52 (1990);
    Vannesjo et al., Magn. Reson. Med. 69, 583 (2013).
    """

    alpha: float
    tau: float
    axis: Axis
    onto: Axis | None = None
    frequency: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.alpha, self.frequency]).all() and np.isfinite(self.tau) and self.tau > 0):
            raise UsageError(f"an eddy current needs finite numbers and a time constant above 0, got {self}")
        if self.axis is Axis.B0:
            raise UsageError("eddy currents are driven by a gradient", remedy="Give Axis.X, Axis.Y or Axis.Z.")


@dataclass(frozen=True)
class FieldDrift:
    """A uniform field that changes during the scan: iron that warms up, breathing, a passing lift.

        f(t) = rate t + (straight lines between knots, constant beyond them)        [Hz]

    It turns the signal by exp(-2 pi i ∫ f dt) since the spins were in phase. What it does to slice selection and to
    steady states is left out.

    rate   [Hz/s]
    knots  of (time since the start of the scan [s], field [Hz]), in order of time
    """

    rate: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        values = np.array([(0.0, self.rate), *self.knots], float)
        if values.ndim != 2 or not np.isfinite(values).all() or (np.diff(values[1:, 0]) <= 0).any():
            raise UsageError("a field drift takes a rate and knots of finite (time, Hz), in order of time")

    def turns(self, t: ArrayLike) -> NDArray[np.float64]:
        """∫_0^t f dt' (...), t (...) [s] since the start of the scan."""
        t = np.asarray(t, float)
        total = self.rate * t**2 / 2
        if not self.knots:
            return total
        when, f = np.array(self.knots, float).T
        area = np.concatenate([[0.0], np.cumsum(np.diff(when) * (f[1:] + f[:-1]) / 2)])

        def until(t: NDArray[np.float64]) -> NDArray[np.float64]:
            inside = np.clip(t, when[0], when[-1])
            j = np.clip(np.searchsorted(when, inside, side="right") - 1, 0, max(len(when) - 2, 0))
            d = inside - when[j]
            within = area[j] + d * (f[j] + np.interp(inside, when, f)) / 2
            return within + f[0] * np.minimum(t - when[0], 0) + f[-1] * np.maximum(t - when[-1], 0)

        return np.asarray(total + until(t) - until(np.zeros(1)), float)


@dataclass(frozen=True)
class Spikes:
    """Discharges: single samples with a large complex number of random phase added, in every channel.

        S_n → S_n + amplitude max|S| exp(i φ)

    Each lays a plane wave exp(2 pi i k_n . r) over the image ("corduroy").

    number     of them, at random samples
    amplitude  relative to the largest sample
    at         (readout, sample) of further ones that are not left to chance
    """

    number: int = 0
    amplitude: float = 1.0
    at: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.number < 0 or not np.isfinite(self.amplitude):
            raise UsageError(f"spikes need a number of 0 or more and a finite amplitude, got {self}")


@dataclass(frozen=True)
class Zipper:
    """A radio-frequency line that leaks into the room, coherent in time and heard by every channel.

        S(t) → S(t) + amplitude max|S| exp(-2 pi i f t + i φ(t)),   var[φ(t) - φ(t')] = 2 pi linewidth |t - t'|

    before the receiver turns its phase. It appears where spins with an off-resonance f would: at f / (bandwidth of a
    pixel) pixels from the centre along the readout. Along the phase axis a line of width zero is one point, or smeared
    where the phase of the receiver is cycled; a wider one fills the column.

    frequency  from the centre frequency of the scanner [Hz]
    amplitude  relative to the largest sample
    linewidth  full width at half maximum [Hz]
    """

    frequency: float
    amplitude: float = 0.02
    linewidth: float = 10.0

    def __post_init__(self) -> None:
        if not np.isfinite([self.frequency, self.amplitude, self.linewidth]).all() or self.linewidth < 0:
            raise UsageError(f"a zipper needs finite numbers and a linewidth of 0 or more, got {self}")


@dataclass(frozen=True)
class Imperfections:
    """Everything that is not as ordered; the default is a perfect scanner.

    gradient_delays  how late each gradient (x, y, z) comes [s]; negative: early
    eddy_currents    the linear response of the gradients, see EddyCurrent
    drift            of the main field
    spikes, zipper   in the receiver
    DC_offset        of the receiver, relative to the largest sample: a bright point in the middle of the image

    Reconstruction believes in the ordered gradients: KSpace.k stays nominal.
    """

    gradient_delays: tuple[float, float, float] = (0.0, 0.0, 0.0)
    eddy_currents: tuple[EddyCurrent, ...] = field(default=())
    drift: FieldDrift | None = None
    spikes: Spikes | None = None
    zipper: Zipper | None = None
    DC_offset: complex = 0.0

    def __post_init__(self) -> None:
        if len(self.gradient_delays) != 3 or not np.isfinite(self.gradient_delays).all():
            raise UsageError(f"gradient delays are three finite times in s, got {self.gradient_delays}")
        if np.abs(self.gradient_delays).max() > 1e-3:
            raise UsageError(
                f"a gradient delay of {np.abs(self.gradient_delays).max():g} s is beyond any scanner",
                remedy="Delays are in seconds, a few microseconds in practice: 2e-6.",
            )

    @property
    def bends_gradients(self) -> bool:
        return any(self.gradient_delays) or any(e.alpha for e in self.eddy_currents)


PERFECT = Imperfections()


def plain(imperfections: Imperfections) -> dict[str, object]:
    """What is not perfect, as JSON would say it, in SI."""
    said: dict[str, object] = {}
    for part in fields(imperfections):
        value = getattr(imperfections, part.name)
        if value == getattr(PERFECT, part.name):
            continue
        if is_dataclass(value) and not isinstance(value, type):
            value = asdict(value)
        elif part.name == "eddy_currents":
            value = [{k: v.name if isinstance(v, Axis) else v for k, v in asdict(e).items()} for e in value]
        elif part.name == "DC_offset":
            value = [complex(value).real, complex(value).imag]
        said[part.name] = value
    return said
