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
    if min(a.shape) // 2 ** (scales - 1) < size:
        raise InputError(
            f"images of {a.shape} are too small for {scales} scales of a window of {size}",
            remedy=f"Every side must be at least {size * 2 ** (scales - 1)}; take fewer weights or a smaller window.",
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
            a, b = _halved(a), _halved(b)
            inside = None if inside is None else _halved(inside.astype(float)) >= 0.5
            if inside is not None and not inside.any():
                raise InputError(f"nothing of the mask is left at scale {scale + 2}", remedy="Take fewer weights.")
    return product


def _halved(a: Values) -> Values:
    """Means of 2 x 2 (x 2) voxels; an odd last row is left out."""
    a = a[tuple(slice(0, 2 * (n // 2)) for n in a.shape)]
    for axis in range(a.ndim):
        a = np.moveaxis(a, axis, 0)
        a = np.moveaxis((a[0::2] + a[1::2]) / 2, 0, axis)
    return a
