"""A small decoder: a vector of noise and of conditions → parts of a whole at every place."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spinloom.models.unet import CONV


class Generator(nn.Module):
    """(n, latent + conditions) -> (n, outputs, *size), positive and summing to 1 over outputs (softmax).

    size      of the image: multiples of 2^(levels - 1)
    channels  of the levels, finest first

    Resizing by nearest neighbours and convolution (Odena et al., Distill 2016).
    """

    def __init__(
        self, size: tuple[int, ...], outputs: int, conditions: int, *, latent: int = 64,
        channels: tuple[int, ...] = (32, 64, 96, 128),
    ) -> None:  # fmt: skip
        super().__init__()
        self.latent, dims = latent, len(size)
        self.least = tuple(n // 2 ** (len(channels) - 1) for n in size)
        if any(low < 1 or low * 2 ** (len(channels) - 1) != n for low, n in zip(self.least, size, strict=True)):
            raise ValueError(f"size {size} is no multiple of 2^{len(channels) - 1}")
        conv = CONV[dims]
        self.first = nn.Linear(latent + conditions, channels[-1] * math.prod(self.least))
        self.blocks = nn.ModuleList()
        for before, now in zip((channels[-1], *channels[:0:-1]), channels[::-1], strict=True):
            self.blocks.append(nn.Sequential(
                conv(before, now, 3, padding=1), nn.GroupNorm(8, now), nn.SiLU(),
                conv(now, now, 3, padding=1), nn.GroupNorm(8, now), nn.SiLU(),
            ))  # fmt: skip
        self.last = conv(channels[0], outputs, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z).reshape(len(z), -1, *self.least)
        for n, block in enumerate(self.blocks):
            x = block(F.interpolate(x, scale_factor=2.0, mode="nearest") if n else x)
        return torch.softmax(self.last(x), 1)
