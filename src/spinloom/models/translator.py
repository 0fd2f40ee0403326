"""Translator: what every family offers to the training loop and to the one who translates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

Network: TypeAlias = Callable[..., Tensor]
Apply: TypeAlias = Callable[..., Tensor]
"""apply(network, source, *others): the network over whole images. `direct` calls it once; translate's windows and
views call it on parts and fuse the answers, so that an iterative sampler sees one image at every step."""


@dataclass(frozen=True, eq=False)
class Batch:
    """source  (n, c, ...) what goes in
    target  (n, d, ...) what should come out, of the same places (unpaired: of others)
    mask    (n, 1, ...) 1 where it counts
    told    (n, k) what the network is told beside the source, None: nothing
    """

    source: Tensor
    target: Tensor
    mask: Tensor
    told: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        told = None if self.told is None else self.told.to(device)
        return Batch(self.source.to(device), self.target.to(device), self.mask.to(device), told)


@dataclass(frozen=True, eq=False)
class Objective:
    """One player of the training: the parameters it may change, and its loss.

    loss  (batch, rng) -> scalar to be made small and named parts of it for the log
    game  whether it plays against another player;  rate  of learning, times that of the training
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Callable[[Batch, torch.Generator], tuple[Tensor, dict[str, Tensor]]]
    game: bool = False
    rate: float = 1.0


class Translator(nn.Module, ABC):
    """A family: networks and how they learn and answer."""

    @abstractmethod
    def objectives(self) -> tuple[Objective, ...]:
        """The players, in the order in which they step."""

    @abstractmethod
    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        """source (n, c, ...) -> target (n, d, ...). rng: of noise, on the CPU so that all devices draw alike."""


def direct(network: Network, source: Tensor, *others: Tensor) -> Tensor:
    """The network on everything at once."""
    return network(source, *others)


def normal(like: Tensor, rng: torch.Generator, channels: int | None = None) -> Tensor:
    """White noise of the shape of `like` (n, c, ...), drawn where `rng` lives."""
    shape = list(like.shape)
    shape[1] = shape[1] if channels is None else channels
    return torch.randn(shape, generator=rng, device=rng.device, dtype=torch.float32).to(like.device, like.dtype)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the voxels of the mask;  sum(m v) / sum(m) with m repeated for every channel."""
    m = mask.expand_as(values)
    return (values * m).sum() / m.sum().clamp_min(1.0)
