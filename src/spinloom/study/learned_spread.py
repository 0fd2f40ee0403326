"""learned_spread(): the second network, which learns how far below and above an answer the truth lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from spinloom.core.rng import stream
from spinloom.models.unet import UNet
from spinloom.translate.interval import LN_S, network
from spinloom.translate.plan import Plan

TAIL = 0.05
"""Share of voxels beyond either end that the two outputs are to have before they are calibrated."""
RATE, LEAST = 3e-3, 64


def learned_spread(
    plan: Plan, given: Sequence[np.ndarray], offsets: Sequence[np.ndarray], inside: Sequence[np.ndarray],
    seed: int, steps: int, batch: int = 8,
) -> UNet:  # fmt: skip
    """ln s- and ln s+ of least  mean over the brain of  pin(e + s-, TAIL) + pin(e - s+, 1 - TAIL),
    pin(u, t) = max(t u, (t - 1) u):  -s- and s+ are quantiles of the offset e then, as far as 0 lies between them.

    given    of each person (sources + targets, x, y, z) scaled sources and answers
    offsets  of each person (targets, x, y, z) truth less answer, scaled;  inside (x, y, z)

    Koenker & Bassett, Econometrica 46:33 (1978).
    """
    torch.manual_seed(seed)
    net, d = network(plan), len(plan.target)
    unit = torch.tensor(np.mean([np.abs(e[:, m]).clip(max=1).mean(1) for e, m in zip(offsets, inside, strict=True)], 0))
    unit = unit.float().clamp_min(1e-6)
    with torch.no_grad():
        last = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)][-1]
        last.weight.mul_(0.1)
        if last.bias is not None:
            last.bias.copy_(torch.log(2 * unit).repeat(2))
    x, e, m = ([torch.from_numpy(v).float() for v in values] for values in (given, offsets, inside))
    places = [(n, k) for n, each in enumerate(m) for k in range(each.shape[2]) if each[..., k].sum() > LEAST]
    size = [max(each.shape[a] for each in m) for a in (0, 1)]
    rng = stream(seed, "spread")
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        chosen = [places[i] for i in rng.integers(len(places), size=batch)]
        one, off, where = (torch.stack([_framed(v[n][..., k], size) for n, k in chosen]) for v in (x, e, m))
        if rng.uniform() < 0.5:
            one, off, where = (torch.flip(v, (-2,)) for v in (one, off, where))
        s = net(one).clamp(*LN_S).exp()
        off = off.clamp(-1, 1)
        loss = pinball(off + s[:, :d], TAIL) + pinball(off - s[:, d:], 1 - TAIL)
        loss = (loss / unit[:, None, None] * where[:, None]).sum() / where.sum() / d
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        fall.step()
    return net.eval()


def pinball(over: Tensor, share: float) -> Tensor:
    """Least in the mean where a share of values lies at or below the guess;  over: value less guess"""
    return torch.maximum(share * over, (share - 1) * over)


def _framed(values: Tensor, size: Sequence[int]) -> Tensor:
    """(..., h, w) with zeros beyond the edges."""
    h, w = values.shape[-2:]
    return torch.nn.functional.pad(values, (0, size[1] - w, 0, size[0] - h))
