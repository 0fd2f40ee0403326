"""Lower resolution as a scanner has it: the outer k-space is not acquired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.image import Image
from spinloom.dataset.degrade.fourier import along, lines, to_image, to_kspace
from spinloom.dataset.degrade.regrid import coarser, same_corners
from spinloom.dataset.degrade.way import Facts, result, values_of


@dataclass(frozen=True)
class KSpaceCrop:
    """Only the middle of k-space is kept, tapered at its edge.

        s'_j = 1/n sum_k W(q) S_k exp(2 pi i k x_j / n),   x_j = (n/n' - 1) / 2 + j n/n',   |k| <= n' / 2
        W(q) = 1 for q <= 1 - taper,   ½ + ½ cos(pi (q - 1 + taper) / taper) up to q = 1,   q = 2 |k| / n'

    The result is the trigonometric polynomial of the image at the new voxel centres: exact for an image without
    anything at |k| >= n' / 2. The field of view keeps its corners. Real images stay real.

    factors      (3,) n / n' along the array axes, 1 or more; the axes of factor 1 are left alone
    taper        share of the kept half-width that the cosine takes, 0 (none) to 1 (Hann)
    cylindrical  q = sqrt(sum of q^2) over the axes that are cropped, and nothing beyond q = 1, instead of each axis
                 by itself
    zero_filled  keep the grid: zeros take the place of what was cut

    Tukey window: Harris, Proc. IEEE 66, 51 (1978). A cylindrical crop to 1 / 0.65 with a taper of 0.40 on the same
    grid, KSpaceCrop((1 / 0.65, 1 / 0.65, 1), 0.4, cylindrical=True, zero_filled=True), is how a published
    super-resolution study degrades 3 T volumes.
    """

    factors: tuple[float, float, float]
    taper: float = 0.0
    cylindrical: bool = False
    zero_filled: bool = False

    def __post_init__(self) -> None:
        coarser((10**6, 10**6, 10**6), self.factors)
        if not 0 <= self.taper <= 1:
            raise UsageError(f"the taper is a share from 0 to 1, got {self.taper}")

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """The image of the middle k-space. Raises InputError for labels, UsageError where no 2 voxels would be left."""
        data = values_of(image, "a crop of k-space")
        shape = coarser(data.shape, self.factors)
        axes = tuple(axis for axis in range(3) if self.factors[axis] > 1)
        if not axes:
            return result(image, data, image.affine, self.facts())
        kspace = to_kspace(data, axes) * self._window(data.shape, shape, axes)
        if self.zero_filled:
            full = to_image(kspace, axes)
            return result(image, full if np.iscomplexobj(data) else full.real, image.affine, self.facts())
        for axis in axes:
            n, m = data.shape[axis], shape[axis]
            kept = np.take(kspace, np.arange(m) + n // 2 - m // 2, axis=axis)
            first = (n / m - 1) / 2
            kspace = kept * along(np.exp(2j * np.pi * lines(m) * first / n) * m / n, axis)
        small = to_image(kspace, axes)
        affine = same_corners(image.affine, data.shape, shape)
        return result(image, small if np.iscomplexobj(data) else small.real, affine, self.facts())

    def facts(self) -> Facts:
        facts: Facts = {"way": "k-space crop", "factors": list(self.factors), "taper": self.taper}
        return facts | {"cylindrical": self.cylindrical, "zero_filled": self.zero_filled}

    def _window(self, shape: tuple[int, ...], kept: tuple[int, ...], axes: tuple[int, ...]) -> NDArray[np.float64]:
        """Weights that multiply (x, y, z): 0 outside of what is kept."""
        q = [along(2 * np.abs(lines(shape[axis])) / kept[axis], axis) for axis in axes]
        if self.cylindrical:
            return _tukey(np.sqrt(sum((v**2 for v in q), np.zeros((1, 1, 1)))), self.taper)
        out = np.ones((1, 1, 1))
        for v in q:
            out = out * _tukey(v, self.taper)
        return out


def _tukey(q: NDArray[np.float64], taper: float) -> NDArray[np.float64]:
    ramp = np.clip((q - 1 + taper) / taper, 0, 1) if taper else np.zeros_like(q)
    return np.where(q <= 1, 0.5 + 0.5 * np.cos(np.pi * ramp), 0.0)
