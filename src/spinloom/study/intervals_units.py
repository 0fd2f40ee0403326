"""The units of work of the study of intervals: one of its questions, from learning to the numbers and the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from spinloom.files import atomic
from spinloom.files.hashes import sha256_file
from spinloom.jobs.say import say
from spinloom.jobs.units import Json
from spinloom.study.anatomies import anatomies, parted
from spinloom.study.calibrate import answer_of, calibrate
from spinloom.study.intervals_measured import coverage_of, finite, measured
from spinloom.study.intervals_picture import picture
from spinloom.study.people import diseased, lesions_of
from spinloom.study.segmentation_files import one_thread
from spinloom.study.trust_train import crowd, learned, origin_of, plan_for
from spinloom.study.units import FILES
from spinloom.train.folder import MODEL
from spinloom.train.heads import Head
from spinloom.train.simulated import Scanning
from spinloom.translate.interval import FILE, write_intervals
from spinloom.translate.model import read_model
from spinloom.translate.plan import Plan

SHARES = (12, 5, 6)
"""Of the anatomies: to learn from, to calibrate with, to test on."""
NOISY = Scanning(False, (0.0, 0.3), (0.0, 0.05), (8.0, 12.0))
OTHER = Scanning(True, (0.0, 0.3), (0.0, 0.05), (40.0, 80.0))
BLURRED = Scanning(False, (0.9, 1.2), (0.0, 0.05), (40.0, 80.0))
PICTURE = "one.webp"
People = list[Head]


@dataclass(frozen=True)
class Settings:
    """people, steps   that the first network learns from, and its steps;  spread_people, spread_steps: the second's
    calibrated, tested, shifted   people
    """

    anatomies: int = 9
    people: int = 100
    steps: int = 1100
    spread_people: int = 150
    spread_steps: int = 2400
    calibrated: int = 100
    tested: int = 100
    shifted: int = 20
    voxel_mm: float = 2.0
    slices: int = 8
    step: int = 2
    seed: int = 0
    small: bool = False


REDUCED = Settings(3, 3, 6, 3, 3, 19, 3, 1, 4.0, 4, 1, 0, True)


def spec_of(what: str, labels: Sequence[Path], s: Settings) -> Json:
    """What a unit is told: label maps by their contents, too."""
    return {"what": what, "labels": [[str(p.resolve()), sha256_file(p)] for p in labels], "settings": vars(s).copy()}


def question(spec: Json) -> Json:
    """spec: as of spec_of, and out. The run of the first network lies in out/what, where it is found and gone on with,
    and its intervals beside it then; the answer is what was measured."""
    s, what, folder = Settings(**spec["settings"]), spec["what"], Path(spec["out"]) / spec["what"]
    labels = tuple(path for path, _ in spec["labels"])
    plan = plan_for(what, steps=s.steps, seconds=None, voxel_mm=s.voxel_mm, seed=s.seed, small=s.small)

    def people() -> tuple[People, list[str]]:
        bases = bases_of(labels, s)[0]
        return crowd(bases, s.people, s.seed), [b.name for b in bases]

    learned(
        people, folder, plan,
        origin_of(spec["labels"], s.anatomies, s.people), lambda now: say(f"step {now.step} of {now.steps}"),
    )  # fmt: skip
    with one_thread():
        return _calibrated(folder, labels, s)


def _calibrated(folder: Path, labels: tuple[str, ...], s: Settings) -> Json:
    model = read_model(folder / MODEL)
    crowds = crowds_of(labels, s)
    say("calibrating")
    learn, others = ([answer_of(model, h, s.seed) for h in crowds[part]] for part in ("spread", "calibrate"))
    known, constant = calibrate(
        model, learn, others, seed=s.seed, steps=s.spread_steps, told=scans_of(model.plan, s.voxel_mm)
    )
    del learn
    write_intervals(known, folder / FILE)
    say("testing")
    test = [answer_of(model, h, s.seed) for h in crowds["test"]]
    atomic.write_bytes(folder / PICTURE, picture(model, known, test[0]))
    shifted = {
        name: coverage_of(model, known, [answer_of(model, h, s.seed, how, B0) for h in heads])
        for name, (heads, how, B0) in shifts(labels, s).items()
    }
    q = {c: {n: [finite(v) for v in each] for n, each in levels.items()} for c, levels in known.q.items()}
    return {
        FILES: [f"{folder.name}/{n}" for n in (MODEL, FILE, PICTURE)],
        "coverage": measured(model, known, constant, others, test), "shifts": shifted, "q": q,
        "groups": list(known.groups), "edges": list(known.edges), "trained": model.about.get("trained"),
    }  # fmt: skip


def scans_of(plan: Plan, voxel_mm: float) -> str:
    """What intervals hold for."""
    return (
        f"axial slices of stripped simulated brains at {voxel_mm:g} mm, "
        f"{' and '.join(x.contrast for x in plan.source)}, {plan.training.protocols} protocol"
    )


@lru_cache(maxsize=1)
def bases_of(labels: tuple[str, ...], s: Settings) -> list[People]:
    """Anatomies to learn from, to calibrate with, to test on: nobody is in two parts."""
    return parted(anatomies([Path(p) for p in labels], s.anatomies, s.seed, s.voxel_mm), s.seed, SHARES)


@lru_cache(maxsize=1)
def crowds_of(labels: tuple[str, ...], s: Settings) -> dict[str, People]:
    """People that the second network learns from, that calibrate, that test."""
    counts = {"spread": s.spread_people, "calibrate": s.calibrated, "test": s.tested}
    return {
        part: crowd(among, counts[part], s.seed, part, slices=s.slices, step=s.step)
        for part, among in zip(counts, bases_of(labels, s), strict=True)
    }


@lru_cache(maxsize=1)
def shifts(labels: tuple[str, ...], s: Settings) -> dict[str, tuple[People, Scanning | None, float | None]]:
    """People, scanners and fields that nothing was calibrated with."""
    bases = bases_of(labels, s)[2]
    same = crowd(bases, s.shifted, s.seed, "shift", slices=s.slices, step=s.step)
    healthy = crowd(bases, s.shifted, s.seed, "large", lesions=0, slices=s.slices, step=s.step)
    large = [diseased(h, lesions_of(h, np.random.default_rng(n), 6, (14.0, 24.0))) for n, h in enumerate(healthy)]
    return {
        "none": (same, None, None),
        "SNR 8 to 12": (same, NOISY, None),
        "another protocol of the same contrast": (same, OTHER, None),
        "blurred by 1 voxel": (same, BLURRED, None),
        "scanned at 1.5 T": (same, None, 1.5),
        "lesions of 14 to 24 mm": (large, None, None),
    }
