"""What may change in a sample without changing what is right: place and size for all, grey values of sources alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.models.translator import Batch
from spinloom.translate.plan import Plan


def augmented(batch: Batch, plan: Plan, rng: torch.Generator) -> Batch:
    """Mirror, turn (up to 10 degrees) and scale (0.9 to 1.1) all alike; gamma, gain, shading and noise of the sources.

    Signals only: CT numbers and maps keep their grey values, and so do unpaired samples. In three dimensions nothing is
    mirrored or turned.
    """
    n = len(batch.source)
    moved = [batch.source, batch.target, batch.mask]
    if plan.network.dims == 2:
        moved = turned(moved, rng)
    source, target, mask = moved
    source = source.clone()
    for i in range(n):
        for c, side in enumerate(plan.source):
            if side.is_signal and plan.thick is None and plan.paired:
                at = slice(c * plan.network.slices, (c + 1) * plan.network.slices)
                source[i, at] = regraded(source[i, at], rng)
    return Batch(source, target, (mask > 0.5).float(), batch.told)


def turned(tensors: list[Tensor], rng: torch.Generator) -> list[Tensor]:
    """Each sample by one random similarity, linear interpolation, 0 beyond the edge;  tensors (n, c, h, w)."""
    n, _, h, w = tensors[0].shape
    angle = (torch.rand(n, generator=rng) * 2 - 1) * math.radians(10)
    scale = 1 + (torch.rand(n, generator=rng) * 2 - 1) * 0.1
    flip = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    some = torch.rand(n, generator=rng) < 0.7
    angle, scale = torch.where(some, angle, 0.0), torch.where(some, scale, 1.0)
    c, s = angle.cos() * scale, angle.sin() * scale
    zero = torch.zeros(n)
    A = torch.stack((torch.stack((c, -s * h / w, zero), 1), torch.stack((s * w / h, c, zero), 1)), 1)
    A[:, :, 1] *= flip[:, None]
    grid = F.affine_grid(A, [n, 1, h, w], align_corners=False)
    return [F.grid_sample(t, grid.to(t), mode="bilinear", align_corners=False) for t in tensors]


def regraded(x: Tensor, rng: torch.Generator) -> Tensor:
    """gain x^gamma field + noise;  ln gamma ~ N(0, 0.12), ln gain ~ N(0, 0.05);  field about 5 %, noise up to 3 %."""
    z = torch.randn(3, generator=rng)
    gamma, gain = math.exp(0.12 * float(z[0])), math.exp(0.05 * float(z[1]))
    y = gain * x.clamp_min(0) ** gamma
    coarse = torch.randn((1, 1, *(3,) * (x.ndim - 1)), generator=rng) * 0.05
    mode = "bilinear" if x.ndim == 3 else "trilinear"
    field = F.interpolate(coarse, size=x.shape[1:], mode=mode, align_corners=True)[0].to(x)
    level = 0.03 * float(torch.rand((), generator=rng)) ** 2
    noise = torch.randn(x.shape, generator=rng).to(x) * level
    return torch.where(x > 0, y * (1 + field) + noise, y)
