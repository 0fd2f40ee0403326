"""Exponential moving average of weights: what is used after training."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """w <- r w + (1 - r) now,  r = min(rate, (1 + n) / (10 + n)) after n steps. Polyak & Juditsky (1992)."""

    def __init__(self, module: nn.Module, rate: float = 0.999) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.rate, self.count = rate, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.count += 1
        r = min(self.rate, (1 + self.count) / (10 + self.count))
        mine, its = self.module.state_dict(), module.state_dict()
        # what a module keeps besides weights (images of a pool, of any number and precision) has no mean
        names = [k for k, p in its.items() if p.is_floating_point() and not k.endswith("_extra_state")]
        ours, now = [mine[k] for k in names], [its[k] for k in names]
        torch._foreach_lerp_(ours, now, 1 - r) if r else torch._foreach_copy_(ours, now)
