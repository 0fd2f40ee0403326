"""Conformal prediction when the units are subjects: how wide an interval must be, from people it was wrong about.

Voxels of one subject depend on each other, so n in the finite-sample rule counts subjects. Every subject weighs as much
as any other, however many voxels it has, and the one to come counts as infinitely wrong:

    q = quantile at 1 - a of   1/(K+1) sum_k 1/N_k sum_i delta(s_ki) + 1/(K+1) delta(infinity)

For subjects that are exchangeable with those calibrated with, a voxel drawn from a new one has s <= q with probability
at least 1 - a: the share of a new subject's voxels that is covered has a mean of at least 1 - a over such subjects. It
promises nothing for one certain subject, one certain voxel, or scans of another kind. With one voxel per subject this
is split conformal prediction, ceil((K+1)(1-a)) of K sorted scores.

Lee, Barber & Willett, arXiv:2306.06342 (2023); Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import UsageError

TINY = 1e-9
"""What rounding may take from a sum of weights."""


def quantile(scores: ArrayLike, level: float) -> float:
    """The ceil((n+1) level)-th smallest of n scores, infinite where there is none: too few for such a level.

    Raises UsageError for a level outside 0 to 1, and for scores that are no numbers.
    """
    s = np.sort(_sound(scores))
    rank = math.ceil(_level(level) * (len(s) + 1) - TINY)
    return float(s[rank - 1]) if rank <= len(s) else math.inf


def subject_quantile(scores: Sequence[ArrayLike], level: float) -> float:
    """q of the rule above.  scores: one array (n_k,) per subject; subjects without any voxel are left out.

    Raises UsageError as `quantile` does.
    """
    values, weights = weighted(scores)
    reached = np.cumsum(weights)
    index = int(np.searchsorted(reached, _level(level) - TINY))
    return float(values[index]) if index < len(values) else math.inf


def weighted(scores: Sequence[ArrayLike]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All scores sorted, and the weight 1 / ((K+1) N_k) of each; what is missing to 1 lies at infinity."""
    each = [s for s in map(_sound, scores) if len(s)]
    if not each:
        return np.zeros(0), np.zeros(0)
    values = np.concatenate(each)
    weights = np.concatenate([np.full(len(s), 1 / ((len(each) + 1) * len(s))) for s in each])
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def least_subjects(level: float) -> int:
    """Subjects below which no interval of that level is finite: 1 - 1/(K+1) >= level."""
    return math.ceil(_level(level) / (1 - level) - TINY)


def p_value(score: ArrayLike, scores: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Weight of what is at least as large, the one to come included:

        p(s) = 1/(K+1) + sum over s_ki >= s of 1 / ((K+1) N_k)

    For a voxel of an exchangeable subject, P(p <= a) <= a.

    score  (...) of new voxels;  scores  as of subject_quantile
    """
    values, weights = weighted(scores)
    above = np.concatenate((np.cumsum(weights[::-1])[::-1], [0.0]))
    rest = 1.0 - float(weights.sum())
    return np.asarray(rest + above[np.searchsorted(values, np.asarray(score, float), side="left")])


def coverage(scores: Sequence[ArrayLike], q: float) -> NDArray[np.float64]:
    """(K,) share of each subject's scores that is at most q; NaN without any."""
    return np.array([np.mean(np.asarray(s, float) <= q) if np.size(s) else np.nan for s in scores])


def _sound(scores: ArrayLike) -> NDArray[np.float64]:
    s = np.asarray(scores, float).ravel()
    if np.isnan(s).any():
        raise UsageError("scores are NaN: nothing can be calibrated with them")
    return s


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise UsageError(f"a level of {level:g}", remedy="Between 0 and 1, e.g. 0.9.")
    return level
