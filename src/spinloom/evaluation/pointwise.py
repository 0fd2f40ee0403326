"""Differences voxel by voxel: MAE, MSE, RMSE, PSNR, NCC.

x is the prediction, y the reference, both (...) of one shape; mask (...) bool says which voxels count, None all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def inside(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None) -> tuple[Values, Values]:
    """What is compared: (n,), (n,).

    Raises InputError if the shapes differ, the mask is empty, or a voxel that counts is not finite.
    """
    x, y = np.asarray(x), np.asarray(y)
    some = np.ones(y.shape, bool) if mask is None else np.asarray(mask, bool)
    if x.shape != y.shape or some.shape != y.shape:
        raise InputError(f"shapes differ: prediction {x.shape}, reference {y.shape}, mask {some.shape}")
    if not some.any():
        raise InputError("the mask is empty: no voxel counts", remedy="Check the mask, or leave it out.")
    a, b = x[some].astype(float), y[some].astype(float)
    for what, values in (("prediction", a), ("reference", b)):
        if not np.isfinite(values).all():
            raise InputError(f"{int(np.sum(~np.isfinite(values)))} voxels of the {what} are not finite where it counts")
    return a, b


def mae(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Mean absolute error: mean |x - y| over the mask, in the unit of the images."""
    a, b = inside(x, y, mask)
    return float(np.mean(np.abs(a - b)))


def mse(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Mean squared error: mean (x - y)^2 over the mask."""
    a, b = inside(x, y, mask)
    return float(np.mean((a - b) ** 2))


def rmse(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Root mean squared error: sqrt(MSE), in the unit of the images."""
    return float(np.sqrt(mse(x, y, mask)))


def psnr(x: ArrayLike, y: ArrayLike, data_range: float, mask: ArrayLike | None = None) -> float:
    """Peak signal-to-noise ratio: 10 log10(data_range^2 / MSE) [dB]; infinite for equal images.

    data_range  what counts as the full range of values; never taken from the images here
    """
    require_range(data_range)
    error = mse(x, y, mask)
    return float(10 * np.log10(data_range**2 / error)) if error > 0 else float("inf")


def ncc(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Normalised cross-correlation: Pearson's r of x and y over the mask, -1 to 1.

    Raises InputError if one of them is constant, where r has no value.
    """
    a, b = inside(x, y, mask)
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    if size == 0:
        raise InputError("a constant image has no correlation with another")
    return float(a @ b) / size


def require_range(data_range: float) -> None:
    """Raises InputError unless the range is a positive number."""
    if not (np.isfinite(data_range) and data_range > 0):
        raise InputError(f"data_range must be a positive number, got {data_range}")
