"""The project's own network: a residual U-Net for two or three dimensions, with or without a time and a condition.

Resizing is interpolation plus convolution (no chequerboard: Odena et al., Distill 2016). The size of the image is free:
it is padded by reflection to a multiple of what the levels need and cut back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spinloom.models.reversible import CONV as CONV
from spinloom.models.reversible import Reversible


@dataclass(frozen=True)
class Shape:
    """dims 2 or 3;  inputs, outputs;  channels of each level;  blocks per level;  time: is there a time input?

    reversible  the encoder's blocks keep no activations: memory for time, and the time input acts in the decoder alone
    condition   how many numbers it is told beside the image; they act as the time does (Perez et al., FiLM, AAAI 2018)
    """

    dims: int = 2
    inputs: int = 1
    outputs: int = 1
    channels: tuple[int, ...] = (32, 64, 128, 128)
    blocks: int = 1
    time: bool = False
    reversible: bool = False
    condition: int = 0


class UNet(nn.Module):
    """Encoder and decoder of residual blocks with skips; Ronneberger et al. (2015), He et al. (2016)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        c, dims = shape.channels, shape.dims
        conv = CONV[dims]
        width = 4 * c[0] if shape.time or shape.condition else 0
        self.time = nn.Sequential(nn.Linear(c[0], width), nn.SiLU(), nn.Linear(width, width)) if shape.time else None
        told = shape.condition
        self.condition = nn.Sequential(nn.Linear(told, width), nn.SiLU(), nn.Linear(width, width)) if told else None
        self.first = conv(shape.inputs, c[0], 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for n, now in enumerate(c):
            kept = nn.ModuleList([Kept(dims, now, shape.blocks)]) if shape.reversible else None
            self.down.append(kept or _blocks(dims, now, now, shape.blocks, width))
            if n + 1 < len(c):
                self.shrink.append(conv(now, c[n + 1], 3, stride=2, padding=1))
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for n in range(len(c) - 2, -1, -1):
            self.grow.append(conv(c[n + 1], c[n], 3, padding=1))
            self.up.append(_blocks(dims, 2 * c[n], c[n], shape.blocks, width))
        self.last = nn.Sequential(_norm(c[0]), nn.SiLU(), conv(c[0], shape.outputs, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """x (n, inputs, ...);  t (n,) in 0 ... 1 where the network has a time;  told (n, condition) where it has a
        condition -> (n, outputs, ...)"""
        size = x.shape[2:]
        x = pad(x, 2 ** (len(self.shape.channels) - 1))
        e = None if self.time is None or t is None else self.time(embedding(t, self.shape.channels[0]))
        if self.condition is not None and told is not None:
            e = self.condition(told) if e is None else e + self.condition(told)
        x = self.first(x)
        kept = []
        for n, blocks in enumerate(self.down):
            for block in blocks:
                x = block(x, e)
            if n < len(self.shrink):
                kept.append(x)
                x = self.shrink[n](x)
        for grow, blocks in zip(self.grow, self.up, strict=True):
            x = grow(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = torch.cat((x, kept.pop()), 1)
            for block in blocks:
                x = block(x, e)
        return self.last(x)[(..., *(slice(0, s) for s in size))]


class Block(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), the second norm scaled and shifted by e of time and condition."""

    def __init__(self, dims: int, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        conv = CONV[dims]
        self.norm1, self.conv1 = _norm(inputs), conv(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = _norm(outputs), conv(outputs, outputs, 3, padding=1)
        self.film = nn.Linear(width, 2 * outputs) if width else None
        self.skip = nn.Identity() if inputs == outputs else conv(inputs, outputs, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, e: Tensor | None) -> Tensor:
        y = self.norm2(self.conv1(F.silu(self.norm1(x))))
        if self.film is not None and e is not None:
            scale, shift = self.film(e)[(..., *(None,) * (x.ndim - 2))].chunk(2, 1)
            y = y * (1 + scale) + shift
        return self.skip(x) + self.conv2(F.silu(y))


class Kept(nn.Module):
    """Reversible blocks where a level of the encoder has residual ones; two of them for one."""

    def __init__(self, dims: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.chain = Reversible(dims, channels, 2 * blocks)

    def forward(self, x: Tensor, e: Tensor | None) -> Tensor:
        return self.chain(x)


def embedding(t: Tensor, width: int) -> Tensor:
    """(n, width) sines and cosines of 1000 t at geometric frequencies; Vaswani et al. (2017)."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device, dtype=torch.float64) / half)
    angle = 1000 * t.double()[:, None] * rates
    return torch.cat((angle.sin(), angle.cos()), 1).float()


def pad(x: Tensor, multiple: int) -> Tensor:
    """x padded at the far ends to multiples, by reflection where the image is large enough, else by its edge."""
    need = [-s % multiple for s in x.shape[2:]]
    mode = "reflect" if all(n < s for n, s in zip(need, x.shape[2:], strict=True)) else "replicate"
    return F.pad(x, [v for n in reversed(need) for v in (0, n)], mode=mode) if any(need) else x


def _blocks(dims: int, inputs: int, outputs: int, count: int, width: int) -> nn.ModuleList:
    return nn.ModuleList(Block(dims, inputs if n == 0 else outputs, outputs, width) for n in range(count))


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(8, channels), channels)
