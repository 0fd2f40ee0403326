"""An image on another grid is the same function of place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.resample import covered, resample

FIXED = Grid.centred((12, 10, 8), (2.0, 3.0, 4.0))


def plane(grid: Grid) -> NDArray[np.float64]:
    """A function of place that linear interpolation gives back exactly: 2 x - y + 3 z + 5."""
    at = grid.positions_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    return np.asarray(at @ [2.0, -1.0, 3.0] + 5)


def turned(grid: Grid, deg: float) -> Grid:
    c, s = np.cos(np.deg2rad(deg)), np.sin(np.deg2rad(deg))
    R = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    return Grid(grid.shape, R @ grid.affine)


def test_onto_its_own_grid_nothing_changes() -> None:
    image = Image(np.random.default_rng(0).normal(size=FIXED.shape).astype(np.float32), FIXED.affine)
    assert np.array_equal(resample(image, FIXED).data, image.data)


def test_a_linear_function_of_place_stays_itself_on_a_turned_finer_grid() -> None:
    wide = Grid.centred((40, 40, 40), 2.0)
    other = turned(Grid.centred((20, 20, 20), 1.5, (1.0, -2.0, 3.0)), 25.0)
    moved = resample(Image(plane(wide), wide.affine), other)
    assert moved.data == pytest.approx(plane(other), abs=1e-3)


def test_a_linear_function_survives_the_averaging_before_larger_voxels() -> None:
    fine, coarse = Grid.centred((60, 60, 60), 1.0), Grid.centred((8, 8, 8), 4.0)
    assert resample(Image(plane(fine), fine.affine), coarse).data == pytest.approx(plane(coarse), abs=1e-3)


def test_noise_is_averaged_where_voxels_grow() -> None:
    """White noise through a Gaussian of FWHM sqrt(4^2 - 1), read half way between voxels of each axis:

    SD = ((1 + exp(-1 / (4 s^2))) / (4 sqrt(pi) s))^(3/2)
    """
    fine, coarse = Grid.centred((96, 96, 96), 1.0), Grid.centred((16, 16, 16), 4.0)
    noise = np.random.default_rng(0).normal(size=fine.shape)
    s = np.sqrt(15) / 2.35482
    expected = ((1 + np.exp(-1 / (4 * s**2))) / (4 * np.sqrt(np.pi) * s)) ** 1.5
    assert resample(Image(noise, fine.affine), coarse).data.std() == pytest.approx(expected, rel=0.04)


def test_labels_stay_the_labels_they_were() -> None:
    labels = np.random.default_rng(0).integers(0, 5, FIXED.shape) * 100
    moved = resample(Image(labels, FIXED.affine, Quantity.LABEL), turned(FIXED, 17.0))
    assert set(np.unique(moved.data)) <= {0, 100, 200, 300, 400}
    assert moved.data.dtype == labels.dtype


def test_beyond_a_ct_there_is_air_and_beyond_a_signal_nothing() -> None:
    away = Grid.centred((4, 4, 4), 1.0, (500.0, 0.0, 0.0))
    for quantity, value in ((Quantity.HU, -1000), (Quantity.SIGNAL, 0)):
        assert (resample(Image(np.full(FIXED.shape, 50.0), FIXED.affine, quantity), away).data == value).all()


def test_complex_numbers_keep_their_phase() -> None:
    image = Image(np.full(FIXED.shape, 3 - 4j), FIXED.affine)
    assert resample(image, Grid.centred((5, 5, 5), 1.0)).data == pytest.approx(np.full((5, 5, 5), 3 - 4j), abs=1e-5)


def test_covered_is_the_share_of_voxels_within() -> None:
    image = Image(np.zeros((10, 10, 10)), Grid.centred((10, 10, 10), 1.0).affine)
    assert covered(image, image.grid) == 1
    assert covered(image, Grid.centred((10, 10, 10), 1.0, (5.0, 0.0, 0.0))) == 0.5
