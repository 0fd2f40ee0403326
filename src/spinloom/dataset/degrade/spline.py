"""Spline downsampling, as the super-resolution system of source 1 makes its low-resolution images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from spinloom.core.errors import UsageError
from spinloom.core.image import Image
from spinloom.dataset.degrade.regrid import coarser, moved_affine, same_corners
from spinloom.dataset.degrade.way import Facts, result, values_of


@dataclass(frozen=True)
class SplineZoom:
    """A spline through the voxels, read off at fewer places: scipy.ndimage.zoom(data, 1 / factors).

        n' = round(n / factor)
        ends kept:     step = (n - 1) / (n' - 1), first = 0               (scipy's default, and source 1's)
        corners kept:  step = n / n',             first = (step - 1) / 2

    factors  (3,) 1 or more along the array axes; source 1: 3.0 / 1.6 along each
    order    of the spline, 0 to 5
    corners  keep the corners of the field of view rather than the centres of the end voxels

    What source 1 got wrong, and this does not: it kept the affine of the large image, so that a head of 113 voxels of
    1.6 mm becomes one of 60 voxels of 1.6 mm, 96 mm wide; and it calls the voxels 3.0 mm, while scipy's zoom gives
    them 1.6 (n - 1) / (n' - 1): 3.04, 3.00 and 3.04 mm for its shape (113, 136, 113). What it does and this repeats:
    no filter goes before the reading, so that detail finer than the new voxels is aliased rather than averaged; a
    scanner does not do that (see SliceProfile and KSpaceCrop).

    Unser, Aldroubi & Eden, IEEE Trans. Signal Process. 41, 821 (1993).
    """

    factors: tuple[float, float, float]
    order: int = 3
    corners: bool = False

    def __post_init__(self) -> None:
        coarser((10**6, 10**6, 10**6), self.factors)
        if self.order not in range(6):
            raise UsageError(f"a spline has an order of 0 to 5, got {self.order}")

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """The smaller image. Raises InputError for labels, UsageError where fewer than 2 voxels would be left."""
        data = values_of(image, "a spline")
        shape = coarser(data.shape, self.factors)
        scale = [m / n for m, n in zip(shape, data.shape, strict=True)]
        beyond = "nearest" if self.corners else "mirror"  # scipy's "constant" can round the last plane out and zero it
        parts = [
            zoom(part, scale, order=self.order, mode=beyond, grid_mode=self.corners)  # type: ignore[call-overload]
            for part in _parts(data)
        ]
        small = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
        if self.corners:
            affine = same_corners(image.affine, data.shape, shape)
        else:
            step = [(n - 1) / (m - 1) if m > 1 else 1.0 for n, m in zip(data.shape, shape, strict=True)]
            affine = moved_affine(image.affine, step, (0, 0, 0))
        return result(image, small, affine, self.facts())

    def facts(self) -> Facts:
        return {"way": "spline", "factors": list(self.factors), "order": self.order, "corners": self.corners}


def _parts(data: NDArray[Any]) -> list[NDArray[np.float64]]:
    return [data.real, data.imag] if np.iscomplexobj(data) else [data]
