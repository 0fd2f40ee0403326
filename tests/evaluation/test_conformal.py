"""Conformal prediction over subjects, and ROC areas, against formulas."""

import math

import numpy as np
import pytest
from scipy import stats

from spinloom.core.errors import UsageError
from spinloom.evaluation.conformal import coverage, least_subjects, p_value, quantile, subject_quantile
from spinloom.evaluation.roc import area, pooled_area


def test_quantile_is_the_ceil_of_n_plus_1_times_level_smallest():
    assert quantile([3, 1, 2, 4, 5, 6, 7, 8, 9], 0.9) == 9  # ceil(10 x 0.9) = 9th of 9
    assert quantile(range(1, 20), 0.9) == 18  # ceil(20 x 0.9) = 18
    assert quantile(range(1, 9), 0.9) == math.inf  # ceil(9 x 0.9) = 9th of 8


def test_with_one_voxel_per_subject_it_is_split_conformal():
    s = np.random.default_rng(0).exponential(size=57)
    for level in (0.5, 0.8, 0.9, 0.95):
        assert subject_quantile([[v] for v in s], level) == quantile(s, level)


def test_fewest_subjects_for_a_level():
    assert least_subjects(0.9) == 9
    nine, eight = [[v] for v in range(9)], [[v] for v in range(8)]
    assert math.isfinite(subject_quantile(nine, 0.9))
    assert subject_quantile(eight, 0.9) == math.inf


def test_every_subject_weighs_the_same_however_many_voxels_it_has():
    many, few = np.zeros(100_000), np.ones(3)
    assert subject_quantile([many, few, few], 0.5) == 1  # 1/4 at 0, then 2/4 at 1
    assert subject_quantile([many, many, few], 0.5) == 0


def test_expected_coverage_of_the_expected_quantile_is_that_of_beta_order_statistics():
    """Of exchangeable scores, coverage of a split-conformal quantile is Beta(k, n + 1 - k), k = ceil((n+1) level)."""
    rng, n, level = np.random.default_rng(1), 30, 0.9
    covered = [stats.expon.cdf(quantile(rng.exponential(size=n), level)) for _ in range(4000)]
    law = stats.beta(math.ceil((n + 1) * level), n + 1 - math.ceil((n + 1) * level))
    assert stats.kstest(covered, law.cdf).pvalue > 0.01
    assert np.mean(covered) >= level


def test_mean_coverage_of_new_subjects_is_at_least_the_level_though_voxels_depend_on_each_other():
    """s = |subject + voxel|: dependent within a subject. Pooling voxels as if independent has no such guarantee."""
    rng, found = np.random.default_rng(2), []
    for _ in range(1500):
        people = [abs(rng.standard_normal() + 0.3 * rng.standard_normal(rng.integers(2, 40))) for _ in range(20)]
        found.append(coverage(people[:1], subject_quantile(people[1:], 0.9))[0])
    mean, error = np.mean(found), np.std(found) / math.sqrt(len(found))
    assert mean > 0.9 - 3 * error
    assert mean < 0.9 + 1 / 20 + 3 * error  # nobody to come weighs more than 1 / (K + 1)


def test_quantile_approaches_that_of_a_known_distribution():
    rng = np.random.default_rng(3)
    people = [abs(rng.standard_normal(400)) for _ in range(400)]
    assert subject_quantile(people, 0.9) == pytest.approx(stats.halfnorm.ppf(0.9 * 401 / 400), rel=0.01)


def test_p_values_are_no_smaller_than_uniform_ones_and_agree_with_the_quantile():
    rng = np.random.default_rng(4)
    people = [rng.standard_normal(50) for _ in range(40)]
    q = subject_quantile(people, 0.9)
    assert p_value(q, people) >= 0.1
    assert p_value(np.nextafter(q, 9), people) <= 0.1
    assert p_value(-np.inf, people) == pytest.approx(1)
    assert p_value(np.inf, people) == pytest.approx(1 / 41)


@pytest.mark.parametrize("level", [0, 1, 90, float("nan")])
def test_a_level_is_a_share(level):
    with pytest.raises(UsageError, match="level"):
        quantile([1, 2], level)


def test_scores_that_are_no_numbers_calibrate_nothing():
    with pytest.raises(UsageError, match="NaN"):
        subject_quantile([[1.0], [float("nan")]], 0.5)


def test_ROC_area_of_two_Gaussians():
    """Phi(d / sqrt 2) for a distance of d standard deviations."""
    rng = np.random.default_rng(5)
    for d in (0.0, 0.5, 1.5):
        found = area(d + rng.standard_normal(20_000), rng.standard_normal(20_000))
        assert found == pytest.approx(stats.norm.cdf(d / math.sqrt(2)), abs=0.01)


def test_ROC_area_counts_ties_half():
    assert area([1, 1], [1, 1]) == 0.5
    assert area([2, 1], [1, 0]) == pytest.approx(3.5 / 4)


def test_pooled_area_is_that_of_all_scores_together_and_its_interval_holds_it():
    rng = np.random.default_rng(6)
    p = [1 + rng.standard_normal(30) for _ in range(25)]
    n = [rng.standard_normal(90) for _ in range(25)]
    found = pooled_area(p, n)
    assert found.area == pytest.approx(area(np.concatenate(p), np.concatenate(n)), abs=2e-3)
    assert found.low < found.area < found.high
    assert found.high - found.low < 0.1


def test_pooled_area_of_two_subjects_has_no_interval():
    assert math.isnan(pooled_area([[1], [2]], [[0], [1]]).low)
