"""Statistics of measured B0 and B1 maps inside the subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.errors import InputError
from spinloom.core.image import Image


@dataclass(frozen=True)
class FieldStatistics:
    """In the unit of the map (Hz; relative to nominal).

    median, sd, low, high  low and high: 5th and 95th percentile
    slope_per_mm           root mean square of the gradient
    """

    median: float
    sd: float
    low: float
    high: float
    slope_per_mm: float


def field_statistics(field: Image, mask: Image) -> FieldStatistics:
    """Of a map inside a mask. Raises InputError for grids that differ and an empty mask."""
    if not mask.grid.same_place(field.grid):
        raise InputError("the mask lies on another grid than the field map", remedy="Resample it.")
    inside = np.asarray(mask.data) > 0
    if not inside.any():
        raise InputError("the mask is empty")
    f = np.where(inside, np.asarray(field.data, float), np.nan)
    v = f[inside]
    slopes = 0.0
    for axis, d in enumerate(voxel_sizes_mm(field.affine)):
        steps = np.diff(f, axis=axis)
        steps = steps[np.isfinite(steps)] / d
        slopes += float(np.mean(steps**2)) if len(steps) else 0.0
    low, high = np.percentile(v, [5, 95])
    return FieldStatistics(float(np.median(v)), float(v.std()), float(low), float(high), float(np.sqrt(slopes)))
