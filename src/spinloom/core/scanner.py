"""The scanner: main field, hardware limits, fields over space, receive coils and noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import UsageError
from spinloom.core.imperfections import PERFECT, Imperfections


class Field(Protocol):
    """A scalar field over space, e.g. B1+ relative to nominal [1] or off-resonance [Hz]."""

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float64]:
        """r (..., 3) position from the isocentre [m] → (...)."""
        ...


class Coils(Protocol):
    """Receive sensitivities over space."""

    @property
    def n_coils(self) -> int: ...

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        """r (..., 3) position from the isocentre [m] → (n_coils, ...) complex, about 1 in the middle."""
        ...


@dataclass(frozen=True)
class Uniform:
    """A field that is the same everywhere."""

    value: float = 1.0

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(np.shape(r)[:-1], self.value)


@dataclass(frozen=True)
class UniformCoil:
    """One receive channel that hears every place equally."""

    n_coils: int = 1

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        return np.ones((self.n_coils, *np.shape(r)[:-1]), complex)


@dataclass(frozen=True)
class Limits:
    """What the hardware can do. Defaults: a current whole-body 3 T system.

    max_gradient  [T/m] per axis
    max_slew      [T/m/s] per axis
    max_B1        [T] peak
    max_B1_rms    [T] root mean square over any 10 s; the default is generous at 3 T, where B1+rms of 2 to 4 µT is
                  what heating (IEC 60601-2-33) leaves to most scans
    rf_raster, gradient_raster, adc_raster, block_raster   [s]
    rf_dead, rf_ringdown, adc_dead   times the hardware needs around RF and ADC [s]
    """

    max_gradient: float = 40e-3
    max_slew: float = 150.0
    max_B1: float = 25e-6
    rf_raster: float = 1e-6
    gradient_raster: float = 10e-6
    adc_raster: float = 1e-7
    block_raster: float = 10e-6
    rf_dead: float = 100e-6
    rf_ringdown: float = 20e-6
    adc_dead: float = 10e-6
    max_B1_rms: float = 5e-6

    @property
    def max_gradient_Hz_per_m(self) -> float:
        return self.max_gradient * GAMMA_BAR

    @property
    def max_slew_Hz_per_m_per_s(self) -> float:
        return self.max_slew * GAMMA_BAR


@dataclass(frozen=True)
class ThermalNoise:
    """Complex white Gaussian noise of the receiver, per coil and sample.

        sigma_k = eta (3 T / B0)^p / sqrt(dwell)        [PD mm^3], per real and imaginary part

    so that a voxel of volume V with signal m sampled for T_acq seconds in all
    (readouts x samples x dwell x averages) has

        SNR = m V sqrt(T_acq) (B0 / 3 T)^p / eta.

    eta  [PD mm^3 s^(1/2)]: the default gives white matter in the default 1 mm MPRAGE at 3 T an SNR of about 45
    p    field exponent: 1 where the body's noise dominates (0.3 to 7 T), 7/4 where the coil's does

    Edelstein et al., Magn. Reson. Med. 3, 604 (1986); Hoult & Richards, J. Magn. Reson. 24, 71 (1976).
    """

    eta: float = 0.010
    p: float = 1.0

    def sigma(self, *, B0: float, dwell: float) -> float:
        """Standard deviation of the real (and of the imaginary) part of one k-space sample [PD mm^3]."""
        return float(self.eta * (3.0 / B0) ** self.p / np.sqrt(dwell))


@dataclass(frozen=True)
class Scanner:
    """A scanner.

    B0      main field [T]
    limits  what gradients and RF can do; simulate() warns of a sequence beyond them
    strict  it refuses such a sequence instead
    B1      transmit field over space, relative to nominal
    dB0     off-resonance from the magnet itself, beside what the phantom carries [Hz]
    coils   receive sensitivities
    noise   None for a noiseless receiver
    isocentre_mm  world position of the isocentre; None: the middle of the phantom's brain, or of its grid
    imperfections what gradients, field and receiver do beside what they should; default: nothing
    concomitant  whether gradients come with their concomitant (Maxwell) fields; Bloch() only
    """

    B0: float = 3.0
    limits: Limits = field(default_factory=Limits)
    B1: Field = field(default_factory=Uniform)
    dB0: Field = field(default_factory=lambda: Uniform(0.0))
    coils: Coils = field(default_factory=UniformCoil)
    noise: ThermalNoise | None = None
    isocentre_mm: tuple[float, float, float] | None = None
    imperfections: Imperfections = PERFECT
    strict: bool = False
    concomitant: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.B0) and self.B0 > 0):
            raise UsageError(f"a scanner's main field must be positive, got B0 = {self.B0!r} T")
        centre = self.isocentre_mm
        if centre is not None and (np.shape(centre) != (3,) or not np.isfinite(centre).all()):
            raise UsageError(f"an isocentre is three finite coordinates in mm, got isocentre_mm = {centre!r}")
