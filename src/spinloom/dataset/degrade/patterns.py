"""Which points of k-space are acquired: patterns over one or two axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError, require_positive
from spinloom.dataset.degrade.way import Facts
from spinloom.reconstruction import masks

Mask = NDArray[np.bool_]
MOST_SPOKES = 20_000


class Pattern(Protocol):
    """A pattern over the raster of one phase axis (n,), or of a plane (n, m)."""

    @property
    def plane(self) -> bool:
        """Whether it spans two axes."""
        ...

    def mask(self, shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
        """True where acquired; k = 0 at n // 2. Raises UsageError for what does not fit the raster."""
        ...

    def facts(self) -> Facts:
        """Its name and parameters."""
        ...


@dataclass(frozen=True)
class Regular:
    """Every R-th line, counted from k = 0, and all of the middle ones. Aliases by n / R voxels."""

    R: int
    centre: int = 0
    plane: bool = False

    def mask(self, shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
        return masks.regular(shape[0], self.R, self.centre)

    def facts(self) -> Facts:
        return {"pattern": "regular", "R": self.R, "centre_lines": self.centre}


@dataclass(frozen=True)
class VariableDensity:
    """n / R lines: the middle ones, and others drawn with weights (1 - |k| / k_max)^power.

    Lustig, Donoho & Pauly, Magn. Reson. Med. 58, 1182 (2007).
    """

    R: float
    centre: int = 16
    power: float = 2.0
    plane: bool = False

    def mask(self, shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
        require_positive("VariableDensity", R=self.R)
        return masks.variable_density(shape[0], self.R, self.centre, rng, power=self.power)

    def facts(self) -> Facts:
        return {"pattern": "variable density", "R": self.R, "centre_lines": self.centre, "power": self.power}


@dataclass(frozen=True)
class PartialFourier:
    """The last lines, a share of half to all of them."""

    fraction: float
    plane: bool = False

    def mask(self, shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
        return masks.partial(shape[0], self.fraction)

    def facts(self) -> Facts:
        return {"pattern": "partial Fourier", "fraction": self.fraction}


@dataclass(frozen=True)
class Radial:
    """Spokes through k = 0, golden angles apart, each point put on the nearest point of the raster.

        angle_j = j pi (sqrt 5 - 1) / 2

    spokes  number of them; pi / 2 times the matrix leaves no gap

    Winkelmann et al., IEEE Trans. Med. Imaging 26, 68 (2007).
    """

    spokes: int
    plane: bool = True

    def mask(self, shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
        if not 1 <= self.spokes <= MOST_SPOKES:
            raise UsageError(f"radial sampling takes 1 to {MOST_SPOKES} spokes, got {self.spokes}")
        found = np.zeros(shape, bool)
        n, m = shape
        r = np.linspace(-0.5, 0.5, 4 * max(shape) + 1)
        for angle in np.arange(self.spokes) * np.pi * (np.sqrt(5) - 1) / 2:
            i = np.rint(r * n * np.cos(angle)).astype(int) + n // 2
            j = np.rint(r * m * np.sin(angle)).astype(int) + m // 2
            there = (i >= 0) & (i < n) & (j >= 0) & (j < m)
            found[i[there], j[there]] = True
        return found

    def facts(self) -> Facts:
        return {"pattern": "radial", "spokes": self.spokes}
