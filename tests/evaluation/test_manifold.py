"""Precision and recall of Gaussians whose overlap is known."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.evaluation.manifold import precision_recall

RNG = np.random.default_rng(0)


def test_sets_of_one_distribution_have_both_near_one() -> None:
    a, b = RNG.normal(size=(2, 400, 2))
    found = precision_recall(a, b)
    assert found.precision > 0.9
    assert found.recall > 0.9


def test_sets_far_apart_have_neither() -> None:
    a, b = RNG.normal(size=(2, 100, 2))
    assert precision_recall(a, b + 50) == precision_recall(b + 50, a)
    assert precision_recall(a, b + 50).precision == 0


def test_one_of_two_modes_is_full_precision_and_half_the_recall() -> None:
    """Real: half around 0, half around 100. Generated: around 0 alone (mode collapse)."""
    real = RNG.normal(size=(400, 2)) + np.repeat([[0.0, 0.0], [100.0, 0.0]], 200, 0)
    found = precision_recall(real, RNG.normal(size=(200, 2)))
    assert found.precision > 0.9
    assert abs(found.recall - 0.5) < 0.08


def test_a_share_of_outliers_is_missing_from_precision() -> None:
    real = RNG.normal(size=(300, 2))
    made = np.concatenate([RNG.normal(size=(200, 2)), RNG.normal(size=(100, 2)) + 100])
    assert abs(precision_recall(real, made).precision - 2 / 3) < 0.06


def test_more_of_a_manifold_is_inside_with_more_neighbours() -> None:
    a, b = RNG.normal(size=(2, 100, 6))
    found = [precision_recall(a, b, k=k).precision for k in (1, 3, 9)]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_by_hand_on_a_line() -> None:
    """k = 1: 0, 1, 3, 6 reach 1, 1, 2, 3, so 8 is inside, 12, 40, 41 are not; 8 reaches 4, to 6."""
    found = precision_recall([[0], [1], [3], [6]], [[8], [12], [40], [41]], k=1)
    assert found.precision == 0.25
    assert found.recall == 0.25


def test_too_few_and_unequal_are_refused() -> None:
    with pytest.raises(InputError, match="5 or more"):
        precision_recall(np.zeros((4, 2)), np.zeros((9, 2)))
    with pytest.raises(InputError, match="one length"):
        precision_recall(np.zeros((9, 3)), np.zeros((9, 2)))
    with pytest.raises(InputError, match="finite"):
        precision_recall(np.full((9, 2), np.nan), np.zeros((9, 2)))
