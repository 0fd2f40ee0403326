"""A smooth field from pairs of places: two of one tissue differ by the field alone, two of different ones more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError, require_positive
from spinloom.dataset.profile.shading_basis import Polynomials, covering
from spinloom.dataset.profile.shading_blocks import Blocks

Array = NDArray[np.float64]
TINY = 1e-9


@dataclass(frozen=True)
class Reach:
    """Pairs about this far apart [mm], and the width of the weights [log intensity], from first to last."""

    distance_mm: float
    first: float
    last: float


NEAR_TO_FAR = (Reach(6.0, 0.04, 0.02), Reach(12.0, 0.03, 0.02), Reach(20.0, 0.03, 0.02))


@dataclass(frozen=True)
class PairFit:
    """log field = sum c phi, by the c that makes most pairs of places i, j differ by the field alone.

        minimise   - s^2 sum_ij exp(-(y_i - y_j - sum c (phi_i - phi_j))^2 / 2 s^2) / sum w + stiffness d^2/h^2 c'Bc

    y the log of the intensity, d the distance of pairs, h half the size of the head, B the bending of the field. Near
    pairs come first: over 6 mm a field changes by a few percent, tissues differ by tens, so the start needs no field;
    farther ones then hold distant parts of a tissue together. Solved by reweighted least squares.

    degree     of the polynomials
    reaches    of the pairs, one after the other
    pairs      drawn for each
    rounds     of reweighting, s going from first to last
    stiffness  against bending that the pairs do not ask for

    The weights are those of Welsch: Holland & Welsch, Commun. Stat. A 6, 813 (1977). Over all pairs the sum is the
    quadratic entropy of the histogram; entropy as a criterion: Likar et al., IEEE Trans. Med. Imaging 20, 1398 (2001).
    """

    degree: int = 3
    reaches: tuple[Reach, ...] = NEAR_TO_FAR
    pairs: int = 45_000
    rounds: int = 8
    stiffness: float = 3e-4

    def __post_init__(self) -> None:
        require_positive("PairFit", pairs=self.pairs, rounds=self.rounds, stiffness=self.stiffness)
        if self.degree < 1 or not self.reaches:
            raise UsageError("PairFit: a degree of at least 1 and a reach of pairs are needed")

    def field(self, blocks: Blocks) -> Array:
        """(x, y, z) of the blocks; in the head, 1 on geometric average; elsewhere nan."""
        inside = blocks.places(blocks.head)
        phi = covering(inside, self.degree)
        log = phi(inside) @ self._fit(blocks, phi)
        field = np.full(blocks.head.shape, np.nan)
        field[blocks.head] = np.exp(log - log.mean())
        return field

    def _fit(self, blocks: Blocks, phi: Polynomials) -> Array:
        """(terms,) c."""
        r = blocks.places(blocks.even)
        y, at, B = np.log(blocks.mean[blocks.even]), phi(r), phi.bending()
        c = np.zeros(at.shape[1])
        rng = np.random.default_rng(0)
        for reach in self.reaches:
            i, j = _pairs(blocks, reach.distance_mm, self.pairs, rng)
            if len(i) < len(c):
                continue
            difference, rows = y[i] - y[j], at[i] - at[j]
            d = float(np.linalg.norm(r[i] - r[j], axis=1).mean()) / phi.half_mm
            ridge = self.stiffness * d**2 * B + TINY * np.eye(len(c))
            for s in np.geomspace(reach.first, reach.last, self.rounds):
                w = np.exp(-0.5 * ((difference - rows @ c) / s) ** 2)
                weighted = rows * (w / max(float(w.sum()), TINY))[:, None]
                c = np.linalg.solve(weighted.T @ rows + ridge, weighted.T @ difference)
        return c


def _pairs(
    blocks: Blocks, distance_mm: float, number: int, rng: np.random.Generator
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Indices among the even blocks of pairs 0.7 to 1.3 times a distance apart, in random directions."""
    where = np.argwhere(blocks.even)
    index = np.full(blocks.even.shape, -1)
    index[blocks.even] = np.arange(len(where))
    i = rng.integers(len(where), size=number)
    way = rng.standard_normal((number, 3))
    way *= (distance_mm * rng.uniform(0.7, 1.3, number) / np.linalg.norm(way, axis=1))[:, None]
    there = where[i] + np.round(way / blocks.size_mm).astype(int)
    within = ((there >= 0) & (there < index.shape)).all(axis=1) & (there != where[i]).any(axis=1)
    i, there = i[within], there[within]
    j = index[tuple(there.T)]
    return i[j >= 0], j[j >= 0]
