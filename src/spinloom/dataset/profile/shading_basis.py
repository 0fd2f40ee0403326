"""Smooth fields as few numbers: Legendre polynomials of three coordinates, up to a total degree, no constant."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Polynomials:
    """phi_abc(r) = P_a(x) P_b(y) P_c(z),   0 < a + b + c <= degree,   (x, y, z) = (r - centre) / half_mm

    centre   (3,) [mm]
    half_mm  half of the longest side of what they cover
    degree   the highest
    """

    centre: Array
    half_mm: float
    degree: int = 3

    def __call__(self, r: Array) -> Array:
        """r (n, 3) [mm] → (n, terms)."""
        x, y, z = (legvander((r[:, a] - self.centre[a]) / self.half_mm, self.degree) for a in range(3))
        return np.stack([x[:, a] * y[:, b] * z[:, c] for a, b, c in self._degrees()], axis=1)

    def bending(self) -> Array:
        """(terms, terms) B with c'Bc = half_mm^4 <sum_ij (d_i d_j f)^2> over the cube, f = sum c phi."""
        side = np.linspace(-1, 1, 9)
        cube = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3) * self.half_mm
        cube += self.centre
        step = 0.1 * self.half_mm * np.eye(3) / 2
        B = np.zeros((len(self._degrees()),) * 2)
        for p, q in product(step, step):
            second = (self(cube + p + q) - self(cube + p - q) - self(cube - p + q) + self(cube - p - q)) / 0.1**2
            B += second.T @ second / len(cube)
        return B

    def _degrees(self) -> list[tuple[int, ...]]:
        return [d for d in product(range(self.degree + 1), repeat=3) if 0 < sum(d) <= self.degree]


def covering(r: Array, degree: int) -> Polynomials:
    """Polynomials for places r (n, 3) [mm]."""
    low, high = r.min(axis=0), r.max(axis=0)
    return Polynomials((low + high) / 2, max(float((high - low).max()) / 2, 1e-3), degree)
