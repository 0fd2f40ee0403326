"""calibrate_run(): a run's file → its intervals beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path

from spinloom.core.errors import UsageError
from spinloom.study.anatomies import anatomies, brain_of, parted
from spinloom.study.calibrate import answer_of, calibrate
from spinloom.study.intervals_units import scans_of
from spinloom.study.trust_train import crowd
from spinloom.train.heads import stem
from spinloom.translate.interval import FILE, Intervals, network, write_intervals
from spinloom.translate.model import Model, read_model
from spinloom.translate.shelf import own_folder, shipped_folder

VOXEL_MM = 2.0
SLICES, STEP = 8, 2
APART = 10_000
"""Added to the seeds of training and calibrating, so that nobody is drawn twice."""


def calibrate_run(
    file: Path, labels: Sequence[Path], subjects: int, steps: int, seed: int,
    say: Callable[[str], None] = lambda text: None, count: int = 6,
) -> tuple[Path, dict[str, str]]:  # fmt: skip
    """Learn the second network and q on simulated people; returns the file written, and q at 90 % by contrast.

    labels  maps that the model learned from, by their names, are left out
    count   anatomies drawn from the template where there are no label maps: others than any that training draws

    Raises UsageError for plans that single slices of T1w, T2w ... and maps do not fit, for a model that lies on the
    shelf, among others, and for fewer than two anatomies.
    """
    if file.parent.resolve() in {shipped_folder().resolve(), own_folder().resolve()}:
        raise UsageError(
            f"{file.stem} lies among other models, and its intervals would lie beside them all",
            remedy="Copy it into a folder of its own as model.safetensors, and give that folder.",
        )
    model = read_model(file)
    network(model.plan)
    voxel_mm = model.plan.voxel_mm or VOXEL_MM
    if labels:
        bases = [brain_of(path, voxel_mm) for path in unseen(labels, model, say)]
    else:
        bases = anatomies((), count, APART + model.plan.training.seed + seed, voxel_mm, say)
    parts = parted(bases, seed, (1, 2))
    answers = []
    for part, among, n in (("spread", parts[0], max(8, subjects)), ("calibrate", parts[1], subjects)):
        say(f"{n} people: {part}")
        answers.append([answer_of(model, h, seed) for h in crowd(among, n, seed, part, slices=SLICES, step=STEP)])
    told = scans_of(model.plan, bases[0].voxel_mm)
    known, _ = calibrate(model, *answers, seed=seed, steps=steps, told=told)
    written = write_intervals(known, file.with_name(FILE))
    q = {
        c: ", ".join(f"{g} {v:.3g}" for g, v in zip(known.groups, each["90"], strict=True))
        for c, each in known.q.items()
    }
    for lack in without_end(known):
        say(lack)
    return written, {f"q of {c}": told for c, told in q.items()}


def unseen(labels: Sequence[Path], model: Model, say: Callable[[str], None]) -> list[Path]:
    """Label maps that the model did not learn from, by their names; who is left out is said.

    Raises UsageError for fewer than two.
    """
    split = model.about.get("split")
    trained = split.get("train", ()) if isinstance(split, Mapping) else ()
    names = {*map(str, trained), *map(str, model.about.get("anatomies") or ())}  # type: ignore[call-overload]
    out = [path for path in labels if stem(path) in names]
    if out:
        say(f"left out, for the model learned from them: {', '.join(map(stem, out))}")
    kept = [path for path in labels if path not in out]
    if len(kept) < 2:
        raise UsageError(
            f"{len(kept)} anatomies that the model has not seen cannot both teach and calibrate",
            remedy="Give two label maps or more that it did not learn from.",
        )
    return kept


def without_end(known: Intervals) -> list[str]:
    """Of predicted tissues that too few people hold: a sentence each."""
    return [
        f"{level} % intervals of {contrast} have no end in {group}: too few people hold it, calibrate with more"
        for contrast, levels in known.q.items()
        for level, each in levels.items()
        for group, q in zip(known.groups, each, strict=True)
        if not isfinite(q)
    ]
