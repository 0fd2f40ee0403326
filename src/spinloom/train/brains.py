"""train_brains(): label maps → a run's folder with a generator of heads that nobody has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from spinloom.core.errors import InputError, UsageError
from spinloom.core.rng import stream
from spinloom.core.version import __version__
from spinloom.files import atomic
from spinloom.models.translator import Translator
from spinloom.train.brain_examples import BaseExamples, FineExamples, side_of
from spinloom.train.brain_sets import Heads, slices_set, volumes_set
from spinloom.train.examples import Examples
from spinloom.train.folder import MODEL, PLAN, same_people
from spinloom.train.loop import Progress, run
from spinloom.train.people import Person, label_maps, read_person
from spinloom.translate.brain_build import build_base, build_finer
from spinloom.translate.brain_model import BrainModel, write_brain_model
from spinloom.translate.brain_plan import BrainPlan, read_brain_plan, write_brain_plan
from spinloom.translate.devices import placed
from spinloom.translate.plan import Training

SHARE = 0.3
"""Of the time for the base; the finer networks have the rest in equal parts."""
Say = Callable[[str], None]


def split_people(paths: Sequence[Path], held: int, seed: int) -> tuple[list[Path], list[Path]]:
    """Who is learned from, and who never is: drawn by the seed. Raises UsageError if nobody is left to learn from."""
    if not 0 <= held < len(paths):
        raise UsageError(f"{held} of {len(paths)} label maps cannot be held out", remedy="Lower --held.")
    out = set(stream(seed, "held out").permutation(len(paths))[:held].tolist())
    return [p for n, p in enumerate(paths) if n not in out], [p for n, p in enumerate(paths) if n in out]


def train_brains(
    plan: BrainPlan,
    labels: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    held: int = 5,
    seconds: float = 900.0,
    finer: BrainModel | None = None,
    told: Mapping[str, object] | None = None,
    say: Say = lambda text: None,
) -> BrainModel:
    """Train every network of the plan; the same call again goes on where it stopped, with the same bits.

    labels   folder of whole-head label maps
    held     how many of them are never learned from
    seconds  for all networks together
    finer    a model whose finer networks are taken as they are (of a plan that has the same ones); None: trained too
    told     data, attribution and licence, for the model's file

    The folder then holds plan.json, subjects.json, model.safetensors, and for each network its log and state. Raises
    InputError for folders of other runs, for maps that are no heads, and for divergence.
    """
    if finer is not None and not same_finer(plan, finer.plan):
        raise UsageError("the finer networks of the other model are of another plan", remedy="Same --dims.")
    train, out = split_people(label_maps(labels), held, plan.training.seed)
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    plan = kept(root, plan)
    same_people(root, {"train": [p.name for p in train], "held out": [p.name for p in out]})
    say(f"reading {len(train)} label maps")
    people = [read_person(path) for path in train]
    share = 1.0 if finer is not None or not plan.finer else SHARE
    torch.manual_seed(plan.training.seed)
    heads = base_set(people, plan, say)
    examples = BaseExamples(heads, plan)
    steps: dict[str, dict[str, float]] = {}
    base, steps["base"] = _learned(build_base(plan), examples, plan.training, root / "base", share * seconds, say)
    if plan.dims == 3 and finer is None and plan.finer:
        heads = volumes_set(people, plan, seed=plan.training.seed, bent=min(2, plan.bent), say=say)
    parts: list[Translator] = []
    for n in range(1, plan.finer + 1):
        if finer is not None:
            parts.append(finer.finer[n - 1])
            continue
        torch.manual_seed(plan.finely.seed + n)
        each = (1 - share) * seconds / plan.finer
        fine = FineExamples(heads, plan, n)
        part, steps[f"finer-{n}"] = _learned(
            build_finer(plan, n), fine, batched(plan, n), root / f"finer-{n}", each, say
        )
        parts.append(part)
    about = {"spinloom": __version__, "trained": {"label maps": [p.name for p in train]},
        "training": steps,
        "held out": [p.name for p in out], **dict(told or {})}  # fmt: skip
    model = BrainModel(plan, base, tuple(parts), about)
    write_brain_model(model, root / MODEL)
    return model


def base_set(people: Sequence[Person], plan: BrainPlan, say: Say) -> Heads:
    """What the base learns from."""
    seed = plan.training.seed
    if plan.dims == 2:
        return slices_set(people, plan, seed=seed, bent=plan.bent, cut=plan.cut, say=say)
    return volumes_set(people, plan, seed=seed, bent=plan.bent, coarse=True, say=say)


def same_finer(a: BrainPlan, b: BrainPlan) -> bool:
    """Whether finer networks of one plan are those of another."""
    names = ("dims", "size", "voxel_mm", "finer", "middle", "fine", "fine_steps", "sigma", "levels_mm", "ventricles")
    return all(getattr(a, n) == getattr(b, n) for n in names)


def batched(plan: BrainPlan, n: int) -> Training:
    """The training of a finer network: where its patches are smaller, so many more of them, up to 16."""
    most, own = (side_of(plan, k) for k in (plan.finer, n))
    more = max(1, min(16 // plan.finely.batch, (most // own) ** plan.dims))
    return plan.finely.model_copy(update={"batch": plan.finely.batch * more})


def kept(root: Path, plan: BrainPlan) -> BrainPlan:
    """The plan of the folder's run where there is one.

    Raises InputError if it is another, or if the folder holds something else.
    """
    if not (root / PLAN).exists():
        if any(root.iterdir()):
            raise InputError("is not empty and holds no run", file=root, remedy="Choose another folder.")
        write_brain_plan(plan, root / PLAN)
        return plan
    own = read_brain_plan(root / PLAN)
    a, b = own.model_dump(mode="json"), plan.model_dump(mode="json")
    if fields := [k for k in a if a[k] != b[k]]:
        raise InputError(
            f"holds a run of another plan: {', '.join(fields)} differ", file=root, remedy="Choose another folder."
        )
    return own


def _learned(
    translator: Translator, examples: Examples, training: Training, folder: Path, seconds: float, say: Say
) -> tuple[Translator, dict[str, float]]:
    """One network, trained for so long, and its steps and minutes; how many steps fit is measured once and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "training.json"
    if file.exists():
        training = Training.model_validate_json(file.read_text())
    else:
        training = timed(translator, examples, training, seconds)
        atomic.write_text(file, training.model_dump_json(indent=2) + "\n")

    def watch(progress: Progress, now: Translator) -> None:
        losses = ", ".join(f"{k} {v:.4g}" for k, v in list(progress.losses.items())[:2])
        say(f"{folder.name}: step {progress.step} of {progress.steps}, {progress.left / 60:.1f} min to go: {losses}")

    learned, progress = run(translator, examples, training, folder, watch=watch)
    return learned, {"steps": progress.step, "minutes": round(progress.seconds / 60, 2)}


def timed(translator: Translator, examples: Examples, training: Training, seconds: float) -> Training:
    """The training with as many steps as fit into the time, measured on two of them; a fifth more time at most.

    With `seconds` 0 its steps are as they were.
    """
    if not seconds:
        return training
    rng = torch.Generator().manual_seed(training.seed)

    def once() -> float:
        began = time.monotonic()
        batch = examples.draw(training.batch, rng)
        for player in translator.objectives():
            with torch.autocast("cpu", torch.bfloat16, enabled=training.bf16):
                loss = player.loss(batch, rng)[0]
            loss.backward()
        return time.monotonic() - began

    placed(translator, "cpu").train()
    once()
    each = 1.05 * min(once(), once())
    translator.zero_grad(set_to_none=True)
    steps = max(2, int(seconds / each))
    return training.model_copy(update={"steps": steps, "seconds": 1.2 * seconds, "panel": max(1, steps // 20)})
