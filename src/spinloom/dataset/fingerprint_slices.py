"""Slices that do not belong: copied, made up from their neighbours, or unlike them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from spinloom.core.masks import Mask

MADE_UP = 0.2
"""Below this share of the usual difference from its neighbours' mean, a slice was made from them."""
JUMP = 4.0
"""Above this multiple of it, something happened to the slice."""
NEAR = 11
"""Slices that say what is usual."""
LEAST_AREA = 0.2
"""Slices with less than this share of the largest slice's area are not judged."""


@dataclass(frozen=True)
class OddSlice:
    """One slice: axis of the array, index along it, and what is odd."""

    axis: int
    index: int
    what: str


def odd_slices(data: NDArray[np.float32], mask: Mask) -> tuple[OddSlice, ...]:
    """The odd slices of a volume along each of its axes, from how they differ from their neighbours' mean:

        d_i = rms over the mask of (x_i - (x_(i-1) + x_(i+1)) / 2)

    A slice equal to the one before is a copy; one with d far below the median of the 11 around it was interpolated; one
    with d far above it is unlike its neighbours, and not because these are next to another such slice.

    data  (x, y, z);  mask  where the subject is
    """
    return tuple(
        one for axis in range(3) for one in _along(np.moveaxis(data, axis, 0), np.moveaxis(mask, axis, 0), axis)
    )


def _along(x: NDArray[np.float32], mask: Mask, axis: int) -> list[OddSlice]:
    if len(x) < NEAR:
        return []
    area = mask.sum(axis=(1, 2))
    enough = area >= LEAST_AREA * area.max()
    d, copy = np.full(len(x), np.nan), np.zeros(len(x), bool)
    for i in np.flatnonzero(enough):
        if 0 < i < len(x) - 1:
            inside = mask[i]
            d[i] = np.sqrt(np.mean((x[i] - (x[i - 1] + x[i + 1]) / 2)[inside] ** 2))
        if i > 0:
            copy[i] = bool((x[i] == x[i - 1])[mask[i]].all())
    judged = np.flatnonzero(np.isfinite(d))
    if len(judged) < NEAR:
        return []
    usual = median_filter(d[judged], NEAR, mode="nearest")
    ratio = np.full(len(x), 1.0)
    ratio[judged] = d[judged] / np.maximum(usual, 1e-30)
    odd = [OddSlice(axis, int(i), "a copy of the slice before") for i in np.flatnonzero(copy)]
    odd += [
        OddSlice(axis, int(i), "made up from its neighbours")
        for i in np.flatnonzero(ratio < MADE_UP)
        if not (copy[i] or (i + 1 < len(x) and copy[i + 1]))
    ]
    peaks = [i for i in np.flatnonzero(ratio > JUMP) if ratio[i] >= ratio[max(0, i - 1) : i + 2].max()]
    odd += [OddSlice(axis, int(i), f"unlike its neighbours ({ratio[i]:.0f} times the usual difference)") for i in peaks]
    return sorted(odd, key=lambda o: o.index)
