"""Pairs of protocols on simulated people: told the truth, told something else, a lookup table, other models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spinloom.evaluation.statistics import compare
from spinloom.simulation.acquisition import Acquisition
from spinloom.study.any_contrast_people import CONTRASTS, PAIRS, Person, made_by, volumes
from spinloom.train.any_contrast import told
from spinloom.train.examples import Volumes
from spinloom.train.score import floors, scored
from spinloom.translate.model import Model

SHOWN = ("PSNR", "SSIM")
OWN, WRONG_TARGET, WRONG_SOURCE = "told right", "told another target", "told another source"
Scores = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]
"""pair → by whom → PSNR, SSIM → person → number"""


def another(pair: tuple[Acquisition, Acquisition], end: int) -> tuple[Acquisition, Acquisition]:
    """The pair with one end told wrong: the next of CONTRASTS, at the same field. 0: the source, 1: the target."""
    usual = list(CONTRASTS.values())
    at = usual.index(replace(pair[end], B0=3.0))
    wrong = replace(usual[(at + 1) % len(usual)], B0=pair[end].B0)
    return (wrong, pair[1]) if end == 0 else (pair[0], wrong)


def scores_of(
    model: Model, others: Mapping[str, Sequence[Model]], people: Sequence[Person], fitted: Sequence[Person], seed: int,
    say: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:  # fmt: skip
    """Scores by pair, by whom, by metric and person (see Scores).

    others  models of one contrast to one, by the pair they make
    fitted  people that the lookup table of each pair is fitted to
    """
    found: dict[str, Any] = {}
    for name, pair in PAIRS.items():
        say(name)
        held = [volumes(p, pair, model.plan, seed) for p in people]
        known = [volumes(p, pair, model.plan, seed) for p in fitted]
        made = {OWN: made_by(model.translator, held, model.plan)}
        for label, end in ((WRONG_TARGET, 1), (WRONG_SOURCE, 0)):
            made[label] = made_by(model.translator, telling(held, another(pair, end)), model.plan)
        made["lookup"] = floors(known, held, model.plan)["lookup"]
        for other in others.get(name, ()):
            made[other.name] = made_by(other.translator, telling(held, None), other.plan)
        found[name] = {who: numbers(parts, held, model) for who, parts in made.items()}
    return found


def telling(held: Sequence[Volumes], pair: tuple[Acquisition, Acquisition] | None) -> list[Volumes]:
    """The same people, with another acquisition told; None: nothing."""
    return [replace(v, told=None if pair is None else told(*pair)) for v in held]


def numbers(made: Sequence[np.ndarray], held: Sequence[Volumes], model: Model) -> dict[str, dict[str, float]]:
    report = scored(made, held, model.plan)[model.plan.target[0].contrast]
    return {metric: report.values("honest", metric) for metric in SHOWN}


def losses(scores: Scores) -> list[tuple[str, float, float | None, float | None]]:
    """(what is told wrong, mean loss of PSNR [dB], its 95 % interval) over people, each the mean over all pairs.

    No interval below three people."""
    rows = []
    for label in (WRONG_TARGET, WRONG_SOURCE):
        own, wrong = (by_person(scores, who) for who in (OWN, label))
        both = compare(own, wrong)
        low, high = (None if np.isnan(v) else float(v) for v in (both.low, both.high))
        rows.append((label, float(np.mean(np.subtract(own, wrong))), low, high))
    return rows


def by_person(scores: Scores, who: str) -> list[float]:
    """Mean PSNR over all pairs, per person."""
    rows = [by[who]["PSNR"] for by in scores.values()]
    return [float(np.mean([r[name] for r in rows])) for name in rows[0]]
