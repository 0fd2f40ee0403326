"""How well a score tells two kinds apart: area under the ROC curve, with an interval over subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

BINS = 1024
RESAMPLES = 1000


@dataclass(frozen=True)
class Area:
    """area;  low, high: 95 % percentile interval over n subjects, NaN below three."""

    area: float
    low: float
    high: float
    n: int


def area(positive: ArrayLike, negative: ArrayLike) -> float:
    """P(a positive scores above a negative) + P(they tie) / 2; NaN without either.

    Mann & Whitney (1947); Hanley & McNeil, Radiology 143, 29 (1982).
    """
    p, n = np.asarray(positive, float).ravel(), np.asarray(negative, float).ravel()
    if not len(p) or not len(n):
        return float("nan")
    ranks = rankdata(np.concatenate((p, n)))
    return float((ranks[: len(p)].sum() - len(p) * (len(p) + 1) / 2) / (len(p) * len(n)))


def pooled_area(positive: Sequence[ArrayLike], negative: Sequence[ArrayLike], seed: int = 0) -> Area:
    """Of all subjects' scores together, so that one threshold must do for all; subjects are resampled with replacement.

    positive, negative  one array per subject, in the same order. Scores are put into 1,024 bins of equal content first.
    """
    p, n = ([np.asarray(v, float).ravel() for v in each] for each in (positive, negative))
    every = np.concatenate([*p, *n]) if p else np.zeros(0)
    if not len(every):
        return Area(float("nan"), float("nan"), float("nan"), 0)
    edges = np.unique(np.quantile(every, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = [np.stack([_counted(v, edges) for v in each]) for each in (p, n)]
    found = float(_of_counts(counts[0].sum(0), counts[1].sum(0)))
    low = high = float("nan")
    if len(p) >= 3:
        rng = np.random.default_rng(seed)
        often = rng.multinomial(len(p), np.full(len(p), 1 / len(p)), size=RESAMPLES).astype(float)
        areas = _of_counts(often @ counts[0], often @ counts[1])
        if np.isfinite(areas).any():
            low, high = np.nanpercentile(areas, [2.5, 97.5])
    return Area(found, float(low), float(high), len(p))


def _counted(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1).astype(float)


def _of_counts(p: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) areas of binned scores (..., bins): pairs in one bin tie; NaN without either kind."""
    below = np.cumsum(n, -1) - n
    pairs = p.sum(-1) * n.sum(-1)
    return np.where(pairs > 0, (p * (below + n / 2)).sum(-1) / np.maximum(pairs, 1e-300), np.nan)
