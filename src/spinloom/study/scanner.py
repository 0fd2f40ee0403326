"""Study `scanner`: a network that has learned the Bloch equations voxel by voxel, against the equations themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from math import pi
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.version import __version__
from spinloom.files import atomic
from spinloom.io.learned import SHIPPED, read_network, write_network
from spinloom.jobs.units import Executor, Unit
from spinloom.study.scanner_card import card_of
from spinloom.study.scanner_case import Case, run
from spinloom.study.scanner_draws import FAMILIES
from spinloom.study.scanner_fit import Teaching, branches_of, fit, judged
from spinloom.study.scanner_gradient import BRAIN, best, by_bloch, efficiency, gradients
from spinloom.study.scanner_lessons import make_lessons
from spinloom.study.scanner_page import page
from spinloom.study.write import write_study

DEG = pi / 180
CASES = (
    Case("spoiled_gre", {"TE": 6e-3, "TR": 35e-3, "FA": 30 * DEG, "n_dummies": 20}, 201, 96),
    Case("spoiled_gre", {"TE": 5e-3, "TR": 0.18, "FA": 65 * DEG}, 202, 96),
    Case("spin_echo", {"TE": 20e-3, "TR": 0.7}, 203, 96),
    Case("spin_echo", {"TE": 80e-3, "TR": 2.6}, 204, 96),
    Case("inversion_recovery", {"TE": 18e-3, "TR": 3.0, "TI": 0.7}, 205, 96),
    Case("bssfp", {"TR": 5.2e-3, "FA": 40 * DEG, "n_dummies": 60}, 207, 96),
    Case(
        "turbo_spin_echo", {"TE": 88e-3, "TR": 3.2, "ETL": 8, "echo_spacing": 11e-3, "refocus_FA": 150 * DEG}, 209, 96
    ),
    Case("flair", {"TE": 90e-3, "TR": 7.0, "ETL": 8, "echo_spacing": 12e-3}, 211, 64, "unseen"),
    Case("mprage", {"TR": 1.6, "TI": 0.8, "FA": 9 * DEG}, 212, 48, "unseen", 4),
)
TINY = (replace(CASES[2], matrix=16), replace(CASES[-1], matrix=16, layers=2))
POINTS: dict[str, tuple[dict[str, float], tuple[str, ...], dict[str, float]]] = {
    "spoiled_gre": ({"TE": 6e-3, "TR": 60e-3, "FA": 35 * DEG}, ("TE", "TR", "FA"), {"n_dummies": 40}),
    "spin_echo": ({"TE": 30e-3, "TR": 0.8, "FA": 90 * DEG}, ("TE", "TR", "FA"), {}),
    "inversion_recovery": ({"TE": 20e-3, "TR": 3.0, "TI": 0.6}, ("TE", "TR", "TI"), {}),
}
START = {"TE": 4.5e-3, "TR": 40e-3, "FA": 15 * DEG}
ENDS = {"TR": (0.015, 0.39), "FA": (6 * DEG, 79 * DEG)}
FIXED: dict[str, float] = {"TE": 4.5e-3, "bandwidth": 400.0, "n_dummies": 60}
GRID = (4, 4)
ASCENT = 150


@dataclass(frozen=True)
class Training:
    """lessons  how many, of `seed`;  held  more lessons, of seed + 1, to be tried on"""

    lessons: int = 1100
    held: int = 60
    seed: int = 0
    teaching: Teaching = field(default_factory=Teaching)


def teach(out: Path, work: Path, training: Training, executor: Executor, say: Callable[[str], None] = print) -> Path:
    """Make lessons in a folder (those already there are used), teach a network, write it and its card."""
    lessons = make_lessons(work, training.lessons, training.seed, executor)
    held = make_lessons(work, training.held, training.seed + 1, executor)
    say(f"{len(lessons)} lessons; teaching")
    network, history = fit(lessons, training.teaching, say)

    about = {**network.about, "history": history, "held out": judged(network, held), "version": __version__}
    about |= {"families": [f.name for f in FAMILIES], "teaching": asdict(training.teaching)}
    write_network(replace(network, about=about), out)
    atomic.write_text(out.with_suffix(".md"), card_of(read_network(out)))
    return out


def study(
    out: Path, executor: Executor, *, weights: Path | None = None, cases: tuple[Case, ...] = CASES,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Path, ...]:  # fmt: skip
    """Every case by every method, gradients, one protocol improved; the page.

    Raises InputError where a case failed.
    """
    file = SHIPPED if weights is None else weights
    network = read_network(file)
    units = [Unit(c.name, {"case": asdict(c), "weights": str(file), "folder": str(out / "cases")}) for c in cases]
    told = []
    for outcome in executor.run(run, units):
        if outcome.error is not None or outcome.receipt is None:
            raise InputError(f"case {outcome.name} failed: {outcome.error}")
        told.append(outcome.receipt)
        say(f"{outcome.name}: image error {outcome.receipt['scores']['learned']['image']:.4f}")
    told.sort(key=lambda one: [c.name for c in cases].index(one["name"]))
    response = branches_of(network)
    slopes = {name: gradients(response, name, *point) for name, point in POINTS.items()}
    results: dict[str, Any] = {
        "version": __version__,
        "machine": {"cores": os.cpu_count(), "threads of every method": 1},
        "weights": {"sha256": network.sha256, "parameters": network.weights},
        "about": dict(network.about),
        "cases": told,
        "gradients": slopes,
        "protocol": improved(response),
    }
    return write_study(page(results, out / "cases"), results, out)


def improved(response: Any) -> dict[str, Any]:
    """A spoiled gradient echo made better for grey-white contrast per time, and what the Bloch equations say of it."""
    rest = {k: v for k, v in FIXED.items() if k not in START}
    found = best(response, "spoiled_gre", START, ENDS, rest, ASCENT)

    def worth(TR: float, FA: float) -> float:
        TR = round(TR / 1e-5) * 1e-5
        M = by_bloch("spoiled_gre", {"TE": FIXED["TE"], "TR": TR, "FA": FA}, rest, BRAIN)
        return float(efficiency(M, TR))

    every = {
        (float(TR), float(FA)): worth(TR, FA)
        for TR in np.geomspace(*ENDS["TR"], GRID[0])
        for FA in np.linspace(*ENDS["FA"], GRID[1])
    }
    top = max(every, key=lambda key: every[key])
    return {
        "start": {**START, "by Bloch": worth(START["TR"], START["FA"])},
        "found": {**found, "by Bloch": worth(found["TR"], found["FA"])},
        "best of a grid": {"TR": top[0], "FA": top[1], "by Bloch": every[top], "points": len(every)},
    }
