"""A report of scores as rows of text: for the terminal, CSV, JSON and the page."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from spinloom.core.version import __version__
from spinloom.evaluation.encoder import SEEN
from spinloom.evaluation.protocol import Column
from spinloom.evaluation.scores import Report, Row
from spinloom.evaluation.statistics import Summary


def summary_rows(report: Report) -> list[dict[str, str]]:
    """One row per protocol and metric: mean [95 % interval], standard deviation, median, worst case."""
    return [_summary_row(report, protocol, column) for protocol, column in report.metrics()]


def _summary_row(report: Report, protocol: str, column: Column) -> dict[str, str]:
    s = report.summary(protocol, column.name)
    values = {c: v for c, v in report.values(protocol, column.name).items() if np.isfinite(v)}
    perfect = sum(v == np.inf for v in report.values(protocol, column.name).values())
    worst = "" if len(values) < 2 else max(values, key=lambda c: column.badness(values[c]))
    return {
        "protocol": protocol,
        "metric": column.name + (f" [{column.unit}]" if column.unit else ""),
        "mean [95 % interval]": interval(s) if s.n or not perfect else "infinite",
        "SD": number(s.sd),
        "median": number(s.median),
        "n": str(s.n) + (f" + {perfect} infinite" if perfect and s.n else ""),
        "worst": f"{worst} ({number(values[worst])})" if worst else "",
    }


def encoded_rows(report: Report) -> list[dict[str, str]]:
    """One row per number of a user's own network, its weights' SHA-256 beside it."""
    return [
        {"encoder": e.encoder, "metric": n.name, "value": number(n.value), "slices": str(e.slices), "note": n.note}
        | {"sha256 of weights": e.sha256}
        for e in report.encoded
        for n in e.numbers
    ]


def interval(s: Summary) -> str:
    """mean [low, high], the interval over subjects where there are three or more."""
    if not s.n:
        return "none"
    return number(s.mean) + (f" [{number(s.low)}, {number(s.high)}]" if np.isfinite(s.low) else "")


def absent(report: Report, row: Row) -> str:
    """Why a number is NaN, where its column says so."""
    if not np.isnan(row.value):
        return ""
    return next(
        (c.absent for p in report.protocols if p.name == row.protocol for c in p.columns if c.name == row.metric), ""
    )


def reasons(report: Report) -> list[str]:
    """One sentence for each metric that has no value in some cases, and a reason."""
    found: dict[tuple[str, str, str], int] = {}
    for r in report.rows:
        if why := absent(report, r):
            key = r.protocol, r.metric, why
            found[key] = found.get(key, 0) + 1
    return [f"{p}: no {m} in {n} of {len(report.cases)} cases: {why}" for (p, m, why), n in found.items()]


def number(x: float) -> str:
    """Four digits that mean something."""
    return "" if np.isnan(x) else f"{x:.4g}"


def remarks(report: Report) -> list[str]:
    """What the numbers rest on: subjects, masks, ranges, doubts; a sentence each."""
    said = []
    n, people = len(report.cases), len(report.subjects)
    if people < n:
        said.append(f"{n} cases of {people} subjects: averaged within each subject first; n counts subjects")
    masks = Counter(a.mask for a in report.about)
    said += [f"mask of {cases} case{'s' * (cases != 1)}: {mask}" for mask, cases in masks.items()]
    said += [f"{p.name}: range of PSNR and SSIM: {p.data_range}" for p in report.protocols if p.data_range]
    return said + [f"beware: {a.case}: {a.doubt}" for a in report.about if a.doubt]


def file_rows(report: Report) -> list[dict[str, str]]:
    """One row per file: case, subject, what it was, its path and SHA-256."""
    return [
        {"case": a.case, "subject": a.subject, "as": what, "file": path, "sha256": digest}
        for a in report.about
        for what, (path, digest) in (a.files or {}).items()
    ]


def as_csv(report: Report) -> str:
    """case, subject, protocol, metric, unit, value, note: one line per number; "*" is all cases together."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(("case", "subject", "protocol", "metric", "unit", "value", "note"))
    whose = {case: report.subject(case) for case in report.cases}
    lines.writerows(
        (r.case, whose.get(r.case, ""), r.protocol, r.metric, r.unit, repr(r.value), absent(report, r))
        for r in report.rows
    )
    for e in report.encoded:
        weights = f"sha256 {e.sha256}"
        lines.writerows(
            (case, whose.get(case, ""), e.key, e.paired, "", repr(value), weights) for case, value in e.cases.items()
        )
        lines.writerows(("*", "*", e.key, n.name, "", repr(n.value), f"{weights}; {n.note}") for n in e.numbers)
    return out.getvalue()


def as_json(report: Report) -> dict[str, Any]:
    """Everything: numbers, summaries, failures, and where each protocol comes from. What has no value is null."""
    whose = {case: report.subject(case) for case in report.cases}
    return {
        "Software": f"Spinloom {__version__}",
        "quantity": report.quantity.value,
        "cases": list(report.cases),
        "subjects": list(report.subjects),
        "about": [
            {"case": a.case, "subject": a.subject, "mask": a.mask}
            | ({"doubt": a.doubt} if a.doubt else {})
            | {"files": {what: {"path": path, "sha256": sha} for what, (path, sha) in (a.files or {}).items()}}
            for a in report.about
        ],
        "failures": [{"case": case, "why": why} for case, why in report.failures],
        "protocols": {
            p.name: {"title": p.title, "source": p.source, "range": p.data_range, "caveats": list(p.caveats)}
            for p in report.protocols
        },
        "summaries": [
            {"protocol": p, "metric": c.name, "unit": c.unit, "more is better": c.more}
            | {k: _plain(v) for k, v in asdict(report.summary(p, c.name)).items()}
            for p, c in report.metrics()
        ],
        "encoders": [
            {"encoder": e.encoder, "sha256": e.sha256, "slices": e.slices, "seen": SEEN}
            | {"numbers": [asdict(n) | {"value": _plain(n.value)} for n in e.numbers]}
            | {"cases": {case: {e.paired: _plain(value)} for case, value in e.cases.items()}}
            for e in report.encoded
        ],
        "rows": [
            asdict(r)
            | {"subject": whose[r.case], "value": _plain(r.value)}
            | ({"why": why} if (why := absent(report, r)) else {})
            for r in report.rows
        ],
    }


def _plain(x: float) -> float | str | None:
    if isinstance(x, float) and not np.isfinite(x):
        return None if np.isnan(x) else ("infinite" if x > 0 else "-infinite")
    return x
