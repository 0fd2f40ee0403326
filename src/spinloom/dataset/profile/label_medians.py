"""The median of every label in a map, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spinloom.core.errors import InputError

FEWEST = 20
"""Voxels that make a median."""
OF_NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class LabelMedian:
    """median, its standard error [unit of the map], and of how many voxels."""

    median: float
    error: float
    voxels: int


def label_medians(values: ArrayLike, labels: ArrayLike) -> dict[int, LabelMedian]:
    """Of every label above 0 with 20 voxels or more that are finite.

        error = 1 / (2 f sqrt(n)) = sqrt(pi / 2) sd / sqrt(n),   sd = 1.4826 MAD

    f is the density at the median, here a normal distribution's.

    values  (x, y, z);  labels  (x, y, z) whole numbers

    MAD is over the voxels of the label: it holds noise and true differences alike. Neighbours that are not independent
    (interpolation, smoothing) make the true error larger. Raises InputError for shapes that differ.
    """
    v, which = np.asarray(values, float), np.asarray(labels)
    if v.shape != which.shape:
        raise InputError(f"the labels have shape {which.shape}, the map {v.shape}")
    some = np.isfinite(v) & (which > 0)
    v, which = v[some], which[some]
    found = {}
    for i in np.unique(which):
        x = v[which == i]
        if len(x) >= FEWEST:
            median = float(np.median(x))
            spread = OF_NORMAL * float(np.median(np.abs(x - median)))
            found[int(i)] = LabelMedian(median, float(np.sqrt(np.pi / 2) * spread / np.sqrt(len(x))), len(x))
    return found
