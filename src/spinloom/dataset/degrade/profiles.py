"""Slice profiles: how much of each depth a slice is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from spinloom.core.errors import UsageError
from spinloom.core.resample import FWHM

Values = NDArray[np.float64]


class Profile(Protocol):
    """Weight over depth; its width at half height is the slice thickness."""

    @property
    def name(self) -> str: ...

    def below(self, z: Values) -> Values:
        """Share of the profile below z, in slice thicknesses from the middle: 0 at -inf, 1 at +inf."""
        ...


@dataclass(frozen=True)
class Box:
    """All of the slice alike, nothing beyond."""

    @property
    def name(self) -> str:
        return "box"

    def below(self, z: Values) -> Values:
        return np.asarray(np.clip(z + 0.5, 0.0, 1.0))


@dataclass(frozen=True)
class Bell:
    """A Gaussian whose full width at half maximum is the thickness."""

    @property
    def name(self) -> str:
        return "gaussian"

    def below(self, z: Values) -> Values:
        return np.asarray(0.5 + 0.5 * erf(z * FWHM / np.sqrt(2)))


@dataclass(frozen=True)
class SincGauss:
    """What a small-angle sinc pulse under a Gaussian excites: a box blurred by a Gaussian.

        w(z) = ½ [erf((z + ½) / (√2 edge)) - erf((z - ½) / (√2 edge))]

    edge  standard deviation of the blur in slice thicknesses. A sinc of time-bandwidth product b under a Gaussian of
          standard deviation a = 1/4 of its duration has edge = 1 / (2π a b): 0.16 for b = 4

    Small-tip approximation: Pauly, Nishimura & Macovski, J. Magn. Reson. 81, 43 (1989).
    """

    edge: float = 0.16

    def __post_init__(self) -> None:
        if not 0 < self.edge <= 1:
            raise UsageError(f"SincGauss(edge={self.edge}): a share of the slice thickness above 0, at most 1")

    @property
    def name(self) -> str:
        return f"sinc-Gauss, edge {self.edge:g}"

    def below(self, z: Values) -> Values:
        return 0.5 + 0.5 * (self._primitive(z + 0.5) - self._primitive(z - 0.5))

    def _primitive(self, z: Values) -> Values:
        """Antiderivative of erf(z / (√2 edge))."""
        s = np.sqrt(2) * self.edge
        return np.asarray(z * erf(z / s) + s / np.sqrt(np.pi) * np.exp(-((z / s) ** 2)))
