"""Intervals and tests over subjects: published cases, scipy's numbers, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spinloom.evaluation import compare, summarise
from spinloom.evaluation.statistics import interval

DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8
"""Differences in height of 15 pairs of plants [inch]: Darwin 1876; Fisher, The Design of Experiments (1935)."""


def test_what_is_said_of_a_set_of_numbers() -> None:
    s = summarise([3.0, 1.0, 2.0, 6.0, float("nan"), float("inf")])
    assert (s.n, s.mean, s.median, s.least, s.most) == (4, 3.0, 2.5, 1.0, 6.0)
    assert s.sd == pytest.approx(np.sqrt(14 / 3), abs=1e-12)
    assert 1.0 <= s.low < 3.0 < s.high <= 6.0


def test_few_subjects_have_no_interval() -> None:
    assert np.isnan(summarise([1.0, 2.0]).low)
    assert np.isnan(summarise([1.0]).sd)
    assert summarise([]).n == 0
    assert np.isnan(summarise([float("nan")]).mean)


def test_the_interval_of_Darwins_plants() -> None:
    """Its mean, 2.6 inch, is told from zero at 5 % by Student's t with p = 0.0497: [0.003, 5.23]; skewed data draw the
    bias-corrected and accelerated interval down from the percentile one."""
    s = summarise(DARWIN)
    assert s.mean == pytest.approx(2.6167, abs=1e-4)
    percentiles = stats.bootstrap(
        (DARWIN,), np.mean, method="percentile", n_resamples=9999, rng=np.random.default_rng(1)
    ).confidence_interval
    assert s.low == pytest.approx(percentiles.low, abs=0.6)
    assert s.low < percentiles.low
    assert s.high < percentiles.high


def test_the_interval_by_the_formulas_of_Efron() -> None:
    v = np.random.default_rng(3).exponential(size=25)
    draws = v[np.random.default_rng(4).integers(0, 25, (20000, 25))].mean(axis=1)
    z0 = stats.norm.ppf(np.mean(draws < v.mean()))
    left_out = (v.sum() - v) / 24
    d = left_out.mean() - left_out
    a = (d**3).sum() / (6 * (d**2).sum() ** 1.5)
    z = stats.norm.ppf([0.025, 0.975])
    at = stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z)))
    np.testing.assert_allclose(interval(v), np.quantile(draws, at), atol=0.03 * v.std())


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """200 studies of 20 subjects from a skewed distribution of mean 1: 95 % cannot be told from 90 to 98 %."""
    rng = np.random.default_rng(5)
    held = 0
    for n in range(200):
        low, high = interval(rng.gamma(4.0, 0.25, size=20), seed=n)
        held += low <= 1.0 <= high
    assert 0.88 <= held / 200 <= 0.985


def test_the_same_numbers_have_the_same_interval() -> None:
    v = np.random.default_rng(6).normal(size=9)
    assert interval(v, seed=3) == interval(v, seed=3)
    assert interval(np.full(5, 2.0)) == (2.0, 2.0)


def test_numbers_that_all_but_agree_have_an_interval_all_the_same() -> None:
    for v in ([1.0, 1.0, 1.0 + 1e-15], [0.0, 0.0, 0.0, 1.0], [1e-9, 2e-9, 3e-9]):
        low, high = interval(v)
        assert low <= np.mean(v) <= high


def test_a_paired_comparison() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.normal(1.0, 1.0, 30), rng.normal(0.0, 1.0, 30)
    c = compare(a, b)
    assert c.n == 30
    assert c.difference == pytest.approx((a - b).mean(), abs=1e-12)
    assert c.p == pytest.approx(stats.wilcoxon(a, b).pvalue, abs=1e-12)
    assert compare(b, a).difference == -c.difference
    assert compare(b, a).p == pytest.approx(c.p, abs=1e-12)


def test_wilcoxon_of_Darwins_plants() -> None:
    """Negative differences, -67 and -48, rank 14 and 10 of 15, so W = 24: exact and two-sided, p = 0.041."""
    assert compare(DARWIN, np.zeros(15)).p == pytest.approx(0.041, abs=2e-3)


def test_subjects_that_one_side_lacks_are_left_out() -> None:
    a = [1.0, 2.0, np.nan, np.inf, np.inf, 4.0]
    b = [0.0, 2.5, 1.0, 1.0, np.inf, 1.0]
    assert compare(a, b).n == 3
    assert compare([np.nan], [1.0]).n == 0
    assert np.isnan(compare(a, b).p)


def test_no_difference_at_all() -> None:
    c = compare(np.arange(8.0), np.arange(8.0))
    assert (c.difference, c.low, c.high, c.p) == (0, 0, 0, 1)
