"""Dice and the 95 % Hausdorff distance, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import hausdorff_distance

from spinloom.core.errors import InputError
from spinloom.evaluation import dice, hd95


def box(shape: tuple[int, ...], *spans: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*s) for s in spans)] = True
    return mask


def test_dice_of_two_boxes_that_share_half() -> None:
    a, b = box((10, 10), (0, 4), (0, 4)), box((10, 10), (2, 6), (0, 4))
    assert dice(a, b) == 2 * 8 / 32
    assert dice(a, a) == 1
    assert dice(a, box((10, 10), (6, 9), (6, 9))) == 0
    assert np.isnan(dice(a & False, a & False))


def test_a_box_moved_along_one_axis_is_that_far_away_in_mm() -> None:
    a, b = box((20, 20, 20), (5, 9), (5, 9), (5, 9)), box((20, 20, 20), (5, 9), (5, 9), (8, 12))
    assert hd95(a, b, (1.0, 1.0, 2.5)) == pytest.approx(3 * 2.5, abs=1e-12)


def test_two_points_are_as_far_apart_as_Pythagoras_says() -> None:
    a, b = box((9, 9, 9), (1, 2), (1, 2), (1, 2)), box((9, 9, 9), (4, 5), (5, 6), (1, 2))
    assert hd95(a, b, (1.0, 2.0, 3.0)) == pytest.approx(np.hypot(3, 8), abs=1e-12)


def test_one_stray_voxel_of_a_hundred_is_forgiven_and_the_full_distance_does_not() -> None:
    """A line of 100 voxels, and the same with one more far away: the larger 95th percentile is 0."""
    a = box((120, 30), (5, 105), (5, 6))
    b = a | box((120, 30), (60, 61), (25, 26))
    assert hd95(a, b, (1.0, 1.0)) == 0
    assert hausdorff_distance(a, b) == 20


def test_the_worse_direction_counts() -> None:
    """Half of one mask is missing from the other: distances from the smaller one are 0, from the larger up to 10."""
    a, b = box((40, 3), (0, 20), (1, 2)), box((40, 3), (0, 10), (1, 2))
    away = np.r_[np.zeros(10), np.arange(1, 11)]
    assert hd95(a, b, (1.0, 1.0)) == pytest.approx(np.percentile(away, 95), abs=1e-12)
    assert hd95(a, b, (1.0, 1.0)) == hd95(b, a, (1.0, 1.0))


def test_an_empty_mask_is_infinitely_far_from_any_other() -> None:
    a = box((5, 5), (1, 3), (1, 3))
    assert hd95(a, a & False, (1.0, 1.0)) == np.inf
    assert np.isnan(hd95(a & False, a & False, (1.0, 1.0)))


def test_segmentations_of_different_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="different shapes"):
        dice(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(InputError, match="different shapes"):
        hd95(np.ones((2, 2)), np.ones((2, 3)), (1.0, 1.0))
