"""Noise at a signal-to-noise ratio: Gaussian, Rician or non-central chi."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core import masks
from spinloom.core.errors import InputError, UsageError, require_positive
from spinloom.core.image import Image, Quantity
from spinloom.dataset.degrade.way import Facts, require_magnitude, result, values_of

Values = NDArray[np.float64]


class Kind(Protocol):
    """How receivers and reconstruction turn Gaussian noise into the noise of an image."""

    def add(self, signal: Values, sigma: float, rng: np.random.Generator) -> Values:
        """The noisy image. signal (x, y, z) real;  sigma  of one real channel, in its unit."""
        ...

    def facts(self) -> Facts:
        """Its name and parameters."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """x = A + n: the real part of an image, or CT numbers."""

    def add(self, signal: Values, sigma: float, rng: np.random.Generator) -> Values:
        return signal + sigma * rng.standard_normal(signal.shape)

    def facts(self) -> Facts:
        return {"noise": "gaussian"}


@dataclass(frozen=True)
class Rician:
    """M = |A + n' + i n''|: the magnitude of one coil, or of coils combined with their sensitivities.

        <M> = sigma sqrt(pi / 2) L(-A² / 2 sigma²),   L = Laguerre function of order 1/2;   <M²> = A² + 2 sigma²

    Gudbjartsson & Patz, Magn. Reson. Med. 34, 910 (1995).
    """

    def add(self, signal: Values, sigma: float, rng: np.random.Generator) -> Values:
        return NonCentralChi(1).add(signal, sigma, rng)

    def facts(self) -> Facts:
        return {"noise": "rician"}


@dataclass(frozen=True)
class NonCentralChi:
    """M = sqrt(sum_c |A_c + n'_c + i n''_c|²): the root of the sum of squares over coils that hear A alike.

        A_c = A / sqrt(n_coils),   <M²> = A² + 2 n_coils sigma²

    n_coils  independent channels of one sigma

    Constantinides, Atalar & McVeigh, Magn. Reson. Med. 38, 852 (1997).
    """

    n_coils: int

    def __post_init__(self) -> None:
        if not 1 <= self.n_coils <= 1024:
            raise UsageError(f"1 to 1024 coils were expected, got {self.n_coils}")

    def add(self, signal: Values, sigma: float, rng: np.random.Generator) -> Values:
        each = signal / np.sqrt(self.n_coils)
        power = np.zeros(signal.shape)
        for _ in range(self.n_coils):
            power += (each + sigma * rng.standard_normal(signal.shape)) ** 2
            power += (sigma * rng.standard_normal(signal.shape)) ** 2
        return np.sqrt(power)

    def facts(self) -> Facts:
        return {"noise": "non-central chi", "n_coils": self.n_coils}


SAY_SIGNAL = "An SNR needs a magnitude image (in Python: Noise(snr, signal=...) for others)."


@dataclass(frozen=True)
class Noise:
    """Noise of a given signal-to-noise ratio, added to what noise the image already has.

        SNR = A / sigma,   A = `signal` or else the mean of the image over the head

    sigma is the standard deviation of the real (and of the imaginary) part of one receive channel, in the unit of the
    image: the SD of the image itself where A is large, 1.53 times that of the empty background under Rician().

    snr     positive
    kind    Gaussian(), Rician() or NonCentralChi(n_coils)
    signal  A [unit of the image]; None: the mean over core.masks.head, the largest part above Otsu's threshold

    Raises InputError for an image in which no head is found.
    """

    snr: float
    kind: Kind = field(default_factory=Rician)
    signal: float | None = None

    def __post_init__(self) -> None:
        require_positive("Noise", snr=self.snr, signal=self.signal)

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """On the same grid. Raises InputError for labels, complex images, and values that are no magnitude."""
        data = values_of(image, "noise")
        if np.iscomplexobj(data):
            raise InputError("noise at an SNR is defined for real images", remedy="Give the magnitude.")
        if not isinstance(self.kind, Gaussian):
            require_magnitude(
                data, "Rician or chi noise", "Add Gaussian noise (--noise gaussian), which may be negative."
            )
        reference = self.signal
        if reference is None:
            if image.quantity is Quantity.HU:
                raise InputError("CT numbers have no mean signal", remedy=SAY_SIGNAL)
            require_magnitude(data, "the mean signal of the head", SAY_SIGNAL)
            reference = float(data[masks.head(data)].mean())
        sigma = reference / self.snr
        facts = {**self.facts(), "signal": reference, "sigma": sigma}
        return result(image, self.kind.add(np.asarray(data, float), sigma, rng), image.affine, facts)

    def facts(self) -> Facts:
        where = "mean over the head" if self.signal is None else "given"
        return {"way": "noise", **self.kind.facts(), "snr": self.snr, "signal": self.signal, "signal_is": where}
