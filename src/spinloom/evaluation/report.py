"""Scores → one page: what was found, worst cases first, how much of it is protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spinloom.core.errors import SpinloomError
from spinloom.core.image import Quantity
from spinloom.core.version import __version__
from spinloom.evaluation.encoder import SEEN
from spinloom.evaluation.files import Files, load
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.perception import Perception, perception
from spinloom.evaluation.pictures import histogram, perception_distortion, triptych
from spinloom.evaluation.protocol import Protocol
from spinloom.evaluation.scores import Report, against, shown
from spinloom.evaluation.tables import encoded_rows, file_rows, number, reasons, remarks, summary_rows
from spinloom.report.page import Facts, Gallery, Page, Part, Prose, References, Section, Table

MOST_PICTURED = 8
RANKED_BY = {Quantity.LABEL: "Dice"}


def page(report: Report, cases: Sequence[Files], *, other: tuple[str, Report, Sequence[Files]] | None = None) -> Page:
    """The page of a report.

    cases  where its images are, as match() found them: they are read again for pictures, one by one
    other  name, report and files of another prediction of the same references, to compare with
    """
    at = {f.name: f for f in cases}
    metric, ranked = worst_first(report)
    sections = [
        Section("Found", _found(report), "found"),
        Section(f"Cases, worst first ({metric})", _cases(ranked[:MOST_PICTURED], at, report), "cases"),
        Section("Every number", (_numbers(report),), "numbers"),
    ]
    sets = {"this": _perceived(report, cases)}
    if other is not None:
        name, second, files = other
        sections.insert(1, Section(f"Beside {name}", (_beside(report, name, second),), "beside"))
        sets[name] = _perceived(second, files)
    seen = {"this": report, **({other[0]: other[1]} if other is not None else {})}
    if any(r.encoded for r in seen.values()):
        sections.append(Section("As your own network sees them", _encoded(seen), "encoder"))
    if any(sets.values()):
        sections.append(Section("As a set", _perception(sets, report.quantity), "set"))
    sections += [Section("Definitions", _definitions(report), "definitions")]
    if used := file_rows(report):
        table = Table(tuple(used[0]), tuple(tuple(row.values()) for row in used), f"Read by Spinloom {__version__}.")
        sections.append(Section("Files", (table,), "files"))
    return Page(
        title="Scores",
        subtitle=f"{len(report.cases)} cases, {report.quantity.value}; protocols: "
        f"{', '.join(p.name for p in report.protocols)}",
        sections=tuple(sections),
        footer=f"Made by Spinloom {__version__}. For research, teaching and testing; not for diagnosis.",
    )


def worst_first(report: Report) -> tuple[str, list[str]]:
    """What cases are ranked by, and their names from the worst on: MAE of the first protocol that has one, else its
    first number."""
    named = [(p, c) for p, c in report.metrics() if c.name == RANKED_BY.get(report.quantity, "MAE")]
    protocol, column = (named or list(report.metrics()))[0]
    values = report.values(protocol, column.name)
    ranked = sorted(values, key=lambda c: -column.badness(values[c]) if np.isfinite(values[c]) else -np.inf)
    return f"{column.name}, {protocol}", ranked


def _found(report: Report) -> tuple[Part, ...]:
    first = [(p, c) for p, c in report.metrics() if p == report.protocols[0].name][:6]
    facts = [("subjects", str(len(report.subjects)))]
    facts += [(c.name + (f" [{c.unit}]" if c.unit else ""), number(report.summary(p, c.name).mean)) for p, c in first]
    parts: list[Part] = [Facts((("cases", str(len(report.cases))), *facts))]
    if report.failures:
        parts.append(Table(("case", "not scored, because"), report.failures, "The others went on."))
    rows = summary_rows(report)
    if rows:
        columns = tuple(rows[0])
        text = (
            "Means over subjects (visits and slices of one are averaged first) with 95 % bootstrap intervals (BCa, "
            "9,999 resamples of subjects, three or more)."
        )
        parts.append(Table(columns, tuple(tuple(r[c] for c in columns) for r in rows), text))
    if why := [*remarks(report), *reasons(report)]:
        parts.append(Prose(tuple(why)))
    return tuple(parts)


def _cases(names: Sequence[str], at: dict[str, Files], report: Report) -> tuple[Part, ...]:
    pictures = []
    for name in names:
        pair = _loaded(at[name], report.quantity) if name in at else None
        if pair is not None:
            pictures += [(name, triptych(pair)), (f"{name}: errors", histogram(pair))]
    text = (
        "Prediction, reference, difference: the axial slice with the largest error, one window for both images; nose "
        "up, the subject's right on the right. Blue to red: prediction below to above the reference, on the scale said."
    )
    return (Gallery(tuple(pictures), text),)


def _numbers(report: Report) -> Table:
    metrics = report.metrics()
    columns = ("case", *(f"{p}: {c.name}" + (f" [{c.unit}]" if c.unit else "") for p, c in metrics))
    values = [report.values(p, c.name) for p, c in metrics]
    ranked = worst_first(report)[1]
    return Table(columns, tuple((c, *(number(v.get(c, float("nan"))) for v in values)) for c in ranked))


def _beside(report: Report, name: str, second: Report) -> Table:
    rows = tuple(
        (
            protocol,
            column.name + (f" [{column.unit}]" if column.unit else ""),
            number(c.difference) + (f" [{number(c.low)}, {number(c.high)}]" if np.isfinite(c.low) else ""),
            number(c.p),
            str(c.n),
        )
        for protocol, column, c in against(report, second)
    )
    text = "Mean difference subject by subject (n), with its 95 % interval, and p of the Wilcoxon signed-rank test."
    return Table(("protocol", "metric", f"this minus {name}", "p", "n"), rows, text)


def _encoded(seen: dict[str, Report]) -> tuple[Part, ...]:
    """FID, KID and their like: a row for each set, a table for each distance slice by slice."""
    rows = [{"prediction": name} | row for name, r in seen.items() for row in encoded_rows(r)]
    parts: list[Part] = [Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), SEEN)]
    for name, r in seen.items():
        for e in r.encoded:
            if e.cases:
                worst = sorted(e.cases.items(), key=lambda item: -item[1])
                cases = tuple((case, number(value)) for case, value in worst)
                parts.append(Table(("case", e.paired), cases, f"{name}, {e.key}; mean over the slices of a case."))
    return tuple(parts)


def _perception(sets: dict[str, Perception | None], quantity: Quantity) -> tuple[Part, ...]:
    """How far each set of predictions is from looking like the references, and where its cases stand."""
    known = {name: p for name, p in sets.items() if p is not None}
    rows = tuple(
        (n, p.encoder, str(p.slices), number(p.frechet), number(p.kernel), number(p.paired)) for n, p in known.items()
    )
    columns = ("prediction", "encoder", "slices", "Fréchet distance", "kernel distance", "distance slice by slice")
    text = "All slices together. Numbers of other encoders (FID, KID) cannot be compared with these."
    factor, unit = shown(quantity)
    points = {n: {c: (factor * e, k) for c, (e, k) in p.cases.items()} for n, p in known.items() if p.cases}
    picture = perception_distortion(points, "RMSE" + (f" [{unit}]" if unit else ""), "kernel distance")
    return Table(columns, rows, text), picture


def _perceived(report: Report, cases: Sequence[Files]) -> Perception | None:
    if report.quantity is Quantity.LABEL:
        return None
    try:
        return perception(
            pair for f in cases if f.name in report.cases and (pair := _loaded(f, report.quantity)) is not None
        )
    except SpinloomError:
        return None


def _loaded(files: Files, quantity: Quantity, read: Callable[[Files, Quantity], Pair] = load) -> Pair | None:
    try:
        return read(files, quantity)
    except SpinloomError:
        return None


def _range(p: Protocol) -> str:
    return f" Range of PSNR and SSIM: {p.data_range}." if p.data_range else ""


def _definitions(report: Report) -> tuple[Part, ...]:
    text = [f"{p.name}: {p.title}. {' '.join((p.score.__doc__ or '').split())}{_range(p)}" for p in report.protocols]
    caveats = [f"{p.name}: {caveat}" for p in report.protocols for caveat in p.caveats]
    parts: list[Part] = [Prose(tuple(text))]
    if caveats:
        parts.append(Table(("what the numbers of a protocol hide",), tuple((c,) for c in caveats)))
    return (*parts, References(tuple((f"{p.name}: {p.source}", "") for p in report.protocols)))
