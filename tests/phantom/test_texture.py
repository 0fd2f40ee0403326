"""Texture: mean 0, standard deviation 1, and the correlation it promises."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.rng import stream
from spinloom.phantom.texture import correlated_noise


def correlation(field: np.ndarray, axis: int, lag: int) -> float:
    n = field.shape[axis]
    return float((np.take(field, range(lag, n), axis) * np.take(field, range(n - lag), axis)).mean())


@pytest.mark.parametrize("voxel_mm", [(1.0, 1.0, 1.0), (0.8, 1.0, 3.0)])
def test_correlation_falls_as_a_gaussian_of_the_distance_in_mm(voxel_mm: tuple[float, float, float]) -> None:
    """<n(r) n(r + d)> = exp(-d^2 / (2 L^2)), whatever the voxel size along the axis."""
    length = 4.0
    field = correlated_noise((96, 96, 96), voxel_mm, length, stream(1, "texture"))
    for axis in range(3):
        for lag in (1, 2, 4):
            expected = np.exp(-((lag * voxel_mm[axis]) ** 2) / (2 * length**2))
            assert correlation(field, axis, lag) == pytest.approx(expected, abs=0.05)


def test_mean_is_zero_and_standard_deviation_is_one() -> None:
    field = correlated_noise((40, 50, 60), 1.0, 10.0, stream(2, "texture"))
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-5)


def test_texture_is_not_white_and_zero_correlation_is() -> None:
    assert correlation(correlated_noise((64, 64, 64), 1.0, 4.0, stream(3, "t")), 0, 1) > 0.95
    assert abs(correlation(correlated_noise((64, 64, 64), 1.0, 0.0, stream(3, "t")), 0, 1)) < 0.02


def test_same_stream_same_texture_and_other_stream_another() -> None:
    first, again, other = (correlated_noise((20, 20, 20), 1.0, 5.0, stream(4, name)) for name in ("a", "a", "b"))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.5


def test_local_variance_is_the_same_everywhere() -> None:
    """Stationarity: voxels on and between lattice points vary alike."""
    fields = np.stack([correlated_noise((64, 4, 4), 1.0, 4.0, stream(seed, "t")) for seed in range(400)])
    spread = fields.std(axis=(0, 2, 3))
    assert spread.max() / spread.min() < 1.25


@pytest.mark.parametrize(
    ("shape", "voxel", "length"), [((0, 4, 4), 1.0, 2.0), ((4, 4, 4), 0.0, 2.0), ((4, 4, 4), 1.0, -1.0)]
)
def test_impossible_grids_are_refused(shape: tuple[int, int, int], voxel: float, length: float) -> None:
    with pytest.raises(InputError, match="no texture"):
        correlated_noise(shape, voxel, length, stream(0, "t"))
