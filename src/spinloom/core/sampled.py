"""Smooth fields and coils, sampled once on a lattice and interpolated: cheap at millions of places."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.core.scanner import Coils, Field

EXTENT = 0.3
"""The lattice reaches this far from the isocentre on every axis [m]; beyond, the value at its edge holds."""


@dataclass(frozen=True)
class SampledField:
    """A field between the points of a lattice.

        f(r) = sum over the 8 neighbours of prod_axis (1 - |r - r_n| / h) f(r_n)

    which differs from the field itself by at most h^2 / 8 times its second derivative on each axis.

    of       the field
    spacing  h, distance of the lattice points [m]
    """

    of: Field
    spacing: float = 0.01
    _values: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", np.ascontiguousarray(self.of(_lattice(self.spacing)))[None])

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float64]:
        """r (..., 3) [m] → (...)."""
        return _interpolated(self._values, r, self.spacing)[0]


@dataclass(frozen=True)
class SampledCoils:
    """Coils between the points of a lattice; see SampledField.

    of       the coils
    spacing  distance of the lattice points [m]
    """

    of: Coils
    spacing: float = 0.01
    _values: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        c = self.of(_lattice(self.spacing))
        object.__setattr__(self, "_values", np.concatenate([c.real, c.imag]).astype(float))

    @property
    def n_coils(self) -> int:
        return self.of.n_coils

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        """r (..., 3) [m] → (n_coils, ...)."""
        parts = _interpolated(self._values, r, self.spacing)
        return parts[: self.n_coils] + 1j * parts[self.n_coils :]


def _lattice(spacing: float) -> NDArray[np.float64]:
    n = int(np.ceil(EXTENT / spacing))
    axis = np.arange(-n, n + 1) * spacing
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)


def _interpolated(values: NDArray[np.float64], r: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    flat = np.ascontiguousarray(r, float).reshape(-1, 3)
    out = np.empty((len(values), len(flat)))
    _trilinear(values, flat, 1 / spacing, out)
    return out.reshape(len(values), *np.shape(r)[:-1])


@njit(cache=True, nogil=True, error_model="numpy")
def _trilinear(values: NDArray[np.float64], r: NDArray[np.float64], per_metre: float, out: NDArray[np.float64]) -> None:
    last = values.shape[1] - 1
    middle = last / 2
    for p in range(r.shape[0]):
        x = min(max(r[p, 0] * per_metre + middle, 0.0), float(last))
        y = min(max(r[p, 1] * per_metre + middle, 0.0), float(last))
        z = min(max(r[p, 2] * per_metre + middle, 0.0), float(last))
        i, j, k = min(int(x), last - 1), min(int(y), last - 1), min(int(z), last - 1)
        x, y, z = x - i, y - j, z - k
        for c in range(values.shape[0]):
            v = values[c]
            low = (1 - y) * ((1 - z) * v[i, j, k] + z * v[i, j, k + 1]) + y * (
                (1 - z) * v[i, j + 1, k] + z * v[i, j + 1, k + 1]
            )
            high = (1 - y) * ((1 - z) * v[i + 1, j, k] + z * v[i + 1, j, k + 1]) + y * (
                (1 - z) * v[i + 1, j + 1, k] + z * v[i + 1, j + 1, k + 1]
            )
            out[c, p] = (1 - x) * low + x * high
