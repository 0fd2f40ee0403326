"""Shapes are the running sum of run-length coded differences, and never longer than promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinloom.io.pulseq_shapes import ShapeError, decompress


def encode(differences: list[float]) -> list[float]:
    """Run-length code as the specification words it: a value given twice is followed by its further repeats."""
    out: list[float] = []
    i = 0
    while i < len(differences):
        j = i
        while j < len(differences) and differences[j] == differences[i]:
            j += 1
        out += [differences[i]] if j - i == 1 else [differences[i], differences[i], float(j - i - 2)]
        i = j
    return out


def test_as_many_numbers_as_samples_are_the_samples_since_1_4() -> None:
    stored = np.array([0, 0.1, 0.15, 0.25, 0.5, 0, 0, 0])
    assert np.array_equal(decompress(stored, 8), stored)


def test_a_ramp_a_plateau_and_a_ramp() -> None:
    ramp = np.array([0.0, 0.1, 0.1, 7, 0.0, 0.0, 8, -0.25, -0.25, 1])
    expected = np.concatenate([np.arange(10) / 10, np.full(10, 0.9), [0.65, 0.4, 0.15]])
    assert np.allclose(decompress(ramp, 23), expected)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, 3.0]), min_size=1, max_size=60))
def test_decoding_inverts_encoding(differences: list[float]) -> None:
    stored = np.array(encode(differences))
    assert np.allclose(decompress(stored, len(differences), always_compressed=True), np.cumsum(differences))


def test_a_count_equal_to_the_value_before_it_is_not_a_run() -> None:
    """2, 2, 2: the value 2 twice, then 2 further repeats, not three values."""
    assert np.array_equal(decompress(np.array([2.0, 2, 2]), 4), [2, 4, 6, 8])


@pytest.mark.parametrize(
    "stored",
    [[1, 1, 1e12], [1, 1, -1], [1, 1, 0.5], [1, 1], [1, 2, 3, 4, 5, 6, 7], [0, 1]],
    ids=["bomb", "negative run", "half a run", "cut inside a run", "too many", "too few"],
)
def test_a_shape_that_breaks_its_promise_is_refused(stored: list[float]) -> None:
    with pytest.raises(ShapeError):
        decompress(np.array(stored, float), 4)
