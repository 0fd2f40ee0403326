"""Reversible residual blocks: what is needed to go back is computed from the answer instead of being kept.

    y1 = x1 + F(x2),  y2 = x2 + G(y1);      x2 = y2 - G(y1),  x1 = y1 - F(x2)

Gomez et al., NeurIPS (2017). Activations of a chain cost the memory of one block whatever its length.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CONV = {2: nn.Conv2d, 3: nn.Conv3d}


class Reversible(nn.Module):
    """A chain of blocks on (n, channels, ...); channels is even. F and G: norm, act, convolution."""

    def __init__(self, dims: int, channels: int, blocks: int) -> None:
        super().__init__()
        half = channels // 2
        self.parts = nn.ModuleList(nn.ModuleList((Half(dims, half), Half(dims, half))) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """The same numbers, and gradients, as `plain`."""
        if not torch.is_grad_enabled():
            return self.plain(x)
        return _Chain.apply(x, self, *self.parameters())

    def plain(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)
        for f, g in self.parts:
            a = a + f(b)
            b = b + g(a)
        return torch.cat((a, b), 1)

    def inverse(self, y: Tensor) -> Tensor:
        """plain(inverse(y)) = y, up to rounding."""
        a, b = y.chunk(2, 1)
        for f, g in reversed(list(self.parts)):
            b = b - g(a)
            a = a - f(b)
        return torch.cat((a, b), 1)


class Half(nn.Module):
    """norm, SiLU, convolution."""

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.conv = CONV[dims](channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.silu(self.norm(x)))


class _Chain(torch.autograd.Function):
    """Forward without a graph; backward goes through the blocks from the end and rebuilds their inputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, chain: Reversible, *parameters: Tensor) -> Tensor:
        with torch.no_grad():
            y = chain.plain(x)
        ctx.chain = chain
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        chain: Reversible = ctx.chain
        a, b = (v.detach() for v in y.chunk(2, 1))
        da, db = gradients[0].chunk(2, 1)
        found: dict[int, Tensor] = {}
        for f, g in reversed(list(chain.parts)):
            b, da = _back(g, a, b, da, db, found)
            a, db = _back(f, b, a, db, da, found)
        return torch.cat((da, db), 1), None, *(found.get(id(p)) for p in chain.parameters())


def _back(
    part: nn.Module, given: Tensor, made: Tensor, d_given: Tensor, d_made: Tensor, found: dict[int, Tensor]
) -> tuple[Tensor, Tensor]:
    """made = x + part(given): x, and the gradient of `given` with what comes through `part` added."""
    given = given.detach().requires_grad_(True)
    with torch.enable_grad():
        answer = part(given)
    own = list(part.parameters())
    through, *of_parameters = torch.autograd.grad(answer, [given, *own], d_made)
    for p, gradient in zip(own, of_parameters, strict=True):
        found[id(p)] = gradient
    return (made - answer).detach(), d_given + through
