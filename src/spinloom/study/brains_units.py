"""The unit of work of the study of brains: some heads of one generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from spinloom.jobs.say import say
from spinloom.jobs.units import Executor, Json
from spinloom.study.brains_sets import Labels
from spinloom.study.segmentation_files import one_thread
from spinloom.study.units import FILES, done, read_arrays, write_arrays
from spinloom.translate.brain_model import BrainModel, fetched_brains
from spinloom.translate.brains import one_head

AT_ONCE = {2: 40, 3: 1}
"""Slices, or heads, of one unit: what a kill may cost."""
Ask = tuple[int, float | None, float | None]
"""Number of the head, level of the slice [mm], size of ventricles [cm^2, mL]."""


def generated(
    asked: Mapping[tuple[str, str], Sequence[Ask]], models: Mapping[str, BrainModel], seed: int, out: Path,
    executor: Executor, say: Callable[[str], None],
) -> dict[tuple[str, str], Labels]:  # fmt: skip
    """Classes (n, ...) of what was asked for.

    asked  by model (its name, or its path) and what it is for;  models  by the same name or path
    """
    units: dict[str, Json] = {}
    parts: dict[tuple[str, str], list[str]] = {}
    for (name, use), asks in asked.items():
        model = models[name]
        step = AT_ONCE[model.plan.dims]
        for k in range(0, len(asks), step):
            unit = f"{model.plan.name} {use} {k + 1} to {min(k + step, len(asks))}"
            parts.setdefault((name, use), []).append(unit)
            file = f"sets/{model.plan.name}-{use}-{k:05d}.npz"
            some = [list(a) for a in asks[k : k + step]]
            units[unit] = {"model": name, "sha256": model.sha256, "seed": seed, "asks": some, "file": file}
    answers = done(out, generate, units, executor, say)
    read = {unit: read_arrays(out / answer["file"])["labels"] for unit, answer in answers.items()}
    return {key: np.concatenate([read[unit] for unit in own]) for key, own in parts.items()}


@one_thread()
def generate(spec: Json) -> Json:
    """spec: model, seed, asks, file."""
    model, made = _fetched(spec["model"], spec["sha256"]), []
    for n, (number, level, ventricles) in enumerate(spec["asks"]):
        fractions, _ = one_head(model, spec["seed"], number, level_mm=level, ventricles=ventricles)
        made.append(fractions.argmax(0).astype(np.uint8))
        if n % 10 == 9:
            say(f"{n + 1} of {len(spec['asks'])}")
    write_arrays(Path(spec["out"]) / spec["file"], {"labels": np.stack(made)})
    return {FILES: [spec["file"]], "file": spec["file"]}


@lru_cache(maxsize=2)
def _fetched(name: str, sha256: str) -> BrainModel:
    return fetched_brains(name)
