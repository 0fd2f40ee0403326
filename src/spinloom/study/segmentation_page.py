"""The page of the study: what was found, with intervals and tests; the case series; limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.version import __version__
from spinloom.report.page import Facts, Gallery, Page, Picture, Prose, Section, Table
from spinloom.study.segmentation import Ran, Sources
from spinloom.study.segmentation_design import ARMS, MIXED, SYNTHETIC, TARGET, TUNED
from spinloom.study.segmentation_figures import case_row, learning_curve, row_of
from spinloom.study.segmentation_statistics import MEAN, TISSUES, statistics
from spinloom.study.segmentation_tables import case_rows, cell, comparison, number, scores_table, tests_table
from spinloom.study.segmentation_text import data_text, design_text, limits_text

Json = dict[str, Any]
ENOUGH = 6
"""People below which nothing is tested."""


def page(ran: Ran, sources: Sources, out: Path, command: str) -> tuple[Page, Json]:
    """The page, and every number behind it."""
    told = statistics(ran.trained, ran.design)
    people = sorted({w for f in ran.folds for w in f.test})
    results: Json = {
        "command": command,
        "version": __version__,
        "design": ran.design.__dict__,
        "folds": [{"train": list(f.train), "test": list(f.test)} for f in ran.folds],
        **{k: plain(v) for k, v in told.items()},
        "trainings": list(ran.trained),
        "cases": list(ran.cases),
    }
    sections = [
        Section(
            "What was found", (Facts(_facts(ran, told, len(people))), Prose(tuple(findings(told, ran, len(people)))))
        ),
        Section("What was done", (Prose((*data_text(ran, sources), *design_text(ran))),)),
        Section("Scores", (scores_table(told, ran), *_curves(told, ran))),
        Section("Paired tests", (tests_table(told, ran),)),
        Section("What it looks like", (_examples(ran, out),)),
    ]
    if ran.cases:
        sections.append(Section("Case series: real scans", _cases(ran, out), "cases"))
    sections.append(Section("Limits", (Prose(tuple(limits_text(ran, sources))),)))
    footer = f"Made by `{command}`; seed {ran.design.seed}; Spinloom {__version__}. Every number is in results.json."
    title = "Does synthetic data help a segmentation?"
    subtitle = "CSF, grey and white matter from T1w: target domain only, synthetic only, mixed, and fine-tuned."
    return Page(title, subtitle, tuple(sections), footer), results


def _facts(ran: Ran, told: Json, people: int) -> tuple[tuple[str, str], ...]:
    few, many = min(ran.design.sizes), max(ran.design.sizes)
    rows = [(TARGET, few), (TUNED, few), (MIXED, few), (SYNTHETIC, 0), (TARGET, many), (TUNED, many)]
    words = {0: ""} | {n: f", {n} of the target domain" for n in ran.design.sizes}
    named = [(f"{ARMS[a]}{words[n]}: mean Dice", number(cell(told, a, n, MEAN, "Dice")["mean"])) for a, n in rows]
    return (*dict(named).items(), ("people tested", str(people)))


def findings(told: Json, ran: Ran, people: int) -> list[str]:
    """In words, from the intervals and corrected tests alone."""
    lines = []
    for arm in (TUNED, MIXED, SYNTHETIC):
        better: list[tuple[int, Json]] = []
        worse: list[tuple[int, Json]] = []
        open_: list[tuple[int, Json]] = []
        for n in ran.design.sizes:
            c = comparison(told, arm, n)
            kind = (
                open_ if not (np.isfinite(c["low"]) and c["low"] * c["high"] > 0) else better if c["low"] > 0 else worse
            )
            kind.append((n, c))
        parts = []
        for some, word in ((better, "better"), (worse, "worse"), (open_, "not distinguishable")):
            if some:
                those = ", ".join(f"{n} ({number(c['difference'], sign=True)})" for n, c in some)
                parts.append(f"{word} at {those}")
        lines.append(
            f"{ARMS[arm][0].upper()}{ARMS[arm][1:]}, against the target domain alone, by the 95 % interval of the "
            "mean difference in mean Dice; people of the target domain trained on, difference in brackets: "
            f"{'; '.join(parts)}."
        )
    if people < ENOUGH:
        lines.append(f"{people} people are too few for a test: the differences are those of these people, no more.")
    return lines


def _curves(told: Json, ran: Ran) -> tuple[Picture, ...]:
    words = "against the number of people of the target domain; bars: 95 % interval of the mean over people"
    return (
        Picture(learning_curve(told, ran.design, "Dice"), f"Hard Dice {words}"),
        Picture(learning_curve(told, ran.design, "HD95"), f"HD95 {words}"),
    )


def _examples(ran: Ran, out: Path) -> Gallery:
    rows = [row_of(out, ran.trained, ran.design, which) for which in range(min(2, len(ran.folds[0].test)))]
    pictures = tuple((title, Picture(data, title)) for data, title in rows)
    return Gallery(
        pictures, "People that nobody trained on, first repeat. Blue CSF, grey grey matter, white white matter."
    )


def _cases(ran: Ran, out: Path) -> tuple[Prose | Table | Gallery, ...]:
    words = (
        (
            "No manual tissue labels exist for these scans, so no accuracy is claimed. Beside the networks stands a "
            "mixture of three Gaussians on the same voxels, its shading divided out, without any knowledge of anatomy: "
            "agreement with it says whether an answer follows the grey values, not whether it is right. All networks "
            "have the same number of people of the (simulated) target domain; every number is the mean over the "
            "repeats, least and most in brackets."
        ),
    )
    columns = ("scan", "network", *(f"agreement {t}" for t in TISSUES), "litres C / G / W", "lesion voxels called")
    rows = [row for case in ran.cases for row in case_rows(case)]
    caption = (
        "Agreement: Dice of the network's class with the mixture's inside the brain. Brain: "
        + "; ".join(f"{c['case']}, {c['brain']}" for c in ran.cases)
        + ". Where the classes hold more than 2 litres, that brain is more than one, and its row says little."
        + " Lesion voxels: what they are called, of the expert consensus mask; such lesions lie in white matter."
    )
    pictures = tuple((c["case"], Picture(case_row(out, c)[0], c["case"])) for c in ran.cases)
    shown = case_row(out, ran.cases[0])[1]
    return (
        Prose(words),
        Table(columns, tuple(rows), caption),
        Gallery(pictures, f"{shown}. Lesions outlined in orange."),
    )


def plain(value: Any) -> Any:
    """JSON knows no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
