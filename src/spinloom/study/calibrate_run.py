"""calibrate_run(): a run's file → its intervals beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from spinloom.core.errors import UsageError
from spinloom.study.anatomies import anatomies, parted
from spinloom.study.calibrate import answer_of, calibrate
from spinloom.study.intervals_units import scans_of
from spinloom.study.trust_train import crowd
from spinloom.translate.interval import FILE, network, write_intervals
from spinloom.translate.model import read_model

VOXEL_MM = 2.0
SLICES, STEP = 8, 2


def calibrate_run(
    file: Path, labels: Sequence[Path], subjects: int, steps: int, seed: int,
    say: Callable[[str], None] = lambda text: None, count: int = 6,
) -> tuple[Path, dict[str, str]]:  # fmt: skip
    """Learn the second network and q on simulated people; returns the file written, and q at 90 % by contrast.

    count  anatomies drawn from the template where there are no label maps

    Raises UsageError for plans that single slices of T1w, T2w ... and maps do not fit.
    """
    model = read_model(file)
    network(model.plan)
    if len(labels) == 1:
        raise UsageError("one anatomy cannot both teach and calibrate", remedy="Give several label maps.")
    bases = parted(anatomies(labels, count, seed, model.plan.voxel_mm or VOXEL_MM, say), seed, (1, 2))
    answers = []
    for part, among, n in (("spread", bases[0], max(8, subjects)), ("calibrate", bases[1], subjects)):
        say(f"{n} people: {part}")
        answers.append([answer_of(model, h, seed) for h in crowd(among, n, seed, part, slices=SLICES, step=STEP)])
    told = scans_of(model.plan, bases[0][0].voxel_mm)
    known, _ = calibrate(model, *answers, seed=seed, steps=steps, told=told)
    written = write_intervals(known, file.with_name(FILE))
    q = {
        c: ", ".join(f"{g} {v:.3g}" for g, v in zip(known.groups, each["90"], strict=True))
        for c, each in known.q.items()
    }
    return written, {f"q of {c}": told for c, told in q.items()}
