"""Water-equivalent path length (WEPL): how much water a beam through a CT would have to pass.

    WEPL = integral of rho_e(HU) ds,      rho_e = 1 + HU / 1000 below 100 HU, 1 + HU / 1950 above

rho_e is the electron density relative to water: Thomas, Br. J. Radiol. 72, 781 (1999), with the step that its two lines
leave at 100 HU joined over 50 to 150 HU. It is what photons of megavolts see. Protons see stopping power,
5 % above it in fat and 5 % below it in bone: stopping_power.STOPPING_POWER. A clinic's own curve may be given instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """From HU to density relative to water, straight between (HU, density) points and constant beyond them.

    Raises InputError if the points are not in order of HU.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.points) < 2 or (np.diff([p[0] for p in self.points]) <= 0).any():
            raise InputError("a calibration takes two or more (HU, density) points in order of HU")

    def __call__(self, HU: ArrayLike) -> Values:
        at, density = np.array(self.points, float).T
        return np.asarray(np.interp(np.asarray(HU, float), at, density))


ELECTRON_DENSITY = Calibration(
    ((-1000.0, 0.0), (50.0, 1.05), (150.0, 1 + 150 / 1950), (3071.0, 1 + 3071 / 1950)),
)


def wepl(HU: ArrayLike, step_mm: float, axis: int, calibration: Calibration = ELECTRON_DENSITY) -> Values:
    """WEPL of every ray along an axis of HU (x, y, z): the two other axes [mm].

    step_mm  voxel size along the axis [mm]
    """
    return np.asarray(calibration(HU).sum(axis=axis) * step_mm)


def wepl_error(
    x: ArrayLike,
    y: ArrayLike,
    mask: ArrayLike,
    voxel_mm: tuple[float, float, float],
    calibration: Calibration = ELECTRON_DENSITY,
) -> float:
    """Mean |WEPL of x - WEPL of y| [mm] over rays from the side and from the front that pass the mask.

    x, y  prediction and reference [HU] (x, y, z);  mask (x, y, z): only what lies in it is passed
    """
    x, y, mask = np.asarray(x), np.asarray(y), np.asarray(mask, bool)
    errors = []
    for axis in (0, 1):
        density = (calibration(x) - calibration(y)) * mask
        rays = mask.any(axis=axis)
        errors.append(np.abs(density.sum(axis=axis)[rays]) * voxel_mm[axis])
    return float(np.concatenate(errors).mean())
