"""Sets of heads → batches for the base (conditions → coarse fractions) and for the finer networks (coarse → fine)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.models.translator import Batch
from spinloom.train.brain_sets import Heads, softened
from spinloom.train.examples import Examples
from spinloom.translate.brain_plan import BrainPlan
from spinloom.translate.brains import enlarged, spread, whole

SILENT = 0.3
"""Share of samples whose ventricles are not told, so that nothing need be asked for."""
SHAKEN = 0.04
"""Noise on coarse fractions in training [standard deviation]: what the base makes is not perfect. Ho et al. (2022)."""
WINDOW = 96
"""Side of the patches that finer networks learn from, at most [voxels]; 48 in three dimensions."""


class BaseExamples(Examples):
    """Coarse fractions and what is told of them; left and right swapped half of the time."""

    def __init__(self, heads: Heads, plan: BrainPlan) -> None:
        self.plan, self.heads = plan, heads
        times = 2**plan.finer
        if plan.dims == 3:
            self.coarse = heads.data
        else:
            parts = [F.avg_pool2d(softened(part), times) for part in heads.data.split(64)]
            self.coarse = (255 * torch.cat(parts)).round().to(torch.uint8)

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        which = torch.randint(len(self.coarse), (count,), generator=rng)
        target = mirrored(self.coarse[which].float() / 255, rng)
        told = torch.from_numpy(conditions(self.heads, self.plan, which.tolist()))
        told[torch.rand(count, generator=rng) < SILENT, -2:] = 0
        return Batch(spread(told, target.shape[2:]), whole(target), torch.ones_like(target[:, :1]))


class FineExamples(Examples):
    """Patches of fractions on voxels of one of the finer networks, and the same on voxels twice as large."""

    def __init__(self, heads: Heads, plan: BrainPlan, n: int) -> None:
        self.plan, self.heads, self.n = plan, heads, n
        self.times = 2 ** (plan.finer - n)

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        which = torch.randint(len(self.heads.data), (count,), generator=rng)
        window = side_of(self.plan, self.n)
        fine = torch.stack([self._patch(k, window, rng) for k in which.tolist()])
        fine = mirrored(fine, rng)
        told = torch.from_numpy(conditions(self.heads, self.plan, which.tolist()))
        told[torch.rand(count, generator=rng) < SILENT, -2:] = 0
        pool = F.avg_pool3d if self.plan.dims == 3 else F.avg_pool2d
        coarse = pool(fine, 2)
        strength = SHAKEN * torch.rand((count, *(1,) * (fine.ndim - 1)), generator=rng)
        coarse = whole(coarse + strength * torch.randn(coarse.shape, generator=rng))
        source = torch.cat((enlarged(coarse), spread(told, fine.shape[2:])), 1)
        return Batch(source, fine, torch.ones_like(fine[:, :1]))

    def _patch(self, k: int, window: int, rng: torch.Generator) -> Tensor:
        """(11, window ...) fractions at a random place."""
        corner = [
            2 * int(torch.randint((size - window) // 2 + 1, (1,), generator=rng)) for size in self.plan.coarse(self.n)
        ]
        cut = tuple(slice(c * self.times, (c + window) * self.times) for c in corner)
        if self.plan.dims == 2:
            part = softened(self.heads.data[k][cut][None])
            return F.avg_pool2d(part, self.times)[0] if self.times > 1 else part[0]
        part = self.heads.data[(k, slice(None), *cut)].float()[None] / 255
        return F.avg_pool3d(part, self.times)[0] if self.times > 1 else part[0]


def side_of(plan: BrainPlan, n: int) -> int:
    """Side of the patches that the n-th finer network learns from [voxels]."""
    return min(WINDOW if plan.dims == 2 else WINDOW // 2, *plan.coarse(n))


def conditions(heads: Heads, plan: BrainPlan, which: list[int]) -> np.ndarray:
    """(n, c) what the networks are told of some samples."""
    return np.stack([plan.told(float(heads.levels[k]), float(heads.ventricles[k])) for k in which])


def mirrored(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each of a batch flipped along x (dim 2) with probability one half."""
    flip = torch.rand(len(x), generator=rng) < 0.5
    return torch.where(flip[(..., *(None,) * (x.ndim - 1))], x.flip(2), x)
