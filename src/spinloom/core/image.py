"""An image: numbers, a place, and what the numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid


class Quantity(Enum):
    """What a voxel's number means, and in which unit it is kept inside."""

    SIGNAL = "signal [a.u.]"
    LABEL = "label"
    FRACTION = "volume fraction [1]"
    PD = "proton density [water = 1]"
    T1 = "T1 [s]"
    T2 = "T2 [s]"
    T2STAR = "T2star [s]"
    T2PRIME = "T2prime [s]"
    D = "diffusivity [m^2/s]"
    CHI = "susceptibility [ppm]"
    DB0 = "off-resonance [Hz]"
    B1 = "transmit field relative to nominal [1]"
    HU = "CT number [HU]"


@dataclass(frozen=True, eq=False)
class Image:
    """data (x, y, z), affine (4, 4) voxel centre → RAS+ mm, quantity.

    data      (x, y, z) real or complex; several contrasts are several Images on one grid
    affine    (4, 4) voxel index → RAS+ position [mm]
    quantity  what the numbers are
    info      acquisition facts worth keeping (TE, TR ... in SI), never needed to use the numbers
    """

    data: NDArray[np.generic]
    affine: NDArray[np.float64]
    quantity: Quantity = Quantity.SIGNAL
    info: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if np.ndim(self.data) != 3:
            raise InputError(f"an Image has three axes, got shape {np.shape(self.data)}")
        A = np.array(self.affine, float)
        if A.shape != (4, 4) or not np.isfinite(A).all() or abs(np.linalg.det(A[:3, :3])) < 1e-12:
            raise InputError(f"an Image needs an invertible, finite (4, 4) affine, got {A.tolist()}")
        A.setflags(write=False)
        object.__setattr__(self, "affine", A)

    @property
    def grid(self) -> Grid:
        x, y, z = self.data.shape
        return Grid((x, y, z), self.affine)
