"""Smooth, invertible deformations: why no two subjects have one anatomy.

A stationary velocity field v is integrated to the map x -> x + u(x) at time 1 by scaling and squaring:

    exp(v) = exp(v / 2^n) o ... o exp(v / 2^n),    exp(v / 2^n) ~ id + v / 2^n

Invertibility is kept twice over: the flow of a smooth field has the inverse exp(-v); and on the grid, n is chosen so
that |grad v| / 2^n <= 1/16, which makes every factor (and so their composition) one to one, after which the field is
weakened until the Jacobian measured on the grid exceeds a floor everywhere.

Arsigny et al., MICCAI 2006, LNCS 4190, 924; Ashburner, NeuroImage 38, 95 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from spinloom.core import affine as geometry
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.phantom.interpolate import sample

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Deformation:
    """phi(x) = A (x + u(x)): a point of the subject to the point of the template it came from.

    grid          the (coarse, axis-aligned) grid u lives on, in subject space
    displacement  (x, y, z, 3) u [mm]
    back          (x, y, z, 3) displacement of the inverse of x + u(x) [mm]
    affine        (4, 4) A: size, proportions and pose
    """

    grid: Grid
    displacement: Vectors
    back: Vectors
    affine: NDArray[np.float64]


def apply(deformation: Deformation, points_mm: ArrayLike) -> NDArray[np.float64]:
    """Subject → template: A (x + u(x)), (n, 3) → (n, 3) [mm]."""
    x = np.asarray(points_mm, float).reshape(-1, 3)
    return geometry.apply(deformation.affine, x + _sampled(deformation.displacement, deformation.grid, x))


def invert(deformation: Deformation, points_mm: ArrayLike) -> NDArray[np.float64]:
    """Template → subject: y + back(y) with y = A^-1 p, (n, 3) → (n, 3) [mm]."""
    y = geometry.apply(np.linalg.inv(deformation.affine), np.asarray(points_mm, float).reshape(-1, 3))
    return y + _sampled(deformation.back, deformation.grid, y)


def integrate(velocity: Vectors, voxel_mm: float) -> Vectors:
    """Displacement u of exp(v) by scaling and squaring.

        u_0 = v / 2^n,    u_{i+1}(x) = u_i(x) + u_i(x + u_i(x)),    u = u_n

    velocity  (x, y, z, 3) [mm]
    voxel_mm  isotropic grid spacing [mm]

    Arsigny et al., MICCAI 2006, LNCS 4190, 924.
    """
    n = max(4, int(np.ceil(np.log2(max(_steepness(velocity, voxel_mm), 1e-6) * 16))))
    u = (velocity / 2**n).astype(np.float32)
    for _ in range(n):
        u = _squared(u, voxel_mm)
    return u


def jacobian(displacement: Vectors, voxel_mm: float) -> NDArray[np.float32]:
    """det(1 + du/dx) at every grid point, (x, y, z) [1]: the local change of volume; > 0 where nothing folds."""
    J = [[np.gradient(displacement[..., i], voxel_mm, axis=j) + float(i == j) for j in range(3)] for i in range(3)]
    return np.asarray(
        J[0][0] * (J[1][1] * J[2][2] - J[1][2] * J[2][1])
        - J[0][1] * (J[1][0] * J[2][2] - J[1][2] * J[2][0])
        + J[0][2] * (J[1][0] * J[2][1] - J[1][1] * J[2][0]),
        np.float32,
    )


def from_velocity(
    velocity: Vectors, grid: Grid, affine: NDArray[np.float64] | None = None, *, floor: float = 0.15
) -> Deformation:
    """Integrate a velocity field both ways; weaken it by tenths until both Jacobians exceed the floor.

    velocity  (x, y, z, 3) [mm]
    grid      where it lives: isotropic, axis-aligned
    affine    (4, 4) applied after it; None: identity
    floor     smallest Jacobian allowed
    """
    if velocity.shape != (*grid.shape, 3):
        raise InputError(f"a velocity field of shape {velocity.shape} does not fit the grid {grid.shape}")
    h = float(grid.voxel_mm[0])
    if not geometry.is_axis_aligned(grid.affine) or np.ptp(grid.voxel_mm) > 1e-6 * h:
        raise InputError("a velocity field needs an isotropic, axis-aligned grid")
    for _ in range(60):
        u, back = integrate(velocity, h), integrate(-velocity, h)
        if min(jacobian(u, h).min(), jacobian(back, h).min()) > floor:
            break
        velocity = velocity * np.float32(0.9)
    return Deformation(grid, u, back, np.eye(4) if affine is None else affine)


def _steepness(v: Vectors, h: float) -> float:
    """Largest row sum of |dv/dx|, an upper bound of the Lipschitz constant [1]."""
    return max(float(sum(np.abs(np.diff(v[..., i], axis=j)).max(initial=0.0) for j in range(3))) / h for i in range(3))


def _sampled(field: Vectors, grid: Grid, points: NDArray[np.float64]) -> NDArray[np.float64]:
    index = geometry.apply(np.linalg.inv(grid.affine), points).astype(np.float32)
    out = np.empty((len(index), field.shape[-1]), np.float32)
    _sample_all(np.ascontiguousarray(field), index, out)
    return out.astype(float)


@njit(cache=True, error_model="numpy", nogil=True)
def _sample_all(field: Vectors, index: Vectors, out: Vectors) -> None:
    for n in range(index.shape[0]):
        sample(field, index[n, 0], index[n, 1], index[n, 2], out[n])


@njit(cache=True, error_model="numpy", nogil=True)
def _squared(u: Vectors, h: float) -> Vectors:
    out = np.empty_like(u)
    there = np.empty(3, np.float32)
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            for k in range(u.shape[2]):
                sample(u, i + u[i, j, k, 0] / h, j + u[i, j, k, 1] / h, k + u[i, j, k, 2] / h, there)
                for c in range(3):
                    out[i, j, k, c] = u[i, j, k, c] + there[c]
    return out
