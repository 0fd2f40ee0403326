"""Relaxation times ↔ rates, and the reversible part of T2* when a file gives T2 and T2* side by side."""

from __future__ import annotations

import os
import warnings

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def times(rates: Array, inside: Mask) -> NDArray[np.float32]:
    """1/R [s] of rates [1/s]: inf inside where the rate is 0, and 0 outside."""
    with np.errstate(divide="ignore"):
        return np.where(inside, 1 / rates, 0).astype(np.float32)


def rates(T: NDArray[np.float32], inside: Mask) -> Array:
    """1/T [1/s] of times [s]: 0 outside and where the time is inf."""
    with np.errstate(divide="ignore"):
        return np.where(inside & (T > 0), 1 / T.astype(np.float64), 0)


def reversible(R2: Array, R2star: Array, inside: Mask, path: str | os.PathLike[str]) -> NDArray[np.float32] | None:
    """T2prime [s] from 1/T2prime = R2* - R2; None where there is none, or where the file cannot be believed.

    A map in which any T2* exceeds T2 was not made from physics; it is left out, with a warning that counts the voxels.

    R2, R2star  [1/s] over the voxels of `inside`; R2star = 0 everywhere: not given
    """
    if not np.any(R2star[inside]):
        return None
    slack = 1e-6 * R2
    wrong = inside & (R2star < R2 - slack)
    if np.any(wrong):
        warnings.warn(
            f"{path}: T2* exceeds T2 in {np.count_nonzero(wrong)} of {np.count_nonzero(inside)} voxels, which is "
            "impossible; the T2* map is ignored and T2 used alone.",
            stacklevel=4,
        )
        return None
    extra = np.where(R2star > R2 + slack, R2star - R2, 0.0)
    return times(extra, inside) if np.any(extra[inside]) else None
