"""The study as a page: tables, pictures, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spinloom.evaluation.statistics import summarise
from spinloom.report.page import Facts, Page, Part, Picture, Prose, Section, Table
from spinloom.study.any_contrast_curves import error
from spinloom.study.any_contrast_people import PAIRS
from spinloom.study.any_contrast_real import PEOPLE
from spinloom.study.any_contrast_scores import OWN, WRONG_SOURCE, WRONG_TARGET
from spinloom.study.any_contrast_text import ABLATION, CURVES, FIVE, FIVE_REAL, LIMITS, REAL, TRAINED, joined
from spinloom.translate.conditions import words
from spinloom.translate.model import Model

Results = Mapping[str, Any]


def page_of(results: Results, model: Model, figures: Mapping[str, bytes]) -> Page:
    """figures  "five", "curves", and "real" where there are scans"""
    assert model.plan.conditions is not None
    parts = [
        Section("Result", (Facts(headline(results)), Prose((what(results),))), "result"),
        Section("One head, five contrasts", tuple(pictures(figures)), "five"),
        Section("Simulated people that were not trained on", (simulated(results), Prose(ablation(results))), "pairs"),
        Section("The answer follows the signal equation", tuple(curves(results, figures)), "curves"),
    ]
    if results["real"]:
        parts.append(Section("Real scans", (*real(results), Prose(real_words(results))), "real"))
    parts += [
        Section("What it was trained with", (Prose(trained(results)), ranges(model)), "training"),
        Section("Limits", (Prose(tuple(map(joined, LIMITS))),), "limits"),
    ]
    return Page(
        "Any contrast to any: one network, told both acquisitions",
        "Trained on simulated pairs alone, it is told family, TR, TE, TI, FA and field of the scan that goes in and of "
        "the one that should come out.",
        tuple(parts),
        f"Made by `{results['command']}`.",
    )


def mean(results: Results, pair: str, who: str, metric: str = "PSNR") -> float:
    return float(np.mean([*results["simulated"][pair][who][metric].values()]))


def headline(results: Results) -> tuple[tuple[str, str], ...]:
    pairs = list(results["simulated"])
    above = [p for p in pairs if mean(results, p, OWN) > mean(results, p, "lookup")]
    loss = {label: m for label, m, _, _ in results["told wrong"]}
    return (
        (
            "pairs of protocols in which it beats a lookup table fitted to that very pair",
            f"{len(above)} of {len(pairs)}",
        ),
        ("lost on average when the target is told wrong", f"{loss[WRONG_TARGET]:.1f} dB"),
        ("lost on average when the source is told wrong", f"{loss[WRONG_SOURCE]:.1f} dB"),
        ("weights, one network for everything here", f"{results['model']['weights']:,}"),
    )


def what(results: Results) -> str:
    return (
        f"Scored on {len(results['people'])} simulated people ({results['anatomy']}) as of some scanner: noise, blur "
        "and shading are drawn. The numbers are of one network; nothing is fitted to a pair, a person or a scan."
    )


def pictures(figures: Mapping[str, bytes]) -> list[Part]:
    more = [Picture(figures["real"], joined(FIVE_REAL))] if "real" in figures else []
    return [Picture(figures["five"], joined(FIVE)), *more]


def simulated(results: Results) -> Table:
    rows = []
    single = {who for by in results["simulated"].values() for who in by} - {OWN, WRONG_TARGET, WRONG_SOURCE, "lookup"}
    for name, by in results["simulated"].items():
        cells = [name, " to ".join(map(str, PAIRS[name]))]
        for who in (OWN, WRONG_TARGET, WRONG_SOURCE, "lookup"):
            cells.append(cell(by[who]))
        own = [f"{cell(by[who])} ({who})" for who in sorted(single) if who in by]
        rows.append((*cells, ", ".join(own)))
    return Table(
        (
            "pair",
            "acquisitions",
            OWN,
            WRONG_TARGET,
            WRONG_SOURCE,
            "lookup table of the pair",
            "model of that pair alone",
        ),
        tuple(rows),
        f"PSNR [dB] / SSIM by the honest protocol, mean over {len(results['people'])} people, stripped to the brain. "
        "Of the first, the 95 % interval of PSNR over people follows in brackets (bootstrap, from three people).",
    )


def cell(by: Mapping[str, Mapping[str, float]]) -> str:
    psnr, ssim = ([*by[m].values()] for m in ("PSNR", "SSIM"))
    told = summarise(psnr)
    interval = f" [{told.low:.1f}, {told.high:.1f}]" if np.isfinite(told.low) else ""
    return f"{told.mean:.2f} / {np.mean(ssim):.3f}{interval}"


def ablation(results: Results) -> tuple[str, ...]:
    told = []
    for label, m, low, high in results["told wrong"]:
        interval = "" if low is None else f" (95 % interval {low:.2f} to {high:.2f})"
        told.append(f"{label}: {m:.2f} dB lost{interval}")
    return joined(ABLATION), f"{'; '.join(told)}."


def curves(results: Results, figures: Mapping[str, bytes]) -> list[Part]:
    rows = tuple(
        (name, *(f"{100 * error(by, tissue):.1f} %" for tissue in ("grey", "CSF")))
        for name, by in results["curves"].items()
    )
    return [
        Picture(figures["curves"], joined(CURVES)),
        Table(("sweep", "grey / white, off by", "CSF / white, off by"), rows, "Median of |made / equation - 1|."),
    ]


def real(results: Results) -> list[Part]:
    parts: list[Part] = []
    for way, by in results["real"].items():
        names = list(dict.fromkeys(w for who in by.values() for w in who))
        rows = tuple(
            (name, *(f"{by[who][name]['PSNR']:.2f} / {by[who][name]['SSIM']:.3f}" for who in by)) for name in names
        )
        parts.append(
            Table((way, *by), rows, "PSNR [dB] / SSIM, each image over its own 99.5th percentile in the mask.")
        )
    return parts


def real_words(results: Results) -> tuple[str, ...]:
    told = "; ".join(f"{who}: {' and '.join(map(str, p.protocols))} ({p.known})" for who, p in PEOPLE.items())
    return (*map(joined, REAL), f"{told}.")


def trained(results: Results) -> tuple[str, ...]:
    told, data = results["model"]["trained"], results["model"]["data"]
    minutes = float(told.get("seconds", 0)) / 60
    return f"{data}; {told.get('steps', '?')} steps in {minutes:.0f} minutes on one thread.", joined(TRAINED)


def ranges(model: Model) -> Table:
    assert model.plan.conditions is not None
    first, *others = words(model.plan.conditions)
    return Table(("drawn from", "ranges"), tuple(tuple(o.split(": ", 1)) for o in others), first)  # type: ignore[misc]
