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
        ours = [p for p in self.module.state_dict().values() if p.is_floating_point()]
        now = [p for p in module.state_dict().values() if p.is_floating_point()]
        torch._foreach_lerp_(ours, now, 1 - r) if r else torch._foreach_copy_(ours, now)
