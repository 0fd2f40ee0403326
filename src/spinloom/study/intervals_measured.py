"""Coverage and width of intervals of people that nothing was calibrated with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spinloom.evaluation.conformal import subject_quantile
from spinloom.evaluation.statistics import summarise
from spinloom.study.calibrate import Answer, spread_at
from spinloom.translate.interval import Intervals, ends_of, group_of
from spinloom.translate.model import Model
from spinloom.translate.plan import Side

LEVEL = 90
KINDS = ("one width", "one width, recentred", "one width per tissue", "learned ends")
LESION = 3
"""A lesion's number in Answer.tissue."""
Ends = tuple[np.ndarray, np.ndarray]
"""Lower and upper (x, y, z), in the target's unit."""


def measured(
    model: Model, known: Intervals, constant: dict[str, list[float]], others: Sequence[Answer], test: Sequence[Answer]
) -> dict[str, Any]:
    """Coverage and mean width of test subjects by contrast and group, of four kinds of interval: answer -+ one width
    for all, the middle of s- and s+ -+ one width for all, answer -+ one width per predicted tissue, and s- and s+ times
    one number per tissue. All are calibrated with the same others.
    """
    s, s_others = ([spread_at(known.spread, p) for p in people] for people in (test, others))
    groups = [group_of(p.value[0], known.edges) for p in test]
    tissues: dict[str, list[np.ndarray]] = {"all": [p.inside for p in test]}
    tissues |= {
        name: [p.inside & (g == k) for p, g in zip(test, groups, strict=True)] for k, name in enumerate(known.groups)
    }
    tissues["lesions (true)"] = [p.inside & (p.tissue == LESION) for p in test]
    found: dict[str, Any] = {}
    for d, side in enumerate(model.plan.target):
        single = subject_quantile([p.error[d][p.inside] for p in others], LEVEL / 100)
        flat = np.asarray(constant[side.contrast])
        middle, mid = (
            [middle_of(side, p.answer[d], e[:, d]) for p, e in zip(people, each, strict=True)]
            for people, each in ((test, s), (others, s_others))
        )
        recentred = subject_quantile(
            [np.abs(m - p.truth[d])[p.inside] for p, m in zip(others, mid, strict=True)], LEVEL / 100
        )
        ends: dict[str, list[Ends]] = {kind: [] for kind in KINDS}
        for n, p in enumerate(test):
            v, of_tissue = p.value[d], flat[groups[n]]
            ends["one width"].append((v - single, v + single))
            ends["one width, recentred"].append((middle[n] - recentred, middle[n] + recentred))
            ends["one width per tissue"].append((v - of_tissue, v + of_tissue))
            ends["learned ends"].append(ends_at(known, side, d, p, s[n]))
        found[side.contrast] = {
            kind: {tissue: told(test, d, pair, where) for tissue, where in tissues.items()}
            for kind, pair in ends.items()
        }
    return found


def ends_at(known: Intervals, side: Side, d: int, p: Answer, s: np.ndarray) -> Ends:
    """Of the LEVEL % interval of one person's target d;  s (2, d, x, y, z)"""
    q = np.asarray(known.q[side.contrast][str(LEVEL)])[group_of(p.value[0], known.edges)]
    return ends_of(side, p.answer[d], q * s[0, d], q * s[1, d])


def middle_of(side: Side, answer: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Between both learned ends before they are calibrated;  s (2, x, y, z)"""
    low, high = ends_of(side, answer, s[0], s[1])
    return (low + high) / 2


def told(test: Sequence[Answer], d: int, ends: Sequence[Ends], where: Sequence[np.ndarray]) -> dict[str, Any]:
    """Means over subjects: share within, and mean width, with 95 % intervals."""
    within, wide = [], []
    for p, (low, high), w in zip(test, ends, where, strict=True):
        if w.any():
            within.append(float(((low <= p.truth[d]) & (p.truth[d] <= high))[w].mean()))
            wide.append(float((high - low)[w].mean()))
    c, width = summarise(within), summarise(wide)
    return {
        "coverage": finite(c.mean), "low": finite(c.low), "high": finite(c.high), "subjects": c.n,
        "least": finite(c.least), "width": finite(width.mean),
    }  # fmt: skip


def coverage_of(model: Model, known: Intervals, people: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """Of the learned ends, by contrast, all tissues."""
    s = [spread_at(known.spread, p) for p in people]
    return {
        side.contrast: told(
            people, d, [ends_at(known, side, d, p, e) for p, e in zip(people, s, strict=True)],
            [p.inside for p in people],
        )
        for d, side in enumerate(model.plan.target)
    }  # fmt: skip


def finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
