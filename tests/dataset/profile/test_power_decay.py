"""T2 of magnitudes that sink into noise, and its error."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.dataset.profile.power_decay import fit_T2_above_floor
from spinloom.dataset.profile.relaxometry import fit_T2

TE = np.array([0.01, 0.025, 0.05, 0.09, 0.15, 0.25])


def magnitudes(T2: float, sigma: float, n: int) -> np.ndarray:
    """2000 series of amplitude 50, n channels that share it."""
    x = sigma * np.random.default_rng(3).standard_normal((2, n, 2000, len(TE)))
    x[0] += 50 / np.sqrt(n) * np.exp(-TE / T2)
    return np.sqrt(np.sum(x**2, axis=(0, 1)))


def test_without_noise_T2_and_A_are_exact() -> None:
    found = fit_T2_above_floor(50 * np.exp(-TE / 0.08), TE, 1e-4)
    assert (found.T2, found.A) == (pytest.approx(0.08, rel=1e-4), pytest.approx(50, rel=1e-4))


@pytest.mark.parametrize("n", [1, 8])
@pytest.mark.parametrize(("T2", "sigma"), [(0.08, 0.5), (0.04, 2.0), (0.08, 2.0), (0.15, 4.0)])
def test_T2_has_no_bias_of_2_percent_and_errors_that_are_those_of_repetition_to_15(
    T2: float, sigma: float, n: int
) -> None:
    found = fit_T2_above_floor(magnitudes(T2, sigma, n), TE, sigma, n)
    assert np.median(found.T2) == pytest.approx(T2, rel=0.02)
    assert np.median(found.T2_error) == pytest.approx(found.T2.std(), rel=0.15)
    assert np.median(found.A_error) == pytest.approx(found.A.std(), rel=0.15)


def test_the_floor_makes_a_plain_fit_too_long_where_this_one_is_right() -> None:
    M = magnitudes(0.04, 4.0, 1)
    assert np.median(fit_T2(M, TE).T) > 1.1 * 0.04
    assert np.median(fit_T2_above_floor(M, TE, 4.0).T2) == pytest.approx(0.04, rel=0.04)


def test_what_cannot_be_fitted_is_refused() -> None:
    for signals, times, sigma in (
        ([1.0, 2.0], [0.1, 0.1], 1.0),
        ([1.0], [0.1, 0.2], 1.0),
        ([1.0, np.nan], [0.1, 0.2], 1.0),
        ([1.0, 2.0], [0.1, 0.2], 0.0),
    ):
        with pytest.raises(InputError):
            fit_T2_above_floor(signals, times, sigma)
