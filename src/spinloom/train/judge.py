"""A translator and the floors on the subjects held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spinloom.evaluation.scores import Report
from spinloom.models.translator import Translator
from spinloom.train.data import Data
from spinloom.train.score import answer, floors, oracle, scored
from spinloom.translate.plan import Plan


def judged(
    translator: Translator, data: Data, plan: Plan, tell: Callable[[str], None] = lambda what: None
) -> dict[str, dict[str, Report]]:
    """Reports by who made it ("this", "lookup", "identity", and "tissue-mean" where tissues are known) and contrast;
    empty without paired subjects held out."""
    held = [v for v in data.held if v.source is not None and v.target is not None]
    if not held:
        return {}
    made: dict[str, list[np.ndarray]] = {"this": []}
    for n, v in enumerate(held, 1):
        tell(f"held out {n} of {len(held)}: translating {v.name}")
        made["this"].append(answer(translator, v, plan))
    fitted = [v for v in data.train or data.reference if v.source is not None and v.target is not None]
    if fitted and len(plan.source) == len(plan.target) == 1 and plan.conditions is None:
        tell("fitting the floors")
        made |= floors(fitted, held, plan)
    if all(v.labels is not None for v in held):
        made["tissue-mean"] = oracle(held)
    scores = {}
    for name, parts in made.items():
        tell(f"scoring {len(held)} held out by {name}")
        scores[name] = scored(parts, held, plan)
    return scores


def told(scores: Mapping[str, Mapping[str, Report]]) -> dict[str, Any]:
    """Means over subjects, and each subject's numbers, for JSON."""
    return {
        who: {
            contrast: {
                column.name: {"mean": report.summary(p, column.name).mean, **report.values(p, column.name)}
                for p, column in report.metrics()
                if all(np.isfinite(v) for v in report.values(p, column.name).values())
            }
            for contrast, report in reports.items()
        }
        for who, reports in scores.items()
    }
