"""The events a sequence is made of, in the Pulseq convention: γB1 in Hz, γG in Hz/m, time in s.

All times inside an event count from the start of the block that holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class RFUse(Enum):
    """What a pulse is for; decides what happens to the k-space position."""

    EXCITATION = "e"
    REFOCUSING = "r"
    INVERSION = "i"
    SATURATION = "s"
    PREPARATION = "p"
    OTHER = "o"
    UNDEFINED = "u"


@dataclass(frozen=True, eq=False)
class RF:
    """A pulse, constant between its edges.

    edges   (n + 1,) times of the steps [s], from the start of the block (delay included)
    signal  (n,) complex γB1 of each step [Hz], without the offsets below
    freq    offset from the centre frequency [Hz]
    phase   constant phase offset [rad]; the whole phase at time t is
            arg(signal) + phase + 2 pi freq (t - edges[0])
    centre  time of the effective rotation, from the start of the block [s]
    """

    edges: FloatArray
    signal: NDArray[np.complex128]
    freq: float = 0.0
    phase: float = 0.0
    use: RFUse = RFUse.UNDEFINED
    centre: float = 0.0

    @property
    def end(self) -> float:
        return float(self.edges[-1])

    @property
    def flip_angle(self) -> float:
        """On-resonance flip angle |2 pi ∫ B1 dt| [rad]."""
        return float(2 * np.pi * abs(np.sum(self.signal * np.diff(self.edges))))


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient waveform, linear between its knots, zero outside them.

    t  (n,) knot times from the start of the block [s], increasing
    g  (n,) amplitude at the knots [Hz/m]
    """

    t: FloatArray
    g: FloatArray

    @property
    def end(self) -> float:
        return float(self.t[-1])

    @property
    def area(self) -> float:
        """∫ g dt [1/m]."""
        return float(np.sum(np.diff(self.t) * (self.g[1:] + self.g[:-1]) / 2))


@dataclass(frozen=True, eq=False)
class ADC:
    """A window of samples; sample n is taken at delay + (n + 1/2) dwell.

    freq, phase  of the receiver [Hz], [rad]; the demodulation phase of a sample at time t is
                 phase + 2 pi freq (t - delay) + phase_shape
    """

    n_samples: int
    dwell: float
    delay: float = 0.0
    freq: float = 0.0
    phase: float = 0.0
    phase_shape: FloatArray | None = None

    @property
    def times(self) -> FloatArray:
        """(n_samples,) sample times from the start of the block [s]."""
        return np.asarray(self.delay + (np.arange(self.n_samples) + 0.5) * self.dwell, float)

    @property
    def end(self) -> float:
        return self.delay + self.n_samples * self.dwell


@dataclass(frozen=True, eq=False)
class Block:
    """Events that start together; the next block starts `duration` later.

    gx, gy, gz  gradients along the scanner's x, y, z = right, anterior, superior
    labels      Pulseq labels in force at this block's ADC, e.g. {"LIN": 12, "SLC": 0}
    """

    duration: float
    rf: RF | None = None
    gx: Gradient | None = None
    gy: Gradient | None = None
    gz: Gradient | None = None
    adc: ADC | None = None
    labels: dict[str, int] | None = None

    @property
    def gradients(self) -> tuple[Gradient | None, Gradient | None, Gradient | None]:
        return self.gx, self.gy, self.gz
