"""Lesions turn brain into other tissue, in the place and of the size asked for."""

import numpy as np
import pytest

from spinloom.core.grid import Grid
from spinloom.phantom.lesions import Brain, MultipleSclerosis, Tumour, add_lesions

GRID = Grid.centred((80, 80, 80), 1.5)


@pytest.fixture
def ball() -> Brain:
    """A ball of white matter of 50 mm, a rim of grey matter, and a ventricle of 12 mm in the middle."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1)
    r = np.linalg.norm(GRID.positions_mm(index), axis=-1)
    zero = np.zeros(GRID.shape, np.float32)
    return {
        "white_matter": ((r > 12) & (r <= 50)).astype(np.float32),
        "grey_matter": ((r > 50) & (r <= 55)).astype(np.float32),
        "deep_grey_matter": zero,
    }


def radius_of(share: np.ndarray) -> np.ndarray:
    return np.linalg.norm(GRID.positions_mm(np.argwhere(share > 0.5)), axis=-1)


def test_lesions_take_what_they_add(ball: Brain) -> None:
    ill = add_lesions(ball, (MultipleSclerosis(10), Tumour()), GRID, np.random.default_rng(0))
    before, after = (np.sum(list(b.values()), axis=0) for b in (ball, ill))
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert all((part >= -1e-6).all() for part in ill.values())
    assert set(ill) - set(ball) == {"lesion_ms", "oedema", "tumour", "tumour_core"}


def test_periventricular_plaques_touch_the_surroundings_of_the_ventricle(ball: Brain) -> None:
    near = MultipleSclerosis(15, periventricular=1.0).draw(ball, GRID, np.random.default_rng(1))
    far = MultipleSclerosis(15, periventricular=0.0).draw(ball, GRID, np.random.default_rng(1))
    assert np.median(radius_of(near["lesion_ms"])) < 12 + 12
    assert np.median(radius_of(far["lesion_ms"])) > 12 + 12


def test_more_and_larger_plaques_have_more_volume(ball: Brain) -> None:
    few, many, large = (
        m.draw(ball, GRID, np.random.default_rng(2))["lesion_ms"].sum()
        for m in (MultipleSclerosis(5), MultipleSclerosis(40), MultipleSclerosis(5, radius_mm=4.6))
    )
    assert many > 3 * few > 0
    assert large > 3 * few  # volume goes with the cube of the radius


def test_a_tumour_has_core_rim_and_oedema_in_order(ball: Brain) -> None:
    ill = Tumour(radius_mm=12, core=0.5, oedema_mm=10).draw(ball, GRID, np.random.default_rng(3))
    centre = GRID.positions_mm(np.argwhere(ill["tumour_core"] > 0.5)).mean(0)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), -1)
    away = np.linalg.norm(GRID.positions_mm(index) - centre, axis=-1)
    mean = [np.average(away, weights=ill[n]) for n in ("tumour_core", "tumour", "oedema")]
    assert mean[0] < mean[1] < mean[2]
    volume = sum(float(ill[n].sum()) for n in ("tumour", "tumour_core")) * GRID.voxel_volume_mm3
    assert 0.5 < volume / (4 / 3 * np.pi * 12**3) < 1.6
