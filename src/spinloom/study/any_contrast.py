"""The study: one network for any contrast, tried on simulated and real people; every number of its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.version import __version__
from spinloom.jobs.units import Executor, Json
from spinloom.report.page import Page
from spinloom.study.any_contrast_curves import drawn_curves
from spinloom.study.any_contrast_page import page_of
from spinloom.study.any_contrast_scores import losses
from spinloom.study.any_contrast_units import beside, merged, picture, real, real_units, score
from spinloom.study.units import done, placed
from spinloom.translate.model import Model
from spinloom.translate.shelf import fetched


def require_any(model: Model) -> None:
    """Raises UsageError for a model of one contrast."""
    if model.plan.conditions is None:
        raise UsageError(f"{model.name} makes one contrast", remedy="Train one with spinloom train --any-contrast.")


def run(
    name: str, others: Sequence[str], people: Json, out: Path, executor: Executor, *, scans: Path | None, seed: int,
    command: str, anatomy: str, say: Callable[[str], None] = lambda name: None,
) -> tuple[Page, dict[str, Any]]:  # fmt: skip
    """The page and every number on it.

    name, others  of the model, and of models of one contrast to one beside it
    people        of any_contrast_units.told
    out           the study's folder: who is scored is not scored again

    Raises UsageError for models of another kind, InputError where a real scan is missing, PartialFailure where a unit
    failed, once the others are over.
    """
    model, known = fetched(name), [fetched(other) for other in others]
    require_any(model)
    beside(known)
    pairs = [[placed(other), m.sha256] for other, m in zip(others, known, strict=True)]
    spec: Json = {"model": [placed(name), model.sha256], "beside": pairs, "seed": seed}
    asked = {} if scans is None else real_units(spec, scans)
    told = {**spec, "people": people}
    answers = done(out, score, {f"person {n}": {**told, "n": n} for n in range(people["count"])}, executor, say)
    found: dict[str, Any] = {}
    for unit, answer in done(out, real, asked, executor, say).items() if asked else ():
        found.setdefault(asked[unit]["way"], {})[asked[unit]["who"]] = answer
    pictures = {"five": {**told, "scans": None}}
    pictures |= {} if scans is None else {"real": {**spec, "scans": str(scans.resolve())}}
    drawn = done(out, picture, pictures, executor, say)
    everyone = list(answers.values())
    scores, curves = merged(everyone)
    results: dict[str, Any] = {
        "command": command, "version": __version__, "seed": seed, "anatomy": anatomy,
        "model": {"name": model.name, "sha256": model.sha256, "weights": weights(model),
                  "trained": model.about.get("trained", {}), "data": model.about.get("data", "")},
        "people": [a["name"] for a in everyone], "fitted to": everyone[0]["fitted"],
        "simulated": scores, "told wrong": losses(scores), "curves": curves, "real": found,
    }  # fmt: skip
    figures = {n: (out / a["file"]).read_bytes() for n, a in drawn.items()}
    return page_of(results, model, {**figures, "curves": drawn_curves(curves)}), results


def weights(model: Model) -> int:
    return int(np.sum([p.numel() for p in model.translator.parameters()]))
