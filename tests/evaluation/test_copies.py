"""Copies are found, mirrored or not; what is merely alike is not one."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.evaluation.copies import copies, nearest

TRAIN = np.random.default_rng(0).integers(1, 9, (20, 12, 10)).astype(np.uint8)


def test_a_copy_is_at_distance_0_from_itself_as_it_is_and_mirrored() -> None:
    for made in (TRAIN[7:8], TRAIN[7:8, ::-1]):
        distance, which = nearest(made, TRAIN)
        assert distance[0] == 0
        assert which[0] == 7


def test_the_distance_is_the_share_of_places_that_differ() -> None:
    made = TRAIN[3:4].copy()
    made[0, 0, :6] = 9
    assert nearest(made, TRAIN)[0][0] == pytest.approx(6 / 120)


def test_air_in_both_is_not_counted() -> None:
    made, train = np.zeros((2, 1, 4, 4), np.uint8)
    made[0, 0, 0], train[0, 0, 0] = 1, 2
    assert nearest(made, train)[0][0] == 1


def test_only_what_is_nearer_than_strangers_is_a_copy() -> None:
    rng = np.random.default_rng(1)
    strangers = rng.integers(1, 9, (5, 12, 10)).astype(np.uint8)
    least = float(nearest(strangers, TRAIN)[0].min())
    assert copies(np.concatenate([TRAIN[:2], strangers]), TRAIN, least).copies == 2


def test_sets_of_two_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="shapes"):
        nearest(TRAIN[:, :5], TRAIN)
