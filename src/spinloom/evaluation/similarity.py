"""Structural similarity (SSIM), 2D and 3D, over a whole image or inside a mask.

    SSIM = (2 mx my + C1) (2 sxy + C2) / ((mx^2 + my^2 + C1) (sx^2 + sy^2 + C2)),   C1 = (0.01 R)^2, C2 = (0.03 R)^2

m and s are means and covariances under a window about each voxel, R the data range. Inside a mask, windows are
normalised convolutions: they see the voxels of the mask alone, so that what lies outside neither helps nor hurts.

Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13, 600 (2004); Knutsson & Westin, CVPR (1993), 515.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import correlate1d

from spinloom.core.errors import InputError
from spinloom.evaluation.pointwise import require_range

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Window(ABC):
    """How neighbours count; the same along every axis."""

    @property
    @abstractmethod
    def weights(self) -> Values:
        """(size,) that add up to one, size odd."""

    @property
    def radius(self) -> int:
        return len(self.weights) // 2


@dataclass(frozen=True)
class Uniform(Window):
    """A box of `size` voxels; scikit-image's default with 7."""

    size: int = 7

    @property
    def weights(self) -> Values:
        return np.full(self.size, 1 / self.size)


@dataclass(frozen=True)
class Gaussian(Window):
    """A bell of standard deviation sigma, cut at 3.5 sigma: 11 voxels for Wang's 1.5."""

    sigma: float = 1.5

    @property
    def weights(self) -> Values:
        r = int(3.5 * self.sigma + 0.5)
        w = np.exp(-0.5 * (np.arange(-r, r + 1) / self.sigma) ** 2)
        return np.asarray(w / w.sum())


@dataclass(frozen=True, eq=False)
class Moments:
    """Local means, variances and covariance of two images, and where they are defined; all arrays (...)."""

    mx: Values
    my: Values
    vx: Values
    vy: Values
    vxy: Values
    there: Mask


def moments(x: Values, y: Values, window: Window, mask: Mask | None, unbiased: bool) -> Moments:
    """Of images (...); unbiased: covariances times n / (n - 1), n voxels in the window (n = size^dimensions)."""
    w = window.weights
    if min(x.shape) < len(w):
        raise InputError(f"images of {x.shape} are smaller than the window of {len(w)} voxels")

    def smooth(a: Values) -> Values:
        for axis in range(a.ndim):
            a = correlate1d(a, w, axis=axis, mode="reflect" if mask is None else "constant")
        return a

    n = np.full(x.shape, float(len(w) ** x.ndim))
    share = np.ones(x.shape)
    if mask is not None:
        share = np.maximum(smooth(mask.astype(float)), 1e-12)
        n, x, y = n * share, np.where(mask, x, 0.0), np.where(mask, y, 0.0)
    mx, my, xx, yy, xy = (smooth(a) / share for a in (x, y, x * x, y * y, x * y))
    factor = n / np.maximum(n - 1, 1.0) if unbiased else 1.0
    there = np.ones(x.shape, bool) if mask is None else mask
    return Moments(mx, my, factor * (xx - mx * mx), factor * (yy - my * my), factor * (xy - mx * my), there)


def parts(m: Moments, data_range: float) -> tuple[Values, Values]:
    """Luminance and contrast-structure, whose product is SSIM."""
    require_range(data_range)
    C1, C2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * m.mx * m.my + C1) / (m.mx**2 + m.my**2 + C1)
    return luminance, (2 * m.vxy + C2) / (m.vx + m.vy + C2)


def interior(shape: tuple[int, ...], radius: int) -> tuple[slice, ...]:
    """Voxels whose window lies inside the image."""
    return tuple(slice(radius, n - radius) for n in shape)


def ssim_map(
    x: ArrayLike,
    y: ArrayLike,
    data_range: float,
    *,
    window: Window | None = None,
    mask: ArrayLike | None = None,
    unbiased: bool = True,
) -> Values:
    """SSIM at every voxel (...); with a mask, NaN outside of it.

    x, y        prediction and reference (...), 2D or 3D: the window has as many dimensions
    data_range  R above
    window      None: Uniform(7)
    unbiased    sample covariances, as scikit-image has it by default; Wang et al. have population ones
    """
    x, y, inside = _checked(x, y, mask)
    m = moments(x, y, window or Uniform(), inside, unbiased)
    luminance, structure = parts(m, data_range)
    return np.where(m.there, luminance * structure, np.nan)


def ssim(
    x: ArrayLike,
    y: ArrayLike,
    data_range: float,
    *,
    window: Window | None = None,
    mask: ArrayLike | None = None,
    unbiased: bool = True,
    slice_axis: int | None = None,
) -> float:
    """Mean SSIM: over the mask, or without one over the voxels whose window lies inside the image.

    slice_axis  None: a window of all dimensions; else slice by slice along this axis, windows in the plane, slices
                that hold part of the mask (or all) weighing equally
    others      as of ssim_map

    Raises InputError for shapes that differ, images smaller than the window, values that are not finite, an empty mask.
    """
    if slice_axis is not None:
        x, y = np.moveaxis(np.asarray(x), slice_axis, 0), np.moveaxis(np.asarray(y), slice_axis, 0)
        masks = [None] * len(x) if mask is None else list(np.moveaxis(np.asarray(mask, bool), slice_axis, 0))
        found = [
            ssim(a, b, data_range, window=window, mask=m, unbiased=unbiased)
            for a, b, m in zip(x, y, masks, strict=True)
            if m is None or m.any()
        ]
        if not found:
            raise InputError("the mask is empty: no voxel counts")
        return float(np.mean(found))
    window = window or Uniform()
    values = ssim_map(x, y, data_range, window=window, mask=mask, unbiased=unbiased)
    return float(np.nanmean(values) if mask is not None else np.mean(values[interior(values.shape, window.radius)]))


def _checked(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None) -> tuple[Values, Values, Mask | None]:
    from spinloom.evaluation.pointwise import inside

    inside(x, y, mask)
    a, b = np.asarray(x, float), np.asarray(y, float)
    return a, b, None if mask is None else np.asarray(mask, bool)
