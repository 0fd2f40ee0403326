"""The study end to end: models found or trained, people simulated, cases scored, page and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from spinloom.core.errors import UsageError
from spinloom.core.version import __version__
from spinloom.report.page import Page
from spinloom.study.low_field import INPUT, MODEL, TUNED, Case, cases_of
from spinloom.study.low_field_data import Subject
from spinloom.study.low_field_examples import LowField, Person, sliced
from spinloom.study.low_field_noise import COLUMNS, of_scan, of_simulated
from spinloom.study.low_field_page import page_of
from spinloom.study.low_field_scan import Scan
from spinloom.study.low_field_train import learned, plan_of
from spinloom.train.gather import maps_in
from spinloom.train.heads import draw_heads, heads_from_labels
from spinloom.train.loop import Progress
from spinloom.translate.devices import has_bf16
from spinloom.translate.model import Model
from spinloom.translate.shelf import fetched

Say = Callable[[str], None]
CHANNELS = (16, 32, 64, 96)
PATCH = (128, 128)
DRAWN = "drawn-"
MAPS = "label maps: Billot et al., SynthSeg, Apache-2.0"
TEMPLATE = "MNI152 template: (c) Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute"
SIMULATED = 24
"""Slices whose noise is measured."""


def models_of(names: Sequence[str], scans: Sequence[Scan]) -> dict[str, Model]:
    """By contrast: those named, else those of the package. Raises UsageError for one of another question."""
    found: dict[str, Model] = {}
    for name in names:
        model = fetched(name)
        goes, comes = model.plan.source, model.plan.target
        contrast = goes[0].contrast
        if len(goes) != 1 or len(comes) != 1 or comes[0].contrast != contrast or model.plan.thick is not None:
            raise UsageError(f"{name} does not make a contrast of itself", remedy="Train one: --train --heads 6.")
        if contrast not in {s.contrast for s in scans}:
            raise UsageError(f"{name} is for {contrast}", remedy=f"Known: {', '.join(s.contrast for s in scans)}.")
        if contrast in found:
            raise UsageError(f"two models of {contrast}", remedy="Name one.")
        found[contrast] = model
    for scan in scans:
        if scan.contrast not in found:
            found[scan.contrast] = fetched(f"lowfield-{scan.contrast.lower()}")
    return found


def people_of(heads: int, labels: Path | None, seed: int, say: Say) -> list[Person]:
    """Heads of label maps first, then drawn ones, as slices: volumes are let go one by one."""
    people = []
    for path in [] if labels is None else maps_in(labels):
        people += [sliced(h) for h in heads_from_labels([path], seed, voxel_mm=1.0, say=say)]
    for n in range(heads):
        say(f"head {n + 1} of {heads}")
        people += [sliced(replace(h, name=f"{DRAWN}{n}")) for h in draw_heads(1, seed + 1000 * n)]
    return people


def trained_models(
    people: Sequence[Person], scans: Sequence[Scan], folder: Path, *, steps: int, seconds: float, seed: int, say: Say,
    channels: tuple[int, ...] = CHANNELS,
) -> dict[str, Model]:  # fmt: skip
    """One run per contrast in the folder; the last person is held out, where there are two."""
    kept, held = (people[:-1], people[-1:]) if len(people) > 1 else (people, people)
    maps = sum(not p.head.name.startswith(DRAWN) for p in people)
    about: dict[str, object] = {
        "data": f"simulated slices of {maps} label maps and {len(people) - maps} heads made from the MNI152 template",
        "attribution": "; ".join([*[MAPS] * bool(maps), *[TEMPLATE] * (maps < len(people))]),
        "licence": "weights: Apache-2.0, with the attribution above",
    }
    found = {}
    for scan in scans:
        plan = plan_of(scan, steps=steps, seconds=seconds, seed=seed, channels=channels, bf16=has_bf16("cpu"))

        def shown(now: Progress, contrast: str = scan.contrast) -> None:
            say(f"{contrast}: step {now.step} of {now.steps}, about {now.left / 60:.1f} min to go")

        run_folder = folder / plan.name
        found[scan.contrast] = learned(scan, plan, kept, held, run_folder, about=about, say=shown).model
    return found


def run(
    subjects: Sequence[Subject], scans: Sequence[Scan], models: Mapping[str, Model], people: Sequence[Person], *,
    command: str, seed: int, say: Say,
) -> tuple[Page, dict[str, Any]]:  # fmt: skip
    """The page, and every number behind it."""
    cases = cases_of(subjects, scans, models, say)
    noise: dict[str, dict[str, list[float]]] = {}
    for scan in scans:
        rows = {s.name: of_scan(s.kspace[scan.contrast]).tolist() for s in subjects}
        if people:
            rng = torch.Generator().manual_seed(seed)
            spread = of_simulated(LowField(people, scan, PATCH), SIMULATED, rng)
            rows |= {f"simulated, {n} %": v.tolist() for n, v in zip(("10", "50", "90"), spread, strict=True)}
        noise[scan.contrast] = rows
    results = {
        "spinloom": __version__,
        "command": command,
        "seed": seed,
        "tuned on": TUNED,
        "models": {c: {"name": m.name, "trained": m.about.get("trained", {})} for c, m in models.items()},
        "cases": [numbers(c) for c in cases],
        "noise": {"columns": list(COLUMNS), **noise},
        "summary": summary(cases),
    }
    return page_of(cases, models, noise, command), results


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
