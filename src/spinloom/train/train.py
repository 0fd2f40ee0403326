"""train(): a plan and its data → a run's folder with a trained, scored translator."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spinloom.core.errors import InputError, UsageError
from spinloom.core.version import __version__
from spinloom.evaluation.scores import Report
from spinloom.files import atomic
from spinloom.models.refinement import Refinement
from spinloom.models.regression import Regression
from spinloom.models.translator import Translator
from spinloom.models.unet import UNet
from spinloom.train import ranks
from spinloom.train.board import board
from spinloom.train.examples import Examples, Mixed, Scans, Volumes
from spinloom.train.folder import LEFT_OUT, MODEL, opened, same_people, write_provenance
from spinloom.train.heads import Head
from spinloom.train.loop import Progress, run
from spinloom.train.page import write_page
from spinloom.train.panel import animated, panel, through, write_panel
from spinloom.train.score import answer, floors, oracle, scored
from spinloom.train.segmenter import trained_segmenter
from spinloom.train.simulated import Simulated
from spinloom.translate.build import build
from spinloom.translate.limits import span
from spinloom.translate.model import Model, fit, used_by, write_model
from spinloom.translate.plan import Plan


@dataclass(frozen=True, eq=False)
class Data:
    """What a run learns from and is judged by.

    train, held   prepared subjects; nobody is in both
    heads         phantoms for simulated samples
    made          heads simulated as whole volumes instead, where super-resolution learns from scans too
    seen          what limits.measured says of the training images
    seen_back     the same of the targets, for a family that goes back
    told          origins, licence, attribution, split: for the model's card and provenance
    reference     heads simulated as a whole, for floors to be fitted to where there is no scan
    stream        where samples come from instead of `train`: sets too large for memory
    """

    train: Sequence[Volumes] = ()
    held: Sequence[Volumes] = ()
    heads: Sequence[Head] = ()
    seen: Sequence[Mapping[str, Any]] = ()
    seen_back: Sequence[Mapping[str, Any]] = field(default=(), kw_only=True)
    told: Mapping[str, Any] = field(default_factory=dict)
    reference: Sequence[Volumes] = ()
    stream: Examples | None = None
    made: Sequence[Volumes] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """model; its scores and the floors' by contrast (empty if nobody was held out); where it stopped."""

    model: Model
    scores: Mapping[str, Mapping[str, Report]]
    progress: Progress


def examples_of(data: Data, plan: Plan, device: str | torch.device = "cpu") -> Examples:
    """Scans, simulated samples, or both in the plan's share. Raises InputError if there is nothing to learn from."""
    share = plan.training.simulated
    both = {v.name for v in data.train} & {v.name for v in data.held}
    if both:
        raise InputError(f"{', '.join(sorted(both))}: in training and held out at once", remedy="Split by subject.")
    scans = data.stream or (Scans(data.train, plan) if data.train else None)
    simulates = bool(data.heads or data.made)
    if scans is not None and (not simulates or share <= 0):
        return scans
    if not simulates:
        raise InputError("there is nothing to learn from", remedy="Give scans, or simulated heads.")
    simulated = Scans(data.made, plan) if data.made else Simulated(data.heads, plan, device)
    return simulated if scans is None or share >= 1 else Mixed(scans, simulated, share)


def train(
    plan: Plan,
    data: Data,
    folder: str | os.PathLike[str],
    *,
    device: str = "cpu",
    segmenter: UNet | None = None,
    start: Translator | None = None,
    say: Callable[[Progress], None] = lambda progress: None,
    tell: Callable[[str], None] = lambda what: None,
) -> Run:
    """Train the plan's translator and score it on the subjects held out.

    folder     new, or of a run of the same plan that was interrupted: it goes on where it stopped
    segmenter  for a feature loss; None: trained first if the plan gives such a loss a weight
    start      weights to begin with, of a translator of the same plan; a refinement may begin with its regression
    say        told every `training.panel` steps
    tell       told what it does once the steps are over, which may take minutes

    The folder then holds plan.json, model.safetensors, log.jsonl, left_out.jsonl (if anybody was), panels/,
    training.webp, report.json, report.html, provenance.json. Raises InputError for folders of other runs and for
    divergence.
    """
    with ranks.joined():
        return _trained(plan, data, folder, device, segmenter, start, say, tell)


def _trained(
    plan: Plan, data: Data, folder: str | os.PathLike[str], device: str, segmenter: UNet | None,
    start: Translator | None, say: Callable[[Progress], None], tell: Callable[[str], None],
) -> Run:  # fmt: skip
    examples = examples_of(data, plan, device)
    root = ranks.in_turn(lambda: opened(folder, plan))
    ranks.in_turn(lambda: same_people(root, people_of(data)))
    examples.note_in(root / LEFT_OUT)
    torch.manual_seed(plan.training.seed)
    if plan.settings.get("feature_weight") and segmenter is None:
        segmenter = ranks.in_turn(lambda: _segmenter(plan, data, root, device))
        torch.manual_seed(plan.training.seed)
    translator = build(plan, segmenter)
    if start is not None:
        begin(translator, start)
    shown = [v for v in (*data.held, *data.train) if v.source is not None][:1]

    written = board(root)

    def watch(progress: Progress, now: Translator) -> None:
        picture = None
        for one in shown:
            picture = panel(now, one, plan, f"{one.name}, step {progress.step}")
            write_panel(picture, root / "panels" / f"step-{progress.step:07d}.png")
        written(progress, picture)
        say(progress)

    average, progress = run(translator, examples, plan.training, root, device=device, watch=watch)
    if not ranks.is_first():
        return Run(Model(plan, average, {}), {}, progress)
    scores = judged(average, data, plan, tell)
    about = {
        "spinloom": __version__,
        "trained": {
            "steps": progress.step,
            "seconds": round(progress.seconds, 1),
            "device": device,
            "subjects": [v.name for v in data.train],
            "simulated heads": data.told.get("simulated heads", len(data.heads)),
        },
        "held out": [v.name for v in data.held],
        "range": span(data.seen) if data.seen else {},
        **({"range back": span(data.seen_back)} if data.seen_back else {}),
        "scores": told(scores),
        **data.told,
        "left out": [*data.told.get("left out", ()), *map(list, examples.left_out().items())],
    }
    model = Model(plan, average, about)
    write_model(model, root / MODEL)
    tell("drawing pictures")
    animated(sorted((root / "panels").glob("step-*.png")), root / "training.webp")
    if data.held and data.held[0].source is not None:
        through(answer(average, data.held[0], plan)[0], root / "through.webp")
    atomic.write_json(root / "report.json", about)
    write_provenance(root, {"plan": plan.model_dump(mode="json"), **about})
    write_page(root, plan, about, progress)
    return Run(model, scores, progress)


def begin(translator: Translator, start: Translator) -> None:
    """Take over the weights of `start`; of a refinement, its regression's.

    Raises InputError for weights that do not fit, UsageError for a regression whose answers mean something else.
    """
    if not (isinstance(translator, Refinement) and isinstance(start, Regression)):
        fit(translator, used_by(start), "the model to start from")
        return
    if start.unit != translator.regression.unit:
        raise UsageError(
            f"the model to start from answers in units of {start.unit:g}", remedy=f"Add --set unit={start.unit:g}."
        )
    if start.residual != translator.regression.residual:
        raise UsageError("the model to start from adds to its source", remedy="Both, or none, with --super-resolution.")
    fit(translator.regression, used_by(start), "the model to start from")


def people_of(data: Data) -> dict[str, list[str]]:
    """Who is learned from and who is held out, by name."""
    train = [v.name for v in (*data.train, *data.made)] + [h.name for h in data.heads]
    return {"train": sorted(train), "held out": sorted(v.name for v in data.held)}


def _segmenter(plan: Plan, data: Data, root: Path, device: str) -> UNet:
    if not data.heads:
        raise UsageError("a feature loss needs heads to learn tissues from", remedy="Add --simulated 4.")
    share = 0.15 * (plan.training.seconds or 600.0)
    return trained_segmenter(data.heads, share, root / "segmenter.safetensors", seed=plan.training.seed, device=device)


def judged(
    translator: Translator, data: Data, plan: Plan, tell: Callable[[str], None] = lambda what: None
) -> dict[str, dict[str, Report]]:
    """Reports by who made it ("this", "lookup", "identity", and "tissue-mean" where tissues are known) and contrast;
    empty without paired subjects held out."""
    held = [v for v in data.held if v.source is not None and v.target is not None]
    if not held:
        return {}
    made: dict[str, list[np.ndarray]] = {"this": []}
    for n, v in enumerate(held, 1):
        tell(f"held out {n} of {len(held)}: translating {v.name}")
        made["this"].append(answer(translator, v, plan))
    fitted = [v for v in data.train or data.reference if v.source is not None and v.target is not None]
    if fitted and len(plan.source) == len(plan.target) == 1 and plan.conditions is None:
        tell("fitting the floors")
        made |= floors(fitted, held, plan)
    if all(v.labels is not None for v in held):
        made["tissue-mean"] = oracle(held)
    scores = {}
    for name, parts in made.items():
        tell(f"scoring {len(held)} held out by {name}")
        scores[name] = scored(parts, held, plan)
    return scores


def told(scores: Mapping[str, Mapping[str, Report]]) -> dict[str, Any]:
    """Means over subjects, and each subject's numbers, for JSON."""
    return {
        who: {
            contrast: {
                column.name: {"mean": report.summary(p, column.name).mean, **report.values(p, column.name)}
                for p, column in report.metrics()
                if all(np.isfinite(v) for v in report.values(p, column.name).values())
            }
            for contrast, report in reports.items()
        }
        for who, reports in scores.items()
    }
