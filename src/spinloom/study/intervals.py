"""The study of intervals: do 90 % of voxels lie in them, and how wide must they be?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from spinloom.core.version import __version__
from spinloom.jobs.serial import Serial
from spinloom.jobs.units import Executor
from spinloom.study.intervals_page import page_of
from spinloom.study.intervals_units import PICTURE, Settings, bases_of, question, spec_of
from spinloom.study.units import done
from spinloom.study.write import write_study

QUESTIONS = ("maps", "translator")


def study(
    labels: Sequence[Path],
    out: Path,
    settings: Settings,
    command: str = "spinloom study intervals",
    say: Callable[[str], None] = lambda text: None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Learn two models, calibrate their intervals, measure coverage and width on others and beyond; then the page.

    labels    label maps of brains; none: brains drawn from the template
    executor  of the two questions; None: one after the other, in this process

    What was learned already is not learned again; each run's folder holds its intervals then. Raises PartialFailure
    where a question failed, once the other is over.
    """
    bases = bases_of(tuple(str(p.resolve()) for p in labels), settings)
    units = {what: spec_of(what, labels, settings) for what in QUESTIONS}
    found = done(out, question, units, executor or Serial(), say)
    results: dict[str, Any] = {
        "command": command, "spinloom": __version__, "settings": vars(settings).copy(), "questions": found,
        "anatomies": [[b.name for b in part] for part in bases],
    }  # fmt: skip
    pictures = {what: (out / what / PICTURE).read_bytes() for what in found}
    write_study(page_of(results, pictures), results, out)
    return results
