"""A made signal has its high percentile at 1, as its unit says; the dark half stays as it is, and order is kept."""

import numpy as np
import pytest

from spinloom.translate.bright import AS_IT_IS, MOST, stretch


@pytest.mark.parametrize("top", [0.7, 0.9, 1.0, 1.2])
def test_the_high_percentile_becomes_one_and_the_dark_half_stays(top):
    values = np.linspace(0, top, 4001, dtype=np.float32).reshape(-1, 1, 1)
    inside = np.ones(values.shape, bool)
    made = stretch(values, inside, 99.5)(values)
    assert np.percentile(made, 99.5) == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(made[:2000], values[:2000])
    assert (np.diff(made.ravel()) > 0).all()


def test_what_is_outside_the_mask_has_no_say():
    values = np.concatenate([np.linspace(0, 0.8, 1000), np.full(3000, 5.0)]).astype(np.float32).reshape(-1, 1, 1)
    inside = values < 1
    made = stretch(values, inside, 99.5)(values)
    assert np.percentile(made[inside], 99.5) == pytest.approx(1, abs=1e-3)


def test_an_answer_that_is_no_such_image_is_left_alone():
    flat = np.full((4, 4, 4), 0.3, np.float32)
    every = np.ones(flat.shape, bool)
    assert stretch(flat, every, 99.5) == AS_IT_IS
    assert stretch(flat, ~every, 99.5) == AS_IT_IS
    assert stretch(flat + 2, every, 99.5) == AS_IT_IS
    faint = np.linspace(0, 0.1, 64, dtype=np.float32).reshape(4, 4, 4)
    assert stretch(faint, every, 99.5).factor == MOST
