"""People → sets of fractions to learn from: every one bent into several others, slices cut at random levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.rng import stream
from spinloom.phantom.classes import CLASSES, index
from spinloom.phantom.deform import Deformation
from spinloom.phantom.variation import draw_deformation
from spinloom.train.people import OTHERS, Person, sampled
from spinloom.translate.brain_plan import BrainPlan

EDGE = 0.6
"""Standard deviation of boundaries on the finest voxels of slices, for partial volume [voxels]."""


@dataclass(frozen=True, eq=False)
class Heads:
    """n samples: classes (n, ...) uint8 on the finest voxels (2 dims) or fractions (n, 11, ...) of 255 (3 dims).

    levels [mm] and ventricles [cm^2 or mL] of each (n,);  names of the people they were made of
    """

    data: Tensor
    levels: np.ndarray
    ventricles: np.ndarray
    names: tuple[str, ...]


def slices_set(
    people: Sequence[Person], plan: BrainPlan, *, seed: int, bent: int, cut: int, say: Callable[[str], None] = print
) -> Heads:
    """cut slices of each of `bent` others made of each person; bent = 0: of the people as they are, evenly spaced."""
    parts, levels, names = [], [], []
    for person, n, deformation in _others(people, seed, bent, say):
        rng = stream(seed, person.name, n, "levels")
        at = np.sort(rng.uniform(*plan.levels_mm, cut)) if bent else np.linspace(*plan.levels_mm, cut)
        parts.append(torch.from_numpy(centred(sampled(person, deformation, plan.voxel_mm, at.tolist()), plan.size)))
        levels.append(at)
        names += [person.name] * cut
    data = torch.cat(parts)
    return Heads(data, np.concatenate(levels), size_of_ventricles(data, plan), tuple(names))


def volumes_set(
    people: Sequence[Person], plan: BrainPlan, *, seed: int, bent: int, coarse: bool = False,
    say: Callable[[str], None] = print,
) -> Heads:  # fmt: skip
    """Whole heads, on the finest voxels or (coarse) on the base's; 8 samples of the map in each voxel or 64."""
    parts, sizes, names = [], [], []
    side = 2**plan.finer if coarse else 1
    step = plan.voxel_mm / (1 if coarse else 2)
    for person, _, deformation in _others(people, seed, bent, say):
        fine = sampled(person, deformation, step)
        fractions = pooled(torch.from_numpy(fine), round(side * plan.voxel_mm / step))
        fractions = torch.from_numpy(centred(fractions.numpy(), tuple(n // side for n in plan.size)))
        parts.append((255 * fractions).round().to(torch.uint8)[None])
        sizes.append(float((fine == index("ventricles")).sum()) * step**3 / 1000)
        names.append(person.name)
    return Heads(torch.cat(parts), np.zeros(len(parts)), np.array(sizes), tuple(names))


def pooled(classes: Tensor, times: int) -> Tensor:
    """(x, y, z) classes → (11, x / times, ...) fractions, class by class."""
    return torch.stack([F.avg_pool3d((classes == k)[None, None].float(), times)[0, 0] for k in range(len(CLASSES))])


def centred(a: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """The last axes cut or filled (by their border) about the middle to a size."""
    for axis, n in zip(range(-len(size), 0), size, strict=True):
        have = a.shape[axis]
        if have < n:
            edges = [(0, 0)] * a.ndim
            edges[axis] = ((n - have) // 2, n - have - (n - have) // 2)
            a = np.pad(a, edges, mode="edge")
        first = max(have - n, 0) // 2
        a = np.take(a, range(first, first + n), axis)
    return np.ascontiguousarray(a)


def size_of_ventricles(classes: Tensor, plan: BrainPlan) -> np.ndarray:
    """(n, x, y) → (n,) area of the ventricles [cm^2]."""
    return (classes == index("ventricles")).flatten(1).sum(1).numpy() * plan.voxel_mm**2 / 100


def softened(classes: Tensor) -> Tensor:
    """(n, x, y) classes → (n, 11, x, y) fractions with boundaries of Gaussian width."""
    hot = F.one_hot(classes.long(), len(CLASSES)).movedim(-1, 1).float()
    w = torch.exp(-0.5 * (torch.arange(-2, 3) / EDGE) ** 2)
    w = (w / w.sum()).expand(len(CLASSES), 1, 1, -1)
    padded = F.pad(hot, (2, 2, 2, 2), mode="replicate")
    return F.conv2d(F.conv2d(padded, w, groups=len(CLASSES)), w.transpose(2, 3), groups=len(CLASSES))


def _others(
    people: Sequence[Person], seed: int, bent: int, say: Callable[[str], None]
) -> Iterator[tuple[Person, int, Deformation | None]]:
    for person in people:
        say(person.name)
        for n in range(max(bent, 1)):
            drawn = draw_deformation(OTHERS, stream(seed, person.name, n)) if bent else None
            yield person, n, drawn
