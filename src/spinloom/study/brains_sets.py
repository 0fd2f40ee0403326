"""The sets that are compared: held-out people, training people bent anew, and what each generator makes."""

from __future__ import annotations

from collections.abc import Sequence
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

ANEW = 1_000_003
"""Added to the seed of those who were bent for training: nobody twice."""
NEAR_MM = {2: 2.0, 3: 4.0}
"""Voxels on which neighbours are looked for."""
NEAR_LEVEL_MM = 8.0
Labels = NDArray[np.uint8]


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


def numbered(model: BrainModel, count: int, cut: int) -> list[tuple[int, float | None, None]]:
    """What is asked of a generator: count heads, or count x cut slices at the levels of `real`."""
    if model.plan.dims == 3:
        return [(n, None, None) for n in range(count)]
    levels = np.linspace(*model.plan.levels_mm, cut).tolist()
    return [(n, levels[n % cut], None) for n in range(count * cut)]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a base network learned from: classes on the voxels on which neighbours are looked for, and what of it shows
    usual ventricles: 5th and 95th percentile [cm^2 of slices near a level, mL]."""

    labels: Labels
    ventricles: tuple[float, float]


def learned_from(people: Sequence[Person], model: BrainModel, level_mm: float) -> Seen:
    """Everything, for neighbours; slices within 8 mm of a level, for ventricles."""
    plan, seed = model.plan, model.plan.training.seed
    if plan.dims == 2:
        heads = slices_set(people, plan, seed=seed, bent=plan.bent, cut=plan.cut, say=lambda text: None)
        labels = thinned(heads.data.numpy(), 2, plan.voxel_mm)
        sizes = heads.ventricles[np.abs(heads.levels - level_mm) < NEAR_LEVEL_MM]
        return Seen(labels, _middle(sizes))
    parts, volumes = [], []
    for p in people:
        for n in range(plan.bent):
            fine = sampled(p, draw_deformation(OTHERS, stream(seed, p.name, n)), plan.voxel_mm)
            volumes.append(float((fine == index("ventricles")).sum()) * plan.voxel_mm**3 / 1000)
            parts.append(thinned(centred(fine, plan.size)[None], 3, plan.voxel_mm)[0])
    return Seen(np.stack(parts), _middle(np.array(volumes)))


def _middle(sizes: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(sizes, (0.05, 0.95)) if len(sizes) else (0.0, 1.0)
    return float(low), float(high)


def thinned(labels: Labels, dims: int, voxel_mm: float) -> Labels:
    """(n, ...) on larger voxels, see NEAR_MM."""
    step = max(1, round(NEAR_MM[dims] / voxel_mm))
    return np.stack([voted(one, step) for one in labels])


def voted(labels: Labels, step: int) -> Labels:
    """(x, ...) → (x / step, ...) the most frequent class of each block."""
    cut = labels[tuple(slice(0, n // step * step) for n in labels.shape)]
    blocks = cut.reshape([v for n in cut.shape for v in (n // step, step)])
    axes = tuple(range(1, 2 * labels.ndim, 2))
    votes = [(blocks == k).sum(axes, dtype=np.uint8) for k in range(len(CLASSES))]
    return np.argmax(votes, axis=0).astype(np.uint8)


def _halved(person: Person, bent: Deformation | None, voxel_mm: float) -> Labels:
    """The most frequent class in each voxel, of 8 samples."""
    return voted(sampled(person, bent, voxel_mm / 2), 2)
