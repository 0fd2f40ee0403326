"""Coil combination: several complex coil images → one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Complex = NDArray[np.complexfloating]


class Combine(Protocol):
    """A way to make one image of many."""

    def __call__(self, images: Complex) -> NDArray[np.inexact]:
        """images (coil, x, y, z) → (x, y, z)."""
        ...


@dataclass(frozen=True)
class RootSumOfSquares:
    """sqrt(sum_c |I_c|²); the image of a single coil stays complex. Roemer et al., Magn. Reson. Med. 16, 192 (1990)."""

    def __call__(self, images: Complex) -> NDArray[np.inexact]:
        if len(images) == 1:
            return images[0]
        return np.sqrt(np.sum(np.abs(images) ** 2, axis=0))


@dataclass(frozen=True, eq=False)
class SensitivityWeighted:
    """I = sum_c conj(s_c) I_c / sum_c |s_c|²: the best SNR, with known sensitivities. Roemer et al. (1990).

    maps  (coil, x, y, z) receive sensitivities on the image's grid
    """

    maps: Complex

    def __call__(self, images: Complex) -> NDArray[np.inexact]:
        power = np.sum(np.abs(self.maps) ** 2, axis=0)
        return np.sum(np.conj(self.maps) * images, axis=0) / np.maximum(power, 1e-12 * power.max())


@dataclass(frozen=True)
class Adaptive:
    """Weights from the data: per voxel the strongest eigenvector of the coils' local correlation matrix.

        R(r) = mean over a block of I_c conj(I_d),   R v = λ_max v,   I = v^H I_c

    The phase of v is referred to the coil with most signal. Keeps background noise Rayleigh-like where RSS lifts it.

    block  edge of the averaging block [voxels]

    Walsh, Gmitro & Marcellin, Magn. Reson. Med. 43, 682 (2000).
    """

    block: int = 5

    def __call__(self, images: Complex) -> NDArray[np.inexact]:
        v = local_eigenvector(images, self.block)
        reference = int(np.argmax(np.sum(np.abs(images) ** 2, axis=(1, 2, 3))))
        v = v * np.exp(-1j * np.angle(v[reference]))
        return np.einsum("cxyz,cxyz->xyz", np.conj(v), images)


def local_eigenvector(images: Complex, block: int) -> Complex:
    """(coil, x, y, z) unit eigenvector of largest eigenvalue of the coils' correlation, averaged over a block."""
    C = len(images)
    size = tuple(min(block, n) for n in images.shape[1:])
    R = np.empty((*images.shape[1:], C, C), images.dtype)
    for c in range(C):
        for d in range(c + 1):
            product = images[c] * np.conj(images[d])
            mean = uniform_filter(product.real, size) + 1j * uniform_filter(product.imag, size)
            R[..., c, d] = mean
            R[..., d, c] = np.conj(mean)
    return np.asarray(np.moveaxis(np.linalg.eigh(R)[1][..., -1], -1, 0))
