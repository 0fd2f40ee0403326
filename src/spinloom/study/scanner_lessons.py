"""Many lessons, made as units of work and kept in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.errors import InputError
from spinloom.files import atomic
from spinloom.jobs.units import Executor, Json, Unit
from spinloom.simulation.course import Course
from spinloom.simulation.evolution import Spins
from spinloom.study.scanner_lesson import Lesson, lesson

PER_UNIT = 20
COURSE, SPINS = (tuple(f.name for f in fields(kind)) for kind in (Course, Spins))


def unit(spec: Json) -> Json:
    """PER_UNIT lessons into one file, if it is not there; {"file"} says which."""
    file = Path(spec["folder"]) / f"lessons-{spec['seed']}-{spec['first']:05d}.npz"
    if not file.exists():
        made = [lesson(spec["seed"], i) for i in range(spec["first"], spec["first"] + spec["count"])]
        arrays = {f"{i}/{name}": value for i, one in enumerate(made) for name, value in _arrays(one)}
        atomic.write_with(file, lambda out: _save(out, arrays))
    return {"file": str(file)}


def make_lessons(folder: Path, count: int, seed: int, executor: Executor) -> list[Lesson]:
    """Lessons 0 .. count of a seed. Raises InputError where one could not be made."""
    folder.mkdir(parents=True, exist_ok=True)
    firsts = range(0, count, PER_UNIT)
    units = [
        Unit(f"{seed}-{a:05d}", {"folder": str(folder), "seed": seed, "first": a, "count": min(PER_UNIT, count - a)})
        for a in firsts
    ]
    files = []
    for outcome in executor.run(unit, units):
        if outcome.error is not None or outcome.receipt is None:
            raise InputError(f"lessons {outcome.name} could not be made: {outcome.error}")
        files.append(outcome.receipt["file"])
    return [one for file in sorted(files) for one in _read(Path(file))]


def _arrays(one: Lesson) -> Iterator[tuple[str, Any]]:
    yield "family", one.family
    yield "past", one.past
    yield "target", one.target
    for part, names in ((one.course, COURSE), (one.spins, SPINS)):
        yield from ((name, getattr(part, name)) for name in names)


def _save(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as out:
        np.savez(out, **arrays)


def _read(file: Path) -> list[Lesson]:
    with np.load(file, allow_pickle=False) as held:
        count = len({name.split("/")[0] for name in held.files})

        def part(i: int, names: tuple[str, ...]) -> dict[str, Any]:
            return {name: held[f"{i}/{name}"] for name in names}

        return [
            Lesson(
                family=int(held[f"{i}/family"]),
                course=Course(**part(i, COURSE)),
                spins=Spins(**part(i, SPINS)),
                past=held[f"{i}/past"],
                target=held[f"{i}/target"],
            )
            for i in range(count)
        ]
