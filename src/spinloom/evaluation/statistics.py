"""From a number per subject to what is known of it: means, bootstrap intervals, paired tests. Never over slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

RESAMPLES = 9999
LEVEL = 0.95
ROUNDING = 1e-12


@dataclass(frozen=True)
class Summary:
    """Of one number over n subjects.

    low, high  95 % interval of the mean, NaN below three subjects
    """

    n: int
    mean: float
    sd: float
    median: float
    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Of two predictions for the same n subjects, first minus second.

    low, high  95 % interval of the mean difference;  p  of the Wilcoxon signed-rank test, NaN below six subjects
    """

    n: int
    difference: float
    low: float
    high: float
    p: float


def summarise(values: ArrayLike, seed: int = 0) -> Summary:
    """Of values (n,), one per subject; those that are not finite are left out.

    The interval is bias-corrected and accelerated: Efron, J. Am. Stat. Assoc. 82, 171 (1987); 9,999 resamples.
    """
    v = np.asarray(values, float)
    v = v[np.isfinite(v)]
    if not len(v):
        return Summary(0, *[float("nan")] * 7)
    low, high = interval(v, seed)
    sd = float(v.std(ddof=1)) if len(v) > 1 else float("nan")
    return Summary(len(v), float(v.mean()), sd, float(np.median(v)), float(v.min()), float(v.max()), low, high)


def mean_of(values: ArrayLike) -> float:
    """Mean of one subject's values (n,), the finite ones; infinite if none is and one is infinite, NaN without any."""
    v = np.asarray(values, float)
    kept = v[np.isfinite(v)]
    if len(kept):
        return float(kept.mean())
    return float("inf") if (v == np.inf).any() else float("nan")


def interval(values: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of values (n,), n subjects; NaN below three.

    Values that differ by rounding alone have their ends as the interval.
    """
    v = np.asarray(values, float)
    if len(v) < 3:
        return float("nan"), float("nan")
    if np.ptp(v) <= ROUNDING * np.abs(v).max():
        return float(v.min()), float(v.max())
    found = stats.bootstrap(
        (v,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", rng=np.random.default_rng(seed)
    ).confidence_interval
    return float(found.low), float(found.high)


def compare(first: ArrayLike, second: ArrayLike, seed: int = 0) -> Comparison:
    """Two predictions scored on the same subjects, (n,) each; subjects without a finite number of both are left out.

    Wilcoxon, Biometrics Bull. 1, 80 (1945).
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    both = np.isfinite(a) & np.isfinite(b)
    d = a[both] - b[both]
    if not len(d):
        return Comparison(0, *[float("nan")] * 4)
    low, high = interval(d, seed)
    p = 1.0 if not d.any() else float(stats.wilcoxon(d).pvalue) if len(d) > 5 else float("nan")
    return Comparison(len(d), float(d.mean()), low, high, p)
