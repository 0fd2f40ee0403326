"""Multi-scale structural similarity (MS-SSIM): contrast and structure at five resolutions, luminance at the coarsest.

    MS-SSIM = <SSIM_5>^w5 prod_(j < 5) <CS_j>^wj,      w = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

CS is SSIM without its luminance, < > the mean over the image (or mask) at scale j; the next scale is the mean of 2 x 2
(x 2) voxels. Negative means count as zero.

Wang, Simoncelli & Bovik, Asilomar (2003), 1398, eq. 7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError
from spinloom.evaluation.similarity import Gaussian, Window, _checked, interior, moments, parts

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(
    x: ArrayLike,
    y: ArrayLike,
    data_range: float,
    *,
    window: Window | None = None,
    mask: ArrayLike | None = None,
    weights: tuple[float, ...] = WEIGHTS,
    unbiased: bool = False,
) -> float:
    """MS-SSIM of 2D or 3D images.

    x, y        prediction and reference (...)
    data_range  of the values
    window      None: Gaussian(1.5)
    mask        (...) voxels that count; at coarser scales a voxel counts if at least half of it does
    weights     one per scale, the finest first
    unbiased    as of ssim_map

    Raises InputError if the coarsest scale is smaller than the window: with five scales and Gaussian(1.5), below 176.
    """
    window = window or Gaussian()
    a, b, inside = _checked(x, y, mask)
    size, scales = len(window.weights), len(weights)
    if min(a.shape) < least_side(window, scales):
        raise InputError(
            f"images of {a.shape} are too small for {scales} scales of a window of {size}",
            remedy=f"Every side must be at least {least_side(window, scales)}; take fewer weights or a smaller window.",
        )
    product = 1.0
    for scale, weight in enumerate(weights):
        m = moments(a, b, window, inside, unbiased)
        luminance, structure = parts(m, data_range)
        last = scale == scales - 1
        value = luminance * structure if last else structure
        where = interior(a.shape, window.radius) if inside is None else inside
        product *= max(float(np.mean(value[where])), 0.0) ** weight
        if not last:
            share = None if inside is None else _halved(inside.astype(float))
            a, b = (_coarser(image, inside, share) for image in (a, b))
            inside = None if share is None else share >= 0.5
            if inside is not None and not inside.any():
                raise InputError(f"nothing of the mask is left at scale {scale + 2}", remedy="Take fewer weights.")
    return product


def least_side(window: Window, scales: int = len(WEIGHTS)) -> int:
    """Voxels along every side that so many scales need."""
    return len(window.weights) * 2 ** (scales - 1)


def box_of(mask: Mask, scales: int = len(WEIGHTS), window: Window | None = None) -> tuple[slice, ...]:
    """The part of an image that its MS-SSIM in the mask depends on, in steps of the coarsest voxel."""
    step, least = 2 ** (scales - 1), least_side(window or Gaussian(), scales)
    found = []
    for n, at in zip(mask.shape, np.nonzero(mask), strict=True):
        first = min(int(at.min()), max(n - least, 0)) // step * step
        last = -(-(int(at.max()) + 1) // step) * step
        found.append(slice(first, min(n, max(last, first + least))))
    return tuple(found)


def _coarser(a: Values, inside: Mask | None, share: Values | None) -> Values:
    """Means of 2 x 2 (x 2) voxels, of those in the mask alone if there is one."""
    if inside is None or share is None:
        return _halved(a)
    return np.asarray(_halved(np.where(inside, a, 0.0)) / np.maximum(share, 1e-12))


def _halved(a: Values) -> Values:
    """Means of 2 x 2 (x 2) voxels; an odd last row is left out."""
    a = a[tuple(slice(0, 2 * (n // 2)) for n in a.shape)]
    for axis in range(a.ndim):
        a = np.moveaxis(a, axis, 0)
        a = np.moveaxis((a[0::2] + a[1::2]) / 2, 0, axis)
    return a
