"""Correction of smooth shading: N4, the field kept as the few control points of a B-spline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError, require_positive
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.preprocess import bspline
from spinloom.dataset.preprocess.foreground import foreground
from spinloom.dataset.preprocess.sharpen import sharpened
from spinloom.dataset.preprocess.step import Fitted, voxels

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BiasCorrection:
    """image = truth * field, field smooth: the field that makes the histogram of the log image sharpest.

        u = log(image) - f;   f += B-spline near (u - E[true u | u]);   lattice halved level by level

    element_mm    size of a lattice element at the first level [mm]
    levels        how often it is halved, less one; 4 levels of 200 mm follow fields down to about 25 mm
    iterations    at most, of every level
    sampled_mm    voxels are thinned to about this size for the fit [mm]
    change        a level ends when the standard deviation of the field's relative change falls below this
    FWHM, noise   of the assumed blur of the histogram, in log intensity, and the Wiener filter's noise

    Without a mask, the head found in the image is used. The field has geometric mean 1 in the mask.

    Tustison et al., IEEE Trans. Med. Imaging 29, 1310 (2010); Sled et al., IEEE Trans. Med. Imaging 17, 87 (1998).
    """

    element_mm: float = 200.0
    levels: int = 4
    iterations: int = 50
    sampled_mm: float = 4.0
    change: float = 1e-3
    FWHM: float = 0.15
    noise: float = 0.01

    def __post_init__(self) -> None:
        require_positive(
            "BiasCorrection", element_mm=self.element_mm, sampled_mm=self.sampled_mm, FWHM=self.FWHM, noise=self.noise
        )
        if self.levels < 1 or self.iterations < 1:
            raise UsageError("BiasCorrection: at least one level and one iteration are needed")

    def fit(self, image: Image, mask: Mask | None = None) -> Field:
        """Raises InputError for CT numbers, labels, and masks without positive values."""
        if image.quantity is Quantity.HU:
            raise InputError("CT numbers have no coil shading", remedy="Leave bias correction out for CT.")
        where = foreground(image) if mask is None else np.asarray(mask, bool)
        voxels(image, where)
        data = np.asarray(image.data, float)
        where = where & (data > 0)
        thin = tuple(slice(None, None, max(1, int(self.sampled_mm // d))) for d in image.grid.voxel_mm)
        if where[thin].sum() < 64:
            thin = (slice(None),) * 3
        if where[thin].sum() < 64:
            raise InputError("the mask holds fewer than 64 voxels above 0: too few for a bias field")
        m = where[thin].astype(float)
        v = np.log(np.where(where, data, 1.0)[thin])
        extent = np.array(image.data.shape) * image.grid.voxel_mm
        first = np.maximum(1, np.round(extent / self.element_mm)).astype(int)
        return Field(self._control(v, m, (first[0], first[1], first[2])), image.data.shape, self._facts())

    def _control(self, v: Array, m: Array, elements: tuple[int, int, int]) -> Array:
        """Control points of the log field, from the thinned log image and its mask."""
        inside = m > 0
        control = np.zeros([e + 3 for e in elements])
        for level in range(self.levels):
            if level:
                elements = _twice(elements, v.shape)
                control = bspline.refine(control, elements)
            for _ in range(self.iterations):
                u = (v - bspline.evaluate(control, v.shape))[inside]
                residual = np.zeros_like(v)
                residual[inside] = u - sharpened(u, FWHM=self.FWHM, noise=self.noise)
                step = bspline.approximate(residual, m, elements)
                control = control + step
                ratio = np.exp(bspline.evaluate(step, v.shape)[inside])
                if ratio.std() / ratio.mean() < self.change:
                    break
        return np.asarray(control - bspline.evaluate(control, v.shape)[inside].mean())

    def _facts(self) -> str:
        return (
            f"N4: elements of {self.element_mm:g} mm, {self.levels} levels of at most {self.iterations} iterations, "
            f"voxels of {self.sampled_mm:g} mm"
        )


@dataclass(frozen=True, eq=False)
class Field:
    """A fitted bias field: log field = cubic B-spline over the whole grid.

    control  (cx, cy, cz) control points of the log field
    shape    (3,) voxels of the grid
    how      it was found, in words
    """

    control: Array
    shape: tuple[int, int, int]
    how: str = ""

    def values(self) -> Array:
        """(x, y, z) the field; geometric mean 1 in the mask it was fitted in."""
        return np.asarray(np.exp(bspline.evaluate(self.control, self.shape)))

    def forward(self, image: Image) -> Image:
        return self._times(image, -1)

    def inverse(self, image: Image) -> Image:
        return self._times(image, 1)

    def beyond(self, outside: float) -> float:
        """As it is: there is no field beyond the image, and 0 stays 0 in any."""
        return outside

    def facts(self) -> dict[str, object]:
        return {"fitted": "field", "control": self.control.tolist(), "shape": [*self.shape], "how": self.how}

    @staticmethod
    def of(facts: dict[str, object]) -> Fitted:
        shape = tuple(int(n) for n in facts["shape"])  # type: ignore[attr-defined]
        control = np.asarray(facts["control"], float)
        if control.ndim != 3 or min(control.shape) < 4 or len(shape) != 3 or not np.isfinite(control).all():
            raise ValueError("control points (cx, cy, cz), at least 4 along each axis, and a shape are needed")
        return Field(control, shape, str(facts.get("how", "")))

    def _times(self, image: Image, power: int) -> Image:
        if image.quantity is Quantity.LABEL:
            return image
        if image.data.shape != self.shape:
            raise InputError(f"the bias field is of shape {self.shape}, the image of {image.data.shape}")
        return replace(image, data=(np.asarray(image.data, float) * self.values() ** power).astype(np.float32))


def _twice(elements: tuple[int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Twice the elements, but no more than there are voxels to hold them."""
    x, y, z = (2 * e if 2 * e + 3 <= n else e for e, n in zip(elements, shape, strict=True))
    return x, y, z
