"""The sets that are compared: held-out people, training people bent anew, and what each generator makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.rng import stream
from spinloom.phantom.classes import CLASSES, index
from spinloom.phantom.deform import Deformation
from spinloom.phantom.variation import draw_deformation
from spinloom.train.brain_sets import centred, slices_set, softened
from spinloom.train.people import OTHERS, Person, read_person, sampled
from spinloom.translate.brain_model import BrainModel
from spinloom.translate.brains import one_head

ANEW = 1_000_003
"""Added to the seed of those who were bent for training: nobody twice."""
NEAR_MM = {2: 2.0, 3: 4.0}
"""Voxels on which neighbours are looked for."""
Labels = NDArray[np.uint8]
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Compared:
    """n heads or slices, as classes (n, ...) on the finest voxels;  group (n,) which map or deformation made each."""

    name: str
    labels: Labels
    group: NDArray[np.int64]


def people_of(model: BrainModel, folder: Path) -> tuple[list[Person], list[Person]]:
    """Whom the model learned from, and whom it never saw. Raises InputError if label maps are missing."""
    about: Any = model.about
    names = [about.get("trained", {}).get("label maps", ()), about.get("held out", ())]
    found = []
    for group in names:
        paths = [folder / str(name) for name in group]
        if missing := [p for p in paths if not p.exists()]:
            raise InputError(f"lacks {missing[0].name}, which the model was made with", file=folder)
        found.append([read_person(path) for path in paths])
    if len(found[1]) < 2:
        raise InputError(
            f"'{model.plan.name}' held out {len(found[1])} label maps, two or more are compared",
            remedy="Train with --held 5.",
        )
    return found[0], found[1]


def crisp(classes: Labels) -> Labels:
    """(n, x, y) the largest fraction of each voxel once boundaries are soft, as training saw them."""
    parts = [softened(part).argmax(1).to(torch.uint8) for part in torch.from_numpy(classes).split(32)]
    return torch.cat(parts).numpy()


def real(people: Sequence[Person], model: BrainModel, cut: int, name: str) -> Compared:
    """People as they are: `cut` evenly spaced slices of each, or their whole heads."""
    plan = model.plan
    if plan.dims == 2:
        at = np.linspace(*plan.levels_mm, cut)
        parts = [crisp(centred(sampled(p, None, plan.voxel_mm, at.tolist()), plan.size)) for p in people]
        return Compared(name, np.concatenate(parts), np.repeat(np.arange(len(people)), cut))
    volumes = [centred(_halved(p, None, plan.voxel_mm), plan.size) for p in people]
    return Compared(name, np.stack(volumes), np.arange(len(people)))


def bent_anew(people: Sequence[Person], model: BrainModel, count: int, cut: int) -> Compared:
    """The reference that needs no network: training people under deformations that nobody trained on."""
    plan, seed = model.plan, model.plan.training.seed + ANEW
    parts = []
    for n in range(count):
        person = people[n % len(people)]
        bent = draw_deformation(OTHERS, stream(seed, person.name, n))
        if plan.dims == 2:
            at = np.linspace(*plan.levels_mm, cut)
            parts.append(crisp(centred(sampled(person, bent, plan.voxel_mm, at.tolist()), plan.size)))
        else:
            parts.append(centred(_halved(person, bent, plan.voxel_mm), plan.size)[None])
    return Compared("training maps, bent anew", np.concatenate(parts), np.repeat(np.arange(count), len(parts[0])))


def made(model: BrainModel, count: int, cut: int, seed: int, say: Say) -> Compared:
    """count heads, or count x cut slices at the levels of `real`."""
    plan, parts = model.plan, []
    levels = np.linspace(*plan.levels_mm, cut) if plan.dims == 2 else np.zeros(1)
    for n in range(count * len(levels)):
        level = float(levels[n % len(levels)]) if plan.dims == 2 else None
        fractions, _ = one_head(model, seed, n, level_mm=level)
        parts.append(fractions.argmax(0).astype(np.uint8))
        if n % 20 == 0:
            say(f"{plan.name}: {n + 1} of {count * len(levels)}")
    return Compared(plan.name, np.stack(parts), np.arange(len(parts)))


def learned_from(people: Sequence[Person], model: BrainModel) -> Labels:
    """Everything the base network saw, on the voxels on which neighbours are looked for."""
    plan = model.plan
    if plan.dims == 2:
        quiet = slices_set(
            people, plan, seed=plan.training.seed, bent=plan.bent, cut=plan.cut, say=lambda text: None
        ).data.numpy()
        return thinned(crisp(quiet), plan.dims, plan.voxel_mm)
    bent = [
        (p, draw_deformation(OTHERS, stream(plan.training.seed, p.name, n))) for p in people for n in range(plan.bent)
    ]
    step = NEAR_MM[3]
    size = tuple(round(n * plan.voxel_mm / step) for n in plan.size)
    return np.stack([centred(sampled(p, d, step), size) for p, d in bent])


def usual_ventricles(people: Sequence[Person], model: BrainModel, level_mm: float) -> tuple[float, float]:
    """Fifth and 95th percentile of their size among training people, bent as in training [cm^2 at a level, mL]."""
    plan, found = model.plan, []
    step, unit = (1.0, 100.0) if plan.dims == 2 else (4.0, 1000.0)
    for p in people:
        for n in range(plan.bent):
            bent = draw_deformation(OTHERS, stream(plan.training.seed, p.name, n))
            labels = sampled(p, bent, step, [level_mm] if plan.dims == 2 else ())
            found.append(float((labels == index("ventricles")).sum()) * step**plan.dims / unit)
    low, high = np.quantile(found, (0.05, 0.95))
    return float(low), float(high)


def thinned(labels: Labels, dims: int, voxel_mm: float) -> Labels:
    """(n, ...) every so many voxels."""
    step = max(1, round(NEAR_MM[dims] / voxel_mm))
    return np.ascontiguousarray(labels[(slice(None), *(slice(step // 2, None, step),) * dims)])


def _halved(person: Person, bent: Deformation | None, voxel_mm: float) -> Labels:
    """The most frequent class in each voxel, of 8 samples."""
    fine = sampled(person, bent, voxel_mm / 2)
    x, y, z = (n // 2 for n in fine.shape)
    blocks = fine.reshape(x, 2, y, 2, z, 2).transpose(0, 2, 4, 1, 3, 5).reshape(x, y, z, 8)
    votes = np.stack([(blocks == k).sum(-1, dtype=np.uint8) for k in range(len(CLASSES))])
    return votes.argmax(0).astype(np.uint8)
