"""A mixture of Gaussians finds the parts that values were drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spinloom.core.errors import InputError
from spinloom.evaluation.mixture import gaussian_mixture, likeliest


def test_known_parts_are_found_again():
    rng = np.random.default_rng(0)
    share, mean, sd = (0.2, 0.5, 0.3), (1.0, 2.0, 3.0), (0.12, 0.2, 0.15)
    values = np.concatenate([rng.normal(m, s, int(40_000 * w)) for w, m, s in zip(share, mean, sd, strict=True)])
    found = gaussian_mixture(values)
    np.testing.assert_allclose(found.mean, mean, atol=0.03)
    np.testing.assert_allclose(found.share, share, atol=0.02)
    np.testing.assert_allclose(found.sd, sd, atol=0.03)


def test_the_likeliest_part_is_that_of_the_largest_weighted_density():
    found = gaussian_mixture(np.random.default_rng(1).normal([[0.0], [1.0], [2.0]], 0.2, (3, 5000)))
    x = np.linspace(0.1, 1.9, 50)
    density = [w * stats.norm.pdf(x, m, s) for w, m, s in zip(found.share, found.mean, found.sd, strict=True)]
    np.testing.assert_array_equal(likeliest(x, found), np.argmax(density, 0))


def test_beyond_the_outer_means_a_wide_middle_part_takes_nothing():
    found = gaussian_mixture(
        np.concatenate([np.random.default_rng(2).normal(m, s, 9000) for m, s in ((0, 0.05), (1, 0.5), (2, 0.05))])
    )
    assert likeliest([-5.0, 7.0], found).tolist() == [0, 2]


@pytest.mark.parametrize("values", [np.ones(100), np.arange(5.0)])
def test_values_that_make_no_mixture_are_refused(values):
    with pytest.raises(InputError, match="no mixture"):
        gaussian_mixture(values)
