"""Thick slices: what an excited slab averages of thin ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.image import Image
from spinloom.core.products import product
from spinloom.dataset.degrade.profiles import Box, Profile
from spinloom.dataset.degrade.regrid import moved_affine
from spinloom.dataset.degrade.way import Facts, result, values_of

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SliceProfile:
    """Slices `every` voxels apart, each an average over its profile.

        s_j = sum_i w_ji v_i,   w_ji = integral of the profile over voxel i about z_j,   sum_i w_ji = 1
        z_j = first + every j,  first = (every - 1) / 2 + floor((n - every n') / 2),   n' = floor(n / every)

    With Box() and no gap this is the mean of blocks, whose centre lies between the voxels: (every - 1) / 2 further on.
    Voxels that fill no slice are left out, half of them at each end.

    every      distance of the slices [voxels], 1 or more
    axis       0, 1 or 2 of the array; None: the axis of the largest voxels, or the last one where they are alike
    thickness  of a slice [voxels]; None: `every`. Thinner: a gap; thicker: overlap
    profile    Box(), Bell() or SincGauss()
    """

    every: int
    axis: int | None = None
    thickness: float | None = None
    profile: Profile = field(default_factory=Box)

    def __post_init__(self) -> None:
        thickness = self.every if self.thickness is None else self.thickness
        if self.every < 1 or self.every != int(self.every) or not (np.isfinite(thickness) and thickness > 0):
            raise UsageError(f"slices every {self.every} voxels, {thickness} thick, cannot be made")
        if self.axis not in (None, 0, 1, 2):
            raise UsageError(f"axis must be 0, 1 or 2, got {self.axis}")

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """The image of thick slices. Raises InputError for labels, UsageError where no 2 slices would be left."""
        data = values_of(image, "a slice profile")
        axis = thickest(image) if self.axis is None else self.axis
        n = data.shape[axis]
        m = n // self.every
        if m < 2:
            raise UsageError(f"{n} voxels hold no two slices {self.every} voxels apart", remedy="Choose fewer.")
        step, first = np.ones(3), np.zeros(3)
        step[axis], first[axis] = self.every, (self.every - 1) / 2 + (n - self.every * m) // 2
        weights = self._weights(n, first[axis] + self.every * np.arange(m))
        moved = np.moveaxis(data, axis, 0)
        averaged = product(weights, np.ascontiguousarray(moved).reshape(n, -1)).reshape(m, *moved.shape[1:])
        thick = np.moveaxis(averaged, 0, axis)
        return result(image, thick, moved_affine(image.affine, step, first), {**self.facts(), "axis": axis})

    def facts(self) -> Facts:
        thickness = float(self.every if self.thickness is None else self.thickness)
        facts: Facts = {"way": "slices", "every": self.every, "axis": self.axis}
        return facts | {"thickness_voxels": thickness, "profile": self.profile.name}

    def _weights(self, n: int, centres: Values) -> Values:
        thickness = float(self.every if self.thickness is None else self.thickness)
        edges = np.arange(n + 1) - 0.5 - centres[:, None]
        weights = np.diff(self.profile.below(edges / thickness), axis=1)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def thickest(image: Image) -> int:
    """The axis of the largest voxels; the last of those that are alike within 1 percent."""
    size = image.grid.voxel_mm
    return int(np.flatnonzero(size > 0.99 * size.max())[-1])
