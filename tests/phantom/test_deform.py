"""Deformations are one to one."""

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.phantom.deform import apply, from_velocity, integrate, invert, jacobian
from spinloom.phantom.texture import correlated_noise
from spinloom.phantom.variation import Variation, draw_deformation


def noise_velocity(grid: Grid, sd: float, correlation_mm: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    h = grid.voxel_mm
    return sd * np.stack([correlated_noise(grid.shape, h, correlation_mm, rng) for _ in range(3)], axis=-1)


@pytest.mark.parametrize("seed", range(12))
def test_no_subject_folds(seed: int) -> None:
    deformation = draw_deformation(Variation(), stream(seed, "", "deformation"))
    for field in (deformation.displacement, deformation.back):
        J = jacobian(field, float(deformation.grid.voxel_mm[0]))
        assert J.min() > 0.1
        assert J.max() > 1.2  # and it does bend
    assert np.linalg.det(deformation.affine[:3, :3]) > 0


def test_a_wild_velocity_is_weakened_until_it_does_not_fold() -> None:
    grid = Grid.centred((24, 24, 24), 4.0)
    wild = noise_velocity(grid, 60.0, 10.0, 1)
    assert jacobian((wild / 4).astype(np.float32), 4.0).min() < 0  # taken as a displacement it would fold
    deformation = from_velocity(wild, grid)
    assert jacobian(deformation.displacement, 4.0).min() > 0.15
    assert np.abs(deformation.displacement).max() > 1


def test_forth_and_back_is_where_it_was() -> None:
    deformation = draw_deformation(Variation(), stream(5, "", "deformation"))
    rng = np.random.default_rng(0)
    points = rng.uniform((-70, -90, -60), (70, 80, 70), (4000, 3))
    error = np.linalg.norm(invert(deformation, apply(deformation, points)) - points, axis=1)
    assert np.median(error) < 0.05
    assert np.percentile(error, 99) < 0.1 * float(deformation.grid.voxel_mm[0])


def test_constant_velocity_is_a_shift() -> None:
    v = np.broadcast_to(np.array([3.0, -2.0, 1.0], np.float32), (12, 12, 12, 3))
    np.testing.assert_allclose(integrate(v, 4.0), v, atol=1e-5)


def test_linear_velocity_is_an_exponential() -> None:
    """v = a x integrates to x exp(a); its Jacobian is exp(3 a)."""
    grid = Grid.centred((41, 41, 41), 2.0)
    index = np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), -1)
    x = grid.positions_mm(index)
    a = -0.3
    u = integrate((a * x).astype(np.float32), 2.0)
    inner = (slice(6, -6),) * 3
    np.testing.assert_allclose(u[inner], ((np.exp(a) - 1) * x)[inner], atol=0.05 * 40 * 0.1)
    np.testing.assert_allclose(jacobian(u, 2.0)[inner], np.exp(3 * a), rtol=0.03)


def test_jacobian_of_a_linear_map_is_its_determinant() -> None:
    M = np.array([[0.1, 0.2, 0.0], [0.0, -0.1, 0.1], [0.05, 0.0, 0.2]])
    index = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), -1) * 2.0
    u = (index @ M.T).astype(np.float32)
    np.testing.assert_allclose(jacobian(u, 2.0), np.linalg.det(np.eye(3) + M), rtol=1e-5)


def test_grid_and_field_must_fit() -> None:
    grid = Grid.centred((8, 8, 8), 4.0)
    with pytest.raises(InputError, match="does not fit"):
        from_velocity(np.zeros((7, 8, 8, 3), np.float32), grid)
    with pytest.raises(InputError, match="isotropic"):
        from_velocity(np.zeros((8, 8, 8, 3), np.float32), Grid.centred((8, 8, 8), (4.0, 4.0, 5.0)))
