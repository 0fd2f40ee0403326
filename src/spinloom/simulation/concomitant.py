"""Concomitant fields: the curl and divergence a gradient cannot be without, as a quadratic form over space.

    B = |B0 z + field of the gradients| - B0 - G . r ≈ B_c,

    f_c(r, t) = gamma_bar B_c = [ (gx^2 + gy^2) z^2 + gz^2 (x^2 + y^2)/4 - gx gz x z - gy gz y z ] / (2 gamma_bar B0)

with g = gamma_bar G [Hz/m]. For gradient coils of cylindrical symmetry (a z gradient whose transverse parts in x and y
are equal), to lowest order in 1/B0. r counts from the isocentre.

Bernstein et al., Magn. Reson. Med. 39, 300 (1998), eq. 2; Norris & Hutchison, Magn. Reson. Imaging 8, 33 (1990).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.simulation.drive import Basis

FloatArray = NDArray[np.float64]


def products(g: FloatArray, B0: float) -> FloatArray:
    """What of f_c varies in time: gradients (..., 3) [Hz/m] → (..., 4) [Hz/m^2], one for each of STILL."""
    x, y, z = np.moveaxis(np.asarray(g, float), -1, 0)
    return np.stack([x * x + y * y, z * z, -x * z, -y * z], axis=-1) / (2 * GAMMA_BAR * B0)


STILL: tuple[Basis, ...] = (
    lambda r: r[..., 2] ** 2,
    lambda r: (r[..., 0] ** 2 + r[..., 1] ** 2) / 4,
    lambda r: r[..., 0] * r[..., 2],
    lambda r: r[..., 1] * r[..., 2],
)
"""f_c = products . STILL for a body at rest."""

MOVING: tuple[Basis, ...] = (
    lambda r: r[..., 0] ** 2,
    lambda r: r[..., 1] ** 2,
    lambda r: r[..., 2] ** 2,
    lambda r: 2 * r[..., 0] * r[..., 1],
    lambda r: 2 * r[..., 0] * r[..., 2],
    lambda r: 2 * r[..., 1] * r[..., 2],
)
"""A quadratic form r^T Q r is Q[UPPER] . MOVING."""
UPPER = (np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2]))


def form(g: FloatArray, B0: float) -> FloatArray:
    """f_c = r^T Q r: gradients (..., 3) [Hz/m] → Q (..., 3, 3) [Hz/m^2]."""
    zz, xy, xz, yz = np.moveaxis(products(g, B0), -1, 0)
    o = np.zeros_like(zz)
    return np.stack([xy / 4, o, xz / 2, o, xy / 4, yz / 2, xz / 2, yz / 2, zz], axis=-1).reshape(*zz.shape, 3, 3)
