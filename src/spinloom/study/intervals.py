"""The study of intervals: do 90 % of voxels lie in them, and how wide must they be?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.version import __version__
from spinloom.evaluation.conformal import subject_quantile
from spinloom.evaluation.statistics import summarise
from spinloom.study.anatomies import anatomies, parted
from spinloom.study.calibrate import Answer, answer_of, calibrate, spread_at
from spinloom.study.intervals_page import page_of
from spinloom.study.people import diseased, lesions_of
from spinloom.study.trust_train import crowd, learned, plan_for
from spinloom.study.write import write_study
from spinloom.train.folder import MODEL
from spinloom.train.heads import Head
from spinloom.train.simulated import Scanning
from spinloom.translate.interval import FILE, Intervals, group_of, write_intervals
from spinloom.translate.model import Model, read_model

SHARES = (12, 5, 6)
"""Of the anatomies: to learn from, to calibrate with, to test on."""
LEVEL = 90
NOISY = Scanning(False, (0.0, 0.3), (0.0, 0.05), (8.0, 12.0))
OTHER = Scanning(True, (0.0, 0.3), (0.0, 0.05), (40.0, 80.0))
BLURRED = Scanning(False, (0.9, 1.2), (0.0, 0.05), (40.0, 80.0))


@dataclass(frozen=True)
class Settings:
    """people, steps   that the first network learns from, and its steps;  spread_people, spread_steps: the second's
    calibrated, tested, shifted   people
    """

    anatomies: int = 9
    people: int = 100
    steps: int = 1100
    spread_people: int = 40
    spread_steps: int = 350
    calibrated: int = 100
    tested: int = 100
    shifted: int = 20
    voxel_mm: float = 2.0
    slices: int = 8
    step: int = 2
    seed: int = 0
    small: bool = False


REDUCED = Settings(3, 3, 6, 3, 3, 19, 3, 1, 4.0, 4, 1, 0, True)
QUESTIONS = ("maps", "translator")


def study(
    labels: Sequence[Path],
    out: Path,
    settings: Settings = Settings(),
    command: str = "spinloom study intervals",
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Learn two models, calibrate their intervals, measure coverage and width on others and beyond; then the page.

    labels  label maps of brains; none: brains drawn from the template

    What was learned already is not learned again; each run's folder holds its intervals then.
    """
    s = settings
    say("anatomies")
    bases = parted(anatomies(labels, s.anatomies, s.seed, s.voxel_mm), s.seed, SHARES)
    results: dict[str, Any] = {
        "command": command, "spinloom": __version__, "settings": vars(s).copy(), "questions": {},
        "anatomies": [[b.name for b in part] for part in bases],
    }  # fmt: skip
    shown = {}
    crowds = {
        part: crowd(among, count, s.seed, part, slices=s.slices, step=s.step)
        for part, among, count in (
            ("spread", bases[0], s.spread_people), ("calibrate", bases[1], s.calibrated), ("test", bases[2], s.tested)
        )
    }  # fmt: skip
    beyond = shifts(bases[2], s)
    for what in QUESTIONS:
        say(f"learning: {what}")
        folder = out / what
        plan = plan_for(what, steps=s.steps, seconds=None, voxel_mm=s.voxel_mm, seed=s.seed, small=s.small)
        if not (folder / MODEL).exists():
            learned(crowd(bases[0], s.people, s.seed), folder, plan)
        model = read_model(folder / MODEL)
        say(f"calibrating: {what}")
        known, constant, others = calibrated(model, crowds["spread"], crowds["calibrate"], s)
        write_intervals(known, folder / FILE)
        say(f"testing: {what}")
        test = [answer_of(model, h, s.seed) for h in crowds["test"]]
        found = measured(model, known, constant, others, test)
        found["shifts"] = {
            name: coverage_of(model, known, [answer_of(model, h, s.seed, how, B0) for h in heads])
            for name, (heads, how, B0) in beyond.items()
        }
        found |= {"groups": list(known.groups), "edges": list(known.edges), "trained": model.about.get("trained")}
        results["questions"][what] = found
        shown[what] = (model, known, test[0])
    write_study(page_of(results, shown), results, out)
    return results


def calibrated(
    model: Model, spread: Sequence[Head], others: Sequence[Head], s: Settings
) -> tuple[Intervals, dict[str, list[float]], list[Answer]]:
    """Intervals, q of a constant width by group, and the answers for those calibrated with."""
    told = (
        f"axial slices of stripped simulated brains at {s.voxel_mm:g} mm, "
        f"{' and '.join(x.contrast for x in model.plan.source)}, {model.plan.training.protocols} protocol"
    )
    learn, tried = ([answer_of(model, h, s.seed) for h in heads] for heads in (spread, others))
    return *calibrate(model, learn, tried, seed=s.seed, steps=s.spread_steps, told=told), tried


def shifts(bases: Sequence[Head], s: Settings) -> dict[str, tuple[list[Head], Scanning | None, float | None]]:
    """People, scanners and fields that nothing was calibrated with."""
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


def measured(
    model: Model, known: Intervals, constant: dict[str, list[float]], others: Sequence[Answer], test: Sequence[Answer]
) -> dict[str, Any]:
    """Coverage and mean width of test subjects by contrast and group, of three kinds of interval: one width for all,
    one per predicted tissue, and s(x) times one number per tissue."""
    s = [spread_at(known.spread, p) for p in test]
    found: dict[str, Any] = {}
    for d, side in enumerate(model.plan.target):
        single = subject_quantile([p.error[d][p.inside] for p in others], LEVEL / 100)
        flat, q = np.asarray(constant[side.contrast]), np.asarray(known.q[side.contrast][str(LEVEL)])
        widths: dict[str, list[np.ndarray]] = {"one width": [], "one width per tissue": [], "s(x)": []}
        groups = [group_of(p.value[0], known.edges) for p in test]
        for n, p in enumerate(test):
            widths["one width"].append(np.full(p.inside.shape, single))
            widths["one width per tissue"].append(flat[groups[n]])
            widths["s(x)"].append(q[groups[n]] * s[n][d])
        tissues: dict[str, list[np.ndarray]] = {"all": [p.inside for p in test]}
        for k, name in enumerate(known.groups):
            tissues[name] = [p.inside & (g == k) for p, g in zip(test, groups, strict=True)]
        found[side.contrast] = {
            kind: {tissue: told(test, d, half, where) for tissue, where in tissues.items()}
            for kind, half in widths.items()
        }
        truly = [p.inside & (p.tissue == 3) for p in test]
        found[side.contrast]["s(x)"]["lesions (true)"] = told(test, d, widths["s(x)"], truly)
    return {"coverage": found}


def told(test: Sequence[Answer], d: int, half: Sequence[np.ndarray], where: Sequence[np.ndarray]) -> dict[str, Any]:
    """Means over subjects: share within, and mean width (twice the half width), with 95 % intervals."""
    within = [float((p.error[d] <= h)[w].mean()) for p, h, w in zip(test, half, where, strict=True) if w.any()]
    wide = [float(2 * h[w].mean()) for h, w in zip(half, where, strict=True) if w.any()]
    c, width = summarise(within), summarise(wide)
    return {
        "coverage": c.mean, "low": finite(c.low), "high": finite(c.high), "subjects": c.n,
        "least": c.least, "width": finite(width.mean),
    }  # fmt: skip


def coverage_of(model: Model, known: Intervals, people: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """Of s(x) times q, by contrast, all tissues."""
    found = {}
    for d, side in enumerate(model.plan.target):
        q = np.asarray(known.q[side.contrast][str(LEVEL)])
        half = [q[group_of(p.value[0], known.edges)] * spread_at(known.spread, p)[d] for p in people]
        found[side.contrast] = told(people, d, half, [p.inside for p in people])
    return found


def finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
