"""The study's numbers as tables: scores, paired tests, real scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spinloom.report.page import Table
from spinloom.study.segmentation import Ran
from spinloom.study.segmentation_design import ARMS, MIXED, SYNTHETIC, TARGET, TUNED
from spinloom.study.segmentation_statistics import MEAN, TISSUES, missed

Json = dict[str, Any]


def cell(told: Json, arm: str, n: int, tissue: str, measure: str) -> Json:
    rows = told["summaries"]
    same = (arm, n, tissue, measure)
    found: Json = next(r for r in rows if (r["arm"], r["n"], r["tissue"], r["measure"]) == same)
    return found


def comparison(told: Json, arm: str, n: int) -> Json:
    rows = told["comparisons"]
    found: Json = next(c for c in rows if (c["arm"], c["n"], c["tissue"], c["measure"]) == (arm, n, MEAN, "Dice"))
    return found


def scores_table(told: Json, ran: Ran) -> Table:
    rows = []
    order = [(SYNTHETIC, 0)] + [(a, n) for n in ran.design.sizes for a in (TARGET, MIXED, TUNED)]
    for arm, n in order:
        dices = [between(cell(told, arm, n, t, "Dice")) for t in (*TISSUES, MEAN)]
        far = [number(cell(told, arm, n, t, "HD95")["mean"], 1) for t in TISSUES]
        rows.append((str(n), ARMS[arm], *dices, " / ".join(far), str(missed(ran.trained, arm, n))))
    return Table(
        ("people", "trained on", *(f"Dice {t}" for t in TISSUES), "Dice, mean", "HD95 C / G / W [mm]", "missed"),
        tuple(rows),
        "Mean over people with the 95 % interval (BCa bootstrap over people). Hard Dice of the whole scan in three "
        "dimensions; a class that neither truth nor answer holds is left out. missed: classes of a scan that only "
        "one of the two holds, which have no distance.",
    )


def tests_table(told: Json, ran: Ran) -> Table:
    rows = []
    for n in ran.design.sizes:
        for arm in (SYNTHETIC, MIXED, TUNED):
            c = comparison(told, arm, n)
            own = [
                number(next(x for x in told["comparisons"] if _is(x, arm, n, t, "Dice"))["difference"], sign=True)
                for t in TISSUES
            ]
            far = next(x for x in told["comparisons"] if _is(x, arm, n, MEAN, "HD95"))
            mean = f"{number(c['difference'], sign=True)} [{number(c['low'])}, {number(c['high'])}]"
            tested = (p_value(c["p"]), p_value(c["p by Holm"]))
            farther = number(far["difference"], 1, sign=True)
            rows.append((str(n), ARMS[arm], mean, *tested, " / ".join(own), farther))
    return Table(
        ("people", "arm minus target only", "mean Dice", "p", "p by Holm", "C / G / W", "HD95 [mm]"),
        tuple(rows),
        f"The same {max((c['tested'] for c in told['comparisons']), default=0)} people under both arms, each person's "
        "repeats averaged first. p: Wilcoxon signed-rank, two-sided; corrected over all rows of this table.",
    )


def _is(c: Json, arm: str, n: int, tissue: str, measure: str) -> bool:
    return bool((c["arm"], c["n"], c["tissue"], c["measure"]) == (arm, n, tissue, measure))


def case_rows(case: Json) -> list[tuple[str, ...]]:
    """The mixture's own row, then one per arm."""
    litres = " / ".join(number(case["mixture litre"][t], 2) for t in TISSUES)
    of = case.get("lesions by the mixture")
    rows: list[tuple[str, ...]] = [(case["case"], "(mixture)", "", "", "", litres, "" if of is None else called([of]))]
    for arm in ARMS:
        own = [r for r in case["rows"] if r["arm"] == arm]
        if not own:
            continue
        agree = [ranged([r[t]["agreement"] for r in own]) for t in TISSUES]
        litres = " / ".join(number(float(np.mean([r[t]["litre"] for r in own])), 2) for t in TISSUES)
        lesions = called([r["lesions"] for r in own]) if "lesions" in own[0] else ""
        rows.append((case["case"], ARMS[arm], *agree, litres, lesions))
    return rows


def called(shares: Sequence[Json]) -> str:
    """What lesion voxels are called, in percent, classes below 1 % left out."""
    mean = {k: float(np.mean([s[k] for s in shares])) for k in shares[0]}
    return ", ".join(f"{k} {100 * v:.0f} %" for k, v in sorted(mean.items(), key=lambda kv: -kv[1]) if v >= 0.01)


def ranged(values: Sequence[float | None]) -> str:
    v = np.array([np.nan if x is None else x for x in values], float)
    if not np.isfinite(v).any():
        return "-"
    return f"{np.nanmean(v):.2f} [{np.nanmin(v):.2f}, {np.nanmax(v):.2f}]"


def between(row: Json) -> str:
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def number(value: float, digits: int = 3, *, sign: bool = False) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def p_value(p: float) -> str:
    return "-" if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
