"""The raster of scattered samples: N = extent FOV."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.raster import scattered_raster

FOV, N = 0.2, 24
Q = (np.arange(2 * N) - N + 0.5) / (2 * FOV)
ANGLE = np.pi * np.arange(40) / 40


def spokes() -> np.ndarray:
    return np.stack([np.outer(np.cos(ANGLE), Q), np.outer(np.sin(ANGLE), Q), np.zeros((40, 2 * N))], axis=-1)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_spokes_in_any_plane(axes: tuple[int, int, int]) -> None:
    raster = scattered_raster(spokes()[..., axes], (FOV, FOV, FOV))
    assert raster is not None
    slice_axis = axes.index(2)
    assert raster.n == tuple(1 if a == slice_axis else N for a in range(3))
    assert 3 - raster.readout_axis - raster.phase_axis == slice_axis
    assert not raster.volume


def test_without_a_definition_the_field_of_view_is_one_over_the_step() -> None:
    raster = scattered_raster(spokes())
    assert raster is not None
    assert raster.n == (2 * N, 2 * N, 1)
    assert raster.size[0] == pytest.approx(2 * FOV / (2 * N))


def test_half_spokes_count_double() -> None:
    k = spokes()[:, N:]
    raster = scattered_raster(np.concatenate([k, -k]), (FOV, FOV, np.nan))
    assert raster is not None
    assert raster.n == (N, N, 1)


def test_a_spiral_reaches_the_edge_of_its_raster() -> None:
    turn = np.linspace(0, 2 * np.pi * N / 2, 4000)
    arm = turn / (2 * np.pi * FOV) * np.exp(1j * turn)
    raster = scattered_raster(np.stack([arm.real, arm.imag, 0 * turn], axis=-1)[None], (FOV, FOV, 0.005))
    assert raster is not None
    assert raster.n == (N, N, 1)


def test_a_stack_of_spokes_keeps_its_own_spacing_along_the_stack() -> None:
    k = np.tile(spokes(), (10, 1, 1))
    k[..., 2] = np.repeat((np.arange(10) - 5) / 0.05, 40)[:, None]
    raster = scattered_raster(k, (FOV, FOV, np.nan))
    assert raster is not None
    assert (raster.n, raster.volume) == ((N, N, 10), True)
    assert raster.size[2] == pytest.approx(5e-3)


def test_spokes_in_all_directions_make_cubes() -> None:
    way = np.random.default_rng(0).normal(size=(300, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    raster = scattered_raster(way[:, None] * Q[:, None], (FOV, FOV, FOV))
    assert raster is not None
    assert (raster.n, raster.volume) == ((N, N, N), True)


def test_the_number_of_pixels_has_bounds() -> None:
    few, many = scattered_raster(spokes() / 50, (FOV, FOV, 1.0)), scattered_raster(spokes() * 50, (FOV, FOV, 1.0))
    assert few is not None
    assert many is not None
    assert (few.n, many.n) == ((8, 8, 1), (512, 512, 1))


def test_one_line_is_no_image() -> None:
    assert scattered_raster(spokes()[:1]) is None
