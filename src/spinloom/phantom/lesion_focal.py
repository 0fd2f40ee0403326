"""Focal lesions of a known size, each with its number: what can be planted, taken away, and looked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from spinloom.core.errors import UsageError
from spinloom.phantom.sdf import Map
from spinloom.phantom.texture import correlated_noise


@dataclass(frozen=True, eq=False)
class Lesions:
    """share  (x, y, z) of a voxel's white matter that is lesion, 0 to 1
    which     (x, y, z) number of the lesion that has any share in a voxel, from 1; 0: none
    """

    share: Map
    which: NDArray[np.int16]

    @property
    def count(self) -> int:
        return int(self.which.max(initial=0))

    def only(self, numbers: Sequence[int]) -> Lesions:
        """Some of them, under their numbers."""
        kept = np.isin(self.which, numbers)
        return Lesions(np.where(kept, self.share, np.float32(0)), np.where(kept, self.which, np.int16(0)))


def focal(
    white: ArrayLike,
    voxel_mm: float,
    rng: np.random.Generator,
    *,
    count: int,
    diameter_mm: tuple[float, float] = (5.0, 10.0),
    apart_mm: float = 4.0,
) -> Lesions:
    """Roundish lesions in white matter, none touching another; fewer than `count` where there is no more room.

    white     (x, y, z) share of white matter, 0 to 1
    voxel_mm  isotropic
    Diameters are uniform in the range; centres lie at least 0.6 radii deep in white matter; borders are roughened by a
    tenth of the radius.
    """
    low, high = diameter_mm
    if not 0 < low <= high:
        raise UsageError(f"lesions of {low:g} to {high:g} mm", remedy="Two diameters above 0, the smaller first.")
    w = np.asarray(white, np.float32)
    depth = ndimage.distance_transform_edt(w > 0.8) * voxel_mm
    share, which = np.zeros(w.shape, np.float32), np.zeros(w.shape, np.int16)
    x, y, z = w.shape
    rough = correlated_noise((x, y, z), np.full(3, voxel_mm), 3.0, rng)
    free = np.full(w.shape, np.inf, np.float32)
    axes = [np.arange(n, dtype=np.float32) * voxel_mm for n in w.shape]
    made = 0
    for _ in range(count):
        radius = rng.uniform(low, high) / 2
        places = np.flatnonzero((depth >= 0.6 * radius) & (free >= radius + apart_mm))
        if not len(places):
            continue
        at = np.unravel_index(int(places[rng.integers(len(places))]), w.shape)
        r = np.sqrt(sum((a - a[p]).reshape([-1 if n == k else 1 for k in range(3)]) ** 2
                        for n, (a, p) in enumerate(zip(axes, at, strict=True))))  # fmt: skip
        made += 1
        own = np.clip((radius - r + 0.1 * radius * rough) / voxel_mm + 0.5, 0, 1) * (w > 0)
        share = np.maximum(share, own)
        which[own > 0] = made
        free = np.minimum(free, r - radius)
    return Lesions(share, which)
