"""Fourier sums between scattered k and a grid of voxels: exact by matrix products, or fast by finufft.

adjoint   image(r) = sum_k v(k) exp(+2πi k . r)
forward   v(k) = sum_r image(r) exp(-2πi k . r)
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from spinloom.core.products import product

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

LARGE = 2e11  # samples x voxels beyond which the exact sum takes minutes
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Exact:
    """The sums as they stand.

    k  (n, d) [1/m], d axes
    r  d arrays: voxel centres along each axis [m]
    """

    k: Floats
    r: tuple[Floats, ...]

    def adjoint(self, v: Complex) -> Complex:
        """(n,) → (len(r[0]), ...)."""
        flat = np.zeros((len(self.r[0]), int(np.prod([len(x) for x in self.r[1:]]))), complex)
        for block in _blocks(len(self.k)):
            first, rest = self._phases(block)
            flat += product((first * v[block, None]).T, rest)
        return flat.reshape([len(x) for x in self.r])

    def forward(self, image: Complex) -> Complex:
        """(len(r[0]), ...) → (n,)."""
        out = np.empty(len(self.k), complex)
        flat = image.reshape(len(self.r[0]), -1)
        for block in _blocks(len(self.k)):
            first, rest = self._phases(block)
            out[block] = np.sum(product(first.conj(), flat) * rest.conj(), axis=1)
        return out

    def _phases(self, block: slice) -> tuple[Complex, Complex]:
        each = [np.exp(2j * np.pi * self.k[block, d, None] * x) for d, x in enumerate(self.r)]
        rest = np.ones((len(each[0]), 1), complex)
        for phase in each[1:]:
            rest = (rest[:, :, None] * phase[:, None, :]).reshape(len(rest), -1)
        return each[0], rest


@dataclass(frozen=True, eq=False)
class Fast:
    """The same sums by finufft, to a relative error of 1e-7.

    Barnett, Magland & af Klinteberg, SIAM J. Sci. Comput. 41, C479 (2019).

    k  (n, d) [1/m];  r  d arrays of evenly spaced voxel centres [m]
    """

    k: Floats
    r: tuple[Floats, ...]

    def adjoint(self, v: Complex) -> Complex:
        import finufft

        points, ramp = self._points()
        kind = {1: finufft.nufft1d1, 2: finufft.nufft2d1, 3: finufft.nufft3d1}[len(self.r)]
        shape = tuple(len(x) for x in self.r)
        values = np.ascontiguousarray(v * ramp)
        return np.asarray(kind(*points, values, shape if len(shape) > 1 else shape[0], isign=1, eps=1e-7, nthreads=1))

    def forward(self, image: Complex) -> Complex:
        import finufft

        points, ramp = self._points()
        kind = {1: finufft.nufft1d2, 2: finufft.nufft2d2, 3: finufft.nufft3d2}[len(self.r)]
        return np.asarray(kind(*points, np.ascontiguousarray(image), isign=-1, eps=1e-7, nthreads=1)) * ramp.conj()

    def _points(self) -> tuple[list[Floats], Complex]:
        """Phase per voxel step of every k, and the ramp to the voxel that finufft calls zero, index N // 2."""
        points, turns = [], np.zeros(len(self.k))
        for d, x in enumerate(self.r):
            step = x[1] - x[0] if len(x) > 1 else 1.0
            points.append(np.ascontiguousarray(2 * np.pi * self.k[:, d] * step))
            turns += self.k[:, d] * x[len(x) // 2]
        return points, np.exp(2j * np.pi * turns)


def fourier_sum(k: Floats, r: tuple[Floats, ...]) -> Exact | Fast:
    """The fast sums where finufft is installed, else the exact ones, with a warning when they will take long."""
    if find_spec("finufft") is not None:
        return Fast(k, r)
    work = len(k) * np.prod([float(len(x)) for x in r])
    if work > LARGE:
        warnings.warn(
            f"the exact Fourier sum of {len(k)} samples will take minutes; "
            "`pip install spinloom[nufft]` makes it seconds",
            stacklevel=2,
        )
    return Exact(k, r)


def _blocks(n: int) -> list[slice]:
    return [slice(i, min(i + BLOCK, n)) for i in range(0, n, BLOCK)]
