"""The field of a sphere in a uniform field is a dipole outside and nothing inside; shims take harmonics away."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError, UsageError
from spinloom.phantom.susceptibility import field_from_susceptibility, shim


def sphere(n: int, radius: float, voxel: tuple[float, float, float] = (1, 1, 1)) -> tuple[np.ndarray, np.ndarray]:
    """Fraction of each voxel inside a sphere in the middle (4^3 points per voxel near its surface), and positions."""
    r = np.stack(np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * h for h in voxel], indexing="ij"), axis=-1)
    s = (np.arange(4) + 0.5) / 4 - 0.5
    inside = np.zeros((n, n, n))
    for a in s:
        for b in s:
            for c in s:
                inside += np.linalg.norm(r + np.array([a, b, c]) * voxel, axis=-1) < radius
    return inside / len(s) ** 3, r


@pytest.mark.parametrize(
    ("direction", "voxel"),
    [((0, 0, 1), (1, 1, 1)), ((0, 1, 0), (1, 1, 1)), ((1, 0, 2), (1, 1, 1)), ((0, 0, 1), (1, 1.2, 0.9))],
)
def test_field_of_a_sphere(direction: tuple[float, float, float], voxel: tuple[float, float, float]) -> None:
    """dB0 = gamma_bar B0 chi/3 (a/r)^3 (3 cos^2 - 1) outside, 0 inside (Lorentz sphere): Salomir et al. (2003)."""
    n, a, chi, B0 = 48, 9.0, 2.0, 3.0
    share, r = sphere(n, a, voxel)
    field = field_from_susceptibility(chi * share - 9.0, voxel, B0, direction=direction)
    assert field.dtype == np.float32
    distance = np.linalg.norm(r, axis=-1)
    cosine = r @ np.asarray(direction, float) / np.linalg.norm(direction) / distance
    scale = GAMMA_BAR * B0 * chi * 1e-6 / 3
    expected = scale * (a / distance) ** 3 * (3 * cosine**2 - 1)
    outside = (distance > a + 2) & (distance < 20)
    assert np.abs(field - expected)[outside].max() < 0.04 * 2 * scale
    assert np.sqrt(np.mean((field - expected)[outside] ** 2)) < 0.015 * scale
    inside = distance < a - 3
    assert np.abs(field[inside].mean()) < 0.01 * scale
    assert field[inside].std() < 0.03 * scale


def test_uniform_susceptibility_makes_no_field() -> None:
    assert np.abs(field_from_susceptibility(np.full((12, 10, 8), -9.05), 1.0, 3.0)).max() < 1e-3


def test_field_is_proportional_to_B0() -> None:
    share, _ = sphere(16, 4.0)
    assert np.allclose(
        field_from_susceptibility(share, 1.0, 7.0), 7 / 3 * field_from_susceptibility(share, 1.0, 3.0), atol=1e-3
    )


def test_object_that_leaves_the_grid_has_no_face_there() -> None:
    """A cylinder along B0 makes a uniform field inside: chi/3 (Lorentz), also at the grid's end where it goes on."""
    x, y = np.meshgrid(np.arange(32) - 15.5, np.arange(32) - 15.5, indexing="ij")
    chi = np.repeat((np.hypot(x, y) < 6).astype(float)[:, :, None], 24, axis=2)
    field = field_from_susceptibility(chi, 1.0, 3.0)
    along = field[15:17, 15:17].mean(axis=(0, 1))
    assert np.ptp(along) < 0.12 * abs(along.mean())


def harmonic(shape: tuple[int, int, int]) -> np.ndarray:
    x, y, z = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")
    return np.stack([np.ones(shape), x, z, x * y, 2 * z**2 - x**2 - y**2, z**3])


@pytest.mark.parametrize(("order", "gone"), [(0, 1), (1, 3), (2, 5)])
def test_shim_takes_away_what_its_order_can(order: int, gone: int) -> None:
    basis = harmonic((14, 12, 10))
    mask = np.ones(basis.shape[1:], bool)
    for n, h in enumerate(basis):
        left = shim(h, mask, order=order)
        if n < gone:
            assert np.abs(left).max() < 1e-4 * np.abs(h).max()
        else:
            assert left.std() > 0.1 * h.std()


def test_second_order_shim_is_of_harmonics_not_of_any_polynomial() -> None:
    """x^2 + y^2 + z^2 is no solution of Laplace's equation: no coil makes it."""
    x, y, z = np.meshgrid(*[np.arange(12) - 5.5] * 3, indexing="ij")
    bowl = x**2 + y**2 + z**2
    assert shim(bowl, np.ones(bowl.shape, bool)).std() == pytest.approx(bowl.std(), rel=0.01)


def test_shim_looks_at_the_mask_only() -> None:
    field = np.zeros((10, 10, 10))
    mask = np.zeros(field.shape, bool)
    mask[2:8, 2:8, 2:8] = True
    field[mask] = 30.0
    assert np.abs(shim(field, mask, order=0)[mask]).max() < 1e-4


def test_faulty_input_is_refused() -> None:
    with pytest.raises(InputError):
        field_from_susceptibility(np.full((4, 4, 4), np.nan), 1.0, 3.0)
    with pytest.raises(InputError):
        shim(np.zeros((4, 4, 4)), np.zeros((4, 4, 4), bool))
    with pytest.raises(UsageError):
        shim(np.zeros((4, 4, 4)), np.ones((4, 4, 4), bool), order=3)
