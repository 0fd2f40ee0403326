"""From the scores of all trainings to what is known: one number per person, intervals over people, paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from spinloom.evaluation.statistics import compare, mean_of, summarise
from spinloom.study.segmentation_design import ARMS, SYNTHETIC, TARGET, Design
from spinloom.train.labelled import CLASSES

Json = dict[str, Any]
MEAN = "mean"
TISSUES = CLASSES[1:]
MEASURES = ("Dice", "HD95")


def per_person(trained: Sequence[Json], arm: str, n: int, tissue: str, measure: str) -> dict[str, float]:
    """Person -> mean over the repeats (and scans) in which they tested.

    tissue  one of the classes, or MEAN: the mean of those that the scan has. NaN where no repeat gives a number.
    """
    at = MEASURES.index(measure)
    found: dict[str, list[float]] = {}
    for row in trained:
        if row["arm"] != arm or row["n"] != n:
            continue
        for score in row["scores"].values():
            values = [score[t][at] for t in (TISSUES if tissue == MEAN else (tissue,))]
            known = [v for v in values if v is not None]
            found.setdefault(score["anatomy"], []).append(float(np.mean(known)) if known else float("nan"))
    return {who: mean_of(v) for who, v in sorted(found.items())}


def missed(trained: Sequence[Json], arm: str, n: int) -> int:
    """How many classes of tested scans were not found at all, or found where they are not: no distance."""
    rows = [s for row in trained if row["arm"] == arm and row["n"] == n for s in row["scores"].values()]
    return sum(s[t][0] is not None and s[t][1] is None for s in rows for t in TISSUES)


def cells(design: Design) -> list[tuple[str, int]]:
    """(arm, people of the target domain) in the order of the table."""
    return [(SYNTHETIC, 0)] + [(arm, n) for n in design.sizes for arm in ARMS if arm != SYNTHETIC]


def statistics(trained: Sequence[Json], design: Design) -> Json:
    """summaries: arm, n, tissue, measure and evaluation.statistics.Summary;  comparisons: the same of differences.

    Every arm is compared with the target domain alone at the same number of people, synthetic only with all of them.
    p  Wilcoxon's;  Holm's correction is over the comparisons of mean Dice.
    """
    summaries, comparisons = [], []
    for arm, n in cells(design):
        for tissue in (*TISSUES, MEAN):
            for measure in MEASURES:
                values = per_person(trained, arm, n, tissue, measure)
                told = asdict(summarise(list(values.values()), design.seed))
                of = {"tested": told.pop("n"), "arm": arm, "n": n, "tissue": tissue, "measure": measure}
                summaries.append({**of, **told, "people": values})
    for n in design.sizes:
        for arm in ARMS:
            if arm == TARGET:
                continue
            for tissue in (*TISSUES, MEAN):
                for measure in MEASURES:
                    a = per_person(trained, arm, 0 if arm == SYNTHETIC else n, tissue, measure)
                    b = per_person(trained, TARGET, n, tissue, measure)
                    both = sorted(a.keys() & b.keys())
                    told = asdict(compare([a[w] for w in both], [b[w] for w in both], design.seed))
                    of = {"tested": told.pop("n"), "arm": arm, "n": n, "tissue": tissue, "measure": measure}
                    comparisons.append({**of, **told})
    main = [c for c in comparisons if c["tissue"] == MEAN and c["measure"] == "Dice"]
    for row, p in zip(main, holm([row["p"] for row in main]), strict=True):
        row["p by Holm"] = p
    return {"summaries": summaries, "comparisons": comparisons}


def holm(p: Sequence[float]) -> list[float]:
    """p values corrected for how many they are: max over smaller ones of (m - rank) p, at most 1; NaN stays.

    Holm, Scand. J. Stat. 6, 65 (1979).
    """
    v = np.asarray(p, float)
    known = np.flatnonzero(np.isfinite(v))
    out = np.full(len(v), np.nan)
    order = known[np.argsort(v[known], kind="stable")]
    scaled = v[order] * (len(known) - np.arange(len(known)))
    out[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return [float(x) for x in out]
