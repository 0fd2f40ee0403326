"""train(): a plan and its data → a run's folder with a trained, scored translator."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from spinloom.core.errors import UsageError
from spinloom.core.version import __version__
from spinloom.evaluation.scores import Report
from spinloom.files import atomic
from spinloom.models.refinement import Refinement
from spinloom.models.regression import Regression
from spinloom.models.translator import Translator
from spinloom.models.unet import UNet
from spinloom.train import ranks
from spinloom.train.board import board
from spinloom.train.data import Data, examples_of, people_of
from spinloom.train.folder import LEFT_OUT, MODEL, opened, same_people, write_provenance
from spinloom.train.judge import judged, told
from spinloom.train.loop import Progress, run
from spinloom.train.page import write_page
from spinloom.train.panel import animated, panel, through, write_panel
from spinloom.train.score import answer
from spinloom.train.segmenter import trained_segmenter
from spinloom.translate.build import build
from spinloom.translate.limits import span
from spinloom.translate.model import Model, fit, used_by, write_model
from spinloom.translate.plan import Plan


@dataclass(frozen=True, eq=False)
class Run:
    """model; its scores and the floors' by contrast (empty if nobody was held out); where it stopped."""

    model: Model
    scores: Mapping[str, Mapping[str, Report]]
    progress: Progress


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


def _segmenter(plan: Plan, data: Data, root: Path, device: str) -> UNet:
    if not data.heads:
        raise UsageError("a feature loss needs heads to learn tissues from", remedy="Add --simulated 4.")
    share = 0.15 * (plan.training.seconds or 600.0)
    return trained_segmenter(data.heads, share, root / "segmenter.safetensors", seed=plan.training.seed, device=device)
