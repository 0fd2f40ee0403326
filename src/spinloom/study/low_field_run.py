"""The study end to end: models found or learned, every scan enhanced and scored, page and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spinloom.core.errors import UsageError
from spinloom.core.version import __version__
from spinloom.files.hashes import sha256_path
from spinloom.jobs.units import Executor, Json
from spinloom.report.page import Page
from spinloom.study.low_field import INPUT, MODEL, TUNED, Case
from spinloom.study.low_field_data import folders_in, subjects_in
from spinloom.study.low_field_noise import COLUMNS, of_scan
from spinloom.study.low_field_outer import OUTSIDE
from spinloom.study.low_field_page import page_of
from spinloom.study.low_field_scan import SCANS
from spinloom.study.low_field_units import CHANNELS, case_read, enhance, learn, noise
from spinloom.study.units import done, placed
from spinloom.translate.shelf import fetched

Say = Callable[[str], None]
SIMULATED = 24
"""Slices whose noise is measured."""


def models_of(names: Sequence[str]) -> dict[str, str]:
    """Names by contrast: those given, else those of the package. Raises UsageError for one of another question."""
    found: dict[str, str] = {}
    known = [s.contrast for s in SCANS]
    for name in names:
        model = fetched(name)
        goes, comes = model.plan.source, model.plan.target
        contrast = goes[0].contrast
        if len(goes) != 1 or len(comes) != 1 or comes[0].contrast != contrast or model.plan.thick is not None:
            raise UsageError(f"{name} does not make a contrast of itself", remedy="Train one: --train --heads 6.")
        if contrast not in known:
            raise UsageError(f"{name} is for {contrast}", remedy=f"Known: {', '.join(known)}.")
        if contrast in found:
            raise UsageError(f"two models of {contrast}", remedy="Name one.")
        found[contrast] = placed(name)
    return {c: found.get(c, f"lowfield-{c.lower()}") for c in known}


def trained_models(
    people: Json, out: Path, executor: Executor, *, steps: int, seconds: float, say: Say,
    channels: Sequence[int] = CHANNELS,
) -> dict[str, str]:  # fmt: skip
    """Names by contrast; each has its run in out/models.  people  of low_field_units.told"""
    how = {"people": people, "steps": steps, "seconds": seconds, "channels": list(channels)}
    done(out, learn, {f"learn {s.contrast}": {**how, "contrast": s.contrast} for s in SCANS}, executor, say)
    return {s.contrast: placed(str(out / "models" / f"lowfield-{s.contrast.lower()}")) for s in SCANS}


def run(
    data: Path, names: Mapping[str, str], people: Json, out: Path, executor: Executor, *, command: str, say: Say
) -> tuple[Page, dict[str, Any]]:
    """The page, and every number behind it.

    data   the public scans;  names  of models by contrast
    people  of low_field_units.told: without any, no noise is simulated
    out    the study's folder: what is scored is not scored again

    Raises PartialFailure where a scan failed, once the others are over.
    """
    subjects, folders = subjects_in(data, SCANS), folders_in(data)
    models = {contrast: fetched(name) for contrast, name in names.items()}
    units: dict[str, Json] = {}
    for folder in folders:
        for contrast, model in models.items():
            of = {"model": names[contrast], "sha256": model.sha256, "contrast": contrast, "outside": OUTSIDE}
            units[f"{folder.name} {contrast}"] = {**of, "folder": str(folder.resolve()), "held": sha256_path(folder)}
    cases = [case_read(out, answer) for answer in done(out, enhance, units, executor, say).values()]
    rows = {c: {s.name: of_scan(s.kspace[c]).tolist() for s in subjects} for c in names}
    if people["heads"] or people["labels"]:
        made = {f"noise {c}": {"people": people, "contrast": c, "slices": SIMULATED} for c in names}
        for contrast, answer in zip(names, done(out, noise, made, executor, say).values(), strict=True):
            spread = zip(("10", "50", "90"), answer["spread"], strict=True)
            rows[contrast] |= {f"simulated, {n} %": values for n, values in spread}
    results = {
        "spinloom": __version__,
        "command": command,
        "seed": people["seed"],
        "tuned on": TUNED,
        "models": {c: {"name": m.name, "trained": m.about.get("trained", {})} for c, m in models.items()},
        "cases": [numbers(c) for c in cases],
        "noise": {"columns": list(COLUMNS), **rows},
        "summary": summary(cases),
    }
    return page_of(cases, models, rows, command), results


def numbers(case: Case) -> dict[str, Any]:
    return {
        "subject": case.subject,
        "contrast": case.contrast,
        "3 T pixel of an input pixel": case.to_high.round(5).tolist(),
        "scores": {
            way: {
                where: {m: [round(v, 5) for v in values] for m, values in each.items()} for where, each in told.items()
            }
            for way, told in case.scores.items()
        },
    }


def summary(cases: Sequence[Case]) -> dict[str, str]:
    return {
        f"{c.subject} {c.contrast}": ", ".join(
            f"{m} {c.mean(INPUT, m):.3f} → {c.mean(MODEL, m):.3f}" for m in ("SSIM", "structure")
        )
        for c in cases
    }
