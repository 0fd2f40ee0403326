"""Grid of an image → planes of a DICOM series: which array axis counts slices, and where each slice lies.

    position = IPP + column spacing (row cosines) i + row spacing (column cosines) j,   RAS → LPS

DICOM PS3.3 C.7.6.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.errors import InputError
from spinloom.io.dicom_grid import LPS_TO_RAS

SQUARE = 1e-4
"""Cosine up to which rows and columns count as at right angles."""
UPRIGHT = {0: ((0, 1, 0), (0, 0, -1)), 1: ((1, 0, 0), (0, 0, -1)), 2: ((1, 0, 0), (0, 1, 0))}
"""Usual directions, LPS, of rows and columns of a slice across left-right, front-back and head-feet."""
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Planes:
    """Slices in order along the normal of their plane, row cosines x column cosines.

    pixels     (slices, rows, columns)
    along      (2, 3) unit vectors of rows and columns, LPS
    spacing    between columns and between rows [mm];  gap  from slice to slice along the normal [mm]
    positions  (slices, 3) of first pixels, LPS [mm]
    """

    pixels: NDArray[np.int16]
    along: FloatArray
    spacing: FloatArray
    gap: float
    positions: FloatArray


def planes(pixels: NDArray[np.int16], affine: FloatArray, like: FloatArray | None) -> Planes:
    """No voxel is moved or interpolated: axes are only taken in another order, and turned round.

    pixels  (x, y, z)
    affine  (4, 4) to RAS [mm]; left-handed ones, and ones sheared along the slices (a tilted gantry), are fine
    like    (3, 3) rows: directions (LPS) of the source's rows, columns and slices, which ours follow as nearly as they
            can; None: slices along the third axis, rows and columns as is usual

    Raises InputError if no two axes are at right angles as rows and columns must be.
    """
    A = LPS_TO_RAS @ affine
    unit = A[:3, :3] / voxel_sizes_mm(A)
    wanted = _upright(unit[:, 2]) if like is None else like / np.linalg.norm(like, axis=1, keepdims=True)
    order = _order(unit, wanted, third=like is None)
    data, A = np.transpose(pixels, order), A[:, [*order, 3]]
    for axis in (0, 1):
        if A[:3, axis] @ wanted[axis] < 0:
            data, A = _turned(data, A, axis)
    if np.cross(A[:3, 0], A[:3, 1]) @ A[:3, 2] < 0:
        data, A = _turned(data, A, 2)
    along = (A[:3, :2] / voxel_sizes_mm(A)[:2]).T
    normal = np.cross(along[0], along[1])
    positions = A[:3, 3] + np.arange(data.shape[2])[:, None] * A[:3, 2]
    return Planes(
        np.ascontiguousarray(data.transpose(2, 1, 0)), along, voxel_sizes_mm(A)[:2], float(normal @ A[:3, 2]), positions
    )


def _order(unit: FloatArray, wanted: FloatArray, *, third: bool) -> tuple[int, int, int]:
    """The array axes that become columns, rows and slices."""
    fitting = [p for p in permutations(range(3)) if abs(unit[:, p[0]] @ unit[:, p[1]]) < SQUARE]
    if third:
        fitting = [p for p in fitting if p[2] == 2] or fitting
    if not fitting:
        raise InputError(
            "no two axes of the image's grid are at right angles, as rows and columns of a DICOM image must be",
            remedy="Resample it to a right-angled grid first.",
        )
    found = max(fitting, key=lambda p: sum(weight * abs(float(unit[:, a] @ w)) for a, w, weight in zip(
        p, wanted, (1, 1, 10))))  # fmt: skip  # the slices' axis counts most
    return found[0], found[1], found[2]


def _upright(slices: FloatArray) -> FloatArray:
    rows, columns = UPRIGHT[int(np.abs(slices).argmax())]
    return np.array([rows, columns, slices], float)


def _turned(data: NDArray[Any], A: FloatArray, axis: int) -> tuple[NDArray[Any], FloatArray]:
    """The same voxels at the same places, counted from the other end."""
    A = A.copy()
    A[:3, 3] += (data.shape[axis] - 1) * A[:3, axis]
    A[:3, axis] *= -1
    return np.flip(data, axis), A
