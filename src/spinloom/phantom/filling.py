"""How the tissues of an anatomy get their numbers: from the bare mean to correlated texture.

Every filling is a value with one method, `fill`. The first four are those of the common label-map phantoms; PD is
the table's in all of them. A uniform draw within bounds means within mean (1 ± sqrt(3) sd), which has the same
standard deviation as the Gaussian one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.rng import stream
from spinloom.phantom.texture import correlated_noise
from spinloom.phantom.tissues import Tissue, TissueTable

Map = NDArray[np.float32]
WIDEST = 2.5  # Gaussian draws are cut here, in standard deviations, so that no relaxation time comes near 0


@dataclass(frozen=True, eq=False)
class Filled:
    """What a filling decides.

    tissues  the table with this subject's values
    texture  (x, y, z) relative deviation of T1 and T2, or None
    times    T1, T2, T2prime [s], each (x, y, z), where every voxel was drawn for itself; else None
    """

    tissues: TissueTable
    texture: Map | None = None
    times: tuple[Map, Map, Map] | None = None


class Filling(Protocol):
    """A way of giving tissues their numbers."""

    def fill(self, tissues: TissueTable, where: NDArray[np.uint8], voxel_mm: NDArray[np.float64], seed: int) -> Filled:
        """where (x, y, z): position in the table + 1, 0 for nothing; voxel_mm (3,)."""
        ...


@dataclass(frozen=True)
class Homogeneous:
    """Every voxel has its tissue's mean."""

    def fill(self, tissues: TissueTable, where: NDArray[np.uint8], voxel_mm: NDArray[np.float64], seed: int) -> Filled:
        return Filled(tissues)


@dataclass(frozen=True)
class OneDrawPerClass:
    """One uniform draw within bounds per tissue."""

    def fill(self, tissues: TissueTable, where: NDArray[np.uint8], voxel_mm: NDArray[np.float64], seed: int) -> Filled:
        drawn = []
        for t in tissues:
            u = stream(seed, "filling", t.name).uniform(-sqrt(3), sqrt(3), 3)
            drawn.append(_scaled(t, 1 + t.T1_sd * u[0], 1 + t.T2_sd * u[1], 1 + t.T2_sd * u[2]))
        return Filled(replace(tissues, tissues=tuple(drawn)))


@dataclass(frozen=True)
class OneDrawPerVoxel:
    """A uniform draw within bounds per voxel: white noise; the boundaries between tissues stay crisp."""

    def fill(self, tissues: TissueTable, where: NDArray[np.uint8], voxel_mm: NDArray[np.float64], seed: int) -> Filled:
        return Filled(tissues, times=_per_voxel(tissues, where, seed, lambda rng, n: rng.uniform(-sqrt(3), sqrt(3), n)))


@dataclass(frozen=True)
class FromDistribution:
    """A Gaussian draw per voxel: white noise; the boundaries between tissues stay crisp."""

    def fill(self, tissues: TissueTable, where: NDArray[np.uint8], voxel_mm: NDArray[np.float64], seed: int) -> Filled:
        return Filled(tissues, times=_per_voxel(tissues, where, seed, lambda rng, n: rng.standard_normal(n)))


@dataclass(frozen=True)
class Correlated:
    """A Gaussian draw per tissue (PD, T1, T2, T2prime), and on top a smooth texture of T1 and T2.

    texture_sd       standard deviation of the texture, relative
    correlation_mm   how far it stays alike
    T1_T2_correlation  a tissue with a long T1 tends to have a long T2
    """

    texture_sd: float = 0.03
    correlation_mm: float = 4.0
    T1_T2_correlation: float = 0.7

    def fill(self, tissues: TissueTable, where: NDArray[np.uint8], voxel_mm: NDArray[np.float64], seed: int) -> Filled:
        drawn = []
        for t in tissues:
            a, b, c, d = np.clip(stream(seed, "filling", t.name).standard_normal(4), -WIDEST, WIDEST)
            b = np.clip(self.T1_T2_correlation * a + sqrt(1 - self.T1_T2_correlation**2) * b, -WIDEST, WIDEST)
            scaled = _scaled(t, 1 + t.T1_sd * a, 1 + t.T2_sd * b, 1 + t.T2_sd * c)
            drawn.append(replace(scaled, PD=float(t.PD * (1 + t.PD_sd * d))))
        x, y, z = where.shape
        noise = correlated_noise((x, y, z), voxel_mm, self.correlation_mm, stream(seed, "texture"))
        texture = np.clip(noise, -WIDEST, WIDEST) * np.float32(self.texture_sd)
        return Filled(replace(tissues, tissues=tuple(drawn)), texture=np.where(where > 0, texture, np.float32(0)))


def _scaled(t: Tissue, T1: float, T2: float, T2prime: float) -> Tissue:
    """A tissue with its times multiplied; T2 never exceeds T1."""
    new_T1 = float(t.T1 * T1)
    return replace(t, T1=new_T1, T2=float(min(t.T2 * T2, new_T1)), T2prime=float(t.T2prime * T2prime))


def _per_voxel(
    tissues: TissueTable,
    where: NDArray[np.uint8],
    seed: int,
    draw: Callable[[np.random.Generator, int], NDArray[np.float64]],
) -> tuple[Map, Map, Map]:
    """T1, T2 and T2prime drawn for each voxel by itself; T2star <= T2 since the reversible time is what is drawn."""
    T1, T2 = np.zeros(where.shape, np.float32), np.zeros(where.shape, np.float32)
    T2prime = np.full(where.shape, np.inf, np.float32)
    for index, t in enumerate(tissues, 1):
        here = where == index
        n = int(np.count_nonzero(here))
        rng = stream(seed, "filling", t.name)
        a, b, c = (1 + sd * np.clip(draw(rng, n), -WIDEST, WIDEST) for sd in (t.T1_sd, t.T2_sd, t.T2_sd))
        T1[here] = t.T1 * a
        T2[here] = np.minimum(t.T2 * b, t.T1 * a)
        T2prime[here] = t.T2prime * c
    return T1, T2, T2prime
