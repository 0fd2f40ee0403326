"""How a network is laid over a whole volume: slice by slice in one or more views, or window by window in 3D.

Both are `Apply`s of models.translator: given a network and volumes (1, c, x, y, z) they return one volume. Iterative
samplers call them once per step, so that every step sees one fused estimate of the whole volume: no seams.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from spinloom.models.translator import Network


@dataclass(frozen=True)
class Slices:
    """Slices across each of `views` (0, 1, 2), `stack` neighbours of the source together, the answers averaged.

    batch  slices at once
    """

    views: tuple[int, ...] = (0, 1, 2)
    stack: int = 1
    batch: int = 8

    def __call__(self, network: Network, source: Tensor, *others: Tensor) -> Tensor:
        """The network gets stacks (n, c * stack, h, w) of source (1, c, x, y, z), and (n, d, h, w) of others."""
        total: Tensor | None = None
        for view in self.views:
            stacks = stacked(planes(source, view), self.stack)
            flat = [planes(v, view) for v in others]
            parts = [
                network(stacks[n : n + self.batch], *(v[n : n + self.batch] for v in flat))
                for n in range(0, len(stacks), self.batch)
            ]
            volume = torch.cat(parts).movedim(0, 1).movedim(1, 1 + view)[None].to(source.dtype)
            total = volume if total is None else total + volume
        assert total is not None
        return total / len(self.views)


def planes(volume: Tensor, view: int) -> Tensor:
    """(1, c, x, y, z) -> (n, c, h, w), slices across an axis."""
    return volume[0].movedim(1 + view, 0)


def stacked(slices: Tensor, stack: int) -> Tensor:
    """(n, c, h, w) -> (n, c * stack, h, w): each slice with its neighbours, the outermost repeated at the ends."""
    if stack == 1:
        return slices
    n, half = len(slices), stack // 2
    index = (torch.arange(n)[:, None] + torch.arange(-half, half + 1)).clamp(0, n - 1)
    return slices[index].transpose(1, 2).flatten(1, 2)


@dataclass(frozen=True)
class Windows:
    """Overlapping windows, each weighted by a Gaussian of an eighth of its width about its middle.

    size     of a window (x, y, z) [voxels]
    overlap  share of a window that its neighbour covers too, 0 to below 1
    """

    size: tuple[int, int, int]
    overlap: float = 0.5

    def __call__(self, network: Network, source: Tensor, *others: Tensor) -> Tensor:
        """(1, c, x, y, z) and others (1, d, x, y, z) -> (1, e, x, y, z). A constant answer gives that constant."""
        shape = source.shape[2:]
        size = tuple(min(s, n) for s, n in zip(self.size, shape, strict=True))
        weight = gaussian(size).to(source)
        total: Tensor | None = None
        seen = torch.zeros(shape, dtype=source.dtype, device=source.device)
        for corner in product(*(starts(n, s, self.overlap) for n, s in zip(shape, size, strict=True))):
            at = tuple(slice(c, c + s) for c, s in zip(corner, size, strict=True))
            answer = network(source[(..., *at)], *(v[(..., *at)] for v in others))
            if total is None:
                total = torch.zeros((1, answer.shape[1], *shape), dtype=source.dtype, device=answer.device)
            total[(..., *at)] += answer * weight
            seen[at] += weight
        assert total is not None
        return total / seen


def starts(length: int, size: int, overlap: float) -> list[int]:
    """Where windows begin: evenly spread, none beyond the end, neighbours overlapping at least so much."""
    if length <= size:
        return [0]
    step = max(1, int(size * (1 - overlap)))
    count = -(-(length - size) // step) + 1
    return [round(n * (length - size) / (count - 1)) for n in range(count)]


def gaussian(size: tuple[int, ...]) -> Tensor:
    """(size) exp(-r^2 / 2), r in eighths of the width from the middle, at least 1e-3."""
    weight = torch.ones(())
    for n in size:
        r = (torch.arange(n) - (n - 1) / 2) / max(n / 8, 0.5)
        weight = weight[..., None] * torch.exp(-(r**2) / 2)
    return weight.clamp_min(1e-3)
