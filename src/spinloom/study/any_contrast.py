"""The study: one network for any contrast, tried on simulated and real people; every number of its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.version import __version__
from spinloom.report.page import Page
from spinloom.study.any_contrast_curves import curves_of, drawn_curves
from spinloom.study.any_contrast_page import page_of
from spinloom.study.any_contrast_people import Person, person
from spinloom.study.any_contrast_pictures import five, five_real
from spinloom.study.any_contrast_real import real_scores
from spinloom.study.any_contrast_scores import losses, scores_of
from spinloom.train.gather import maps_in
from spinloom.train.heads import Head, draw_heads, heads_from_labels
from spinloom.translate.model import Model

FITTED = 2
"""People that lookup tables are fitted to."""


def people_of(
    count: int, labels: Path | None, seed: int, *, slices: int, voxel_mm: float = 1.0,
    say: Callable[[str], None] = lambda name: None,
) -> tuple[list[Person], list[Person]]:  # fmt: skip
    """Who is scored and who lookup tables are fitted to, none of them ever trained on.

    labels  a folder of label maps: the first `count` of them are scored, the next FITTED are fitted to; None: heads of
            another seed than a training draws

    Raises UsageError if there are too few maps.
    """
    if labels is None:
        heads = draw_heads(count + FITTED, seed + 10_000, voxel_mm=voxel_mm)
        heads = [replace(h, name=f"head {n}") for n, h in enumerate(heads)]
    else:
        files = maps_in(labels)[: count + FITTED]
        if len(files) < count + FITTED:
            raise UsageError(
                f"{labels} holds {len(files)} label maps, {count + FITTED} are needed", remedy="Lower --people."
            )
        heads = heads_from_labels(files, seed, voxel_mm=voxel_mm, say=say)
    made = [person(at_3_tesla(h), slices) for h in heads]
    return made[:count], made[count:]


def at_3_tesla(head: Head) -> Head:
    T1, T2 = head.at(3.0)
    return replace(head, T1=T1, T2=T2, B0=3.0)


def require_any(model: Model) -> None:
    """Raises UsageError for a model of one contrast."""
    if model.plan.conditions is None:
        raise UsageError(f"{model.name} makes one contrast", remedy="Train one with spinloom train --any-contrast.")


def beside(models: Sequence[Model]) -> dict[str, list[Model]]:
    """Models of one contrast to one, by the way they go. Raises UsageError for others."""
    found: dict[str, list[Model]] = {}
    for m in models:
        ends = [s.contrast for s in (*m.plan.source, *m.plan.target)]
        if len(ends) != 2 or set(ends) != {"T1w", "T2w"} or m.plan.conditions is not None:
            raise UsageError(f"{m.name} is not from T1w to T2w or back", remedy="--beside is for such models.")
        found.setdefault(f"{ends[0]} to {ends[1]}", []).append(m)
    return found


def run(
    model: Model, others: Sequence[Model], people: Sequence[Person], fitted: Sequence[Person], *,
    scans: Path | None, seed: int, command: str, anatomy: str, say: Callable[[str], None] = lambda name: None,
) -> tuple[Page, dict[str, Any]]:  # fmt: skip
    """The page and every number on it."""
    require_any(model)
    ways = beside(others)
    real: Mapping[str, Any] = {} if scans is None else real_scores(scans, model, ways, say)
    scores = scores_of(model, ways, people, fitted, seed, say)
    curves = curves_of(model, people, seed, say)
    results: dict[str, Any] = {
        "command": command, "version": __version__, "seed": seed, "anatomy": anatomy,
        "model": {"name": model.name, "sha256": model.sha256, "weights": weights(model),
                  "trained": model.about.get("trained", {}), "data": model.about.get("data", "")},
        "people": [p.name for p in people], "fitted to": [p.name for p in fitted],
        "simulated": scores, "told wrong": losses(scores), "curves": curves, "real": real,
    }  # fmt: skip
    figures = {"five": five(model, people[0], seed), "curves": drawn_curves(curves)}
    if scans is not None:
        figures["real"] = five_real(model, scans)
    return page_of(results, model, figures), results


def weights(model: Model) -> int:
    return int(np.sum([p.numel() for p in model.translator.parameters()]))
