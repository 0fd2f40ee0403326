"""A grid of voxels with a place in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core import affine as geometry


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels are.

    shape   voxels along the three array axes
    affine  (4, 4) voxel index (centre) → RAS+ position [mm]
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        A = np.array(self.affine, float)
        A.setflags(write=False)
        object.__setattr__(self, "affine", A)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def voxel_mm(self) -> NDArray[np.float64]:
        """(3,) voxel size along the array axes [mm]."""
        return geometry.voxel_sizes_mm(self.affine)

    @property
    def voxel_volume_mm3(self) -> float:
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """(3,) world position of the middle of the grid, index (shape - 1) / 2 [mm]."""
        return geometry.apply(self.affine, (np.asarray(self.shape) - 1) / 2)

    def positions_mm(self, index: ArrayLike) -> NDArray[np.float64]:
        """World positions of voxel indices (..., 3) → (..., 3) [mm]."""
        return geometry.apply(self.affine, index)

    def same_place(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether two grids have one shape and corners within a tolerance (a file round trip moves them by 1e-5)."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        return bool(np.abs(self.positions_mm(corners) - other.positions_mm(corners)).max() <= tolerance_mm)

    @staticmethod
    def centred(shape: tuple[int, int, int], voxel_mm: ArrayLike, centre_mm: ArrayLike = (0.0, 0.0, 0.0)) -> Grid:
        """Axis-aligned RAS+ grid around a centre."""
        return Grid(shape, geometry.centred(shape, voxel_mm, centre_mm))
