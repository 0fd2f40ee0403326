"""A first guess from what a network is told: how bright each class of things is in the source and in the target.

    w_c ~ exp(-(x - S_c)^2 / (2 h^2)),     guess = sum of w_c S'_c,     c = 0: background, S_0 = S'_0 = 0

Brightness is a share of the brightest class, and which that is in an image nobody tells: hence a second guess without
the last class (fat, which a stripped head has not). Both are given to the network, which learns what they lack.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

GUESSES = 2
WIDTH = 0.1
"""h: noise and texture, in shares of the brightest class."""


class Guessed(nn.Module):
    """network((x, guesses), t, told) + the guess without the last class.

    network  takes GUESSES channels more than the source has
    at       channel of x that is looked at
    sources, targets  where in `told` the classes' brightness at either end stands, one each
    scale    what each is multiplied by
    """

    def __init__(
        self, network: nn.Module, at: int, sources: tuple[int, ...], targets: tuple[int, ...], scale: tuple[float, ...]
    ) -> None:
        super().__init__()
        self.network, self.at, self.sources, self.targets = network, at, list(sources), list(targets)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)

    def forward(self, x: Tensor, t: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """x (n, c, ...);  told (n, k) -> (n, 1, ...)"""
        assert told is not None
        source, target = (told[:, where].float() * self.scale for where in (self.sources, self.targets))
        seen = x[:, self.at : self.at + 1].float()
        inner, whole = guess(seen, source[:, :-1], target[:, :-1]), guess(seen, source, target)
        return inner + self.network(torch.cat((x, inner, whole), 1), t, told)  # type: ignore[no-any-return]


def guess(x: Tensor, source: Tensor, target: Tensor, width: float = WIDTH) -> Tensor:
    """x (n, 1, ...) in shares of its brightest; source, target (n, c) brightness of the classes -> (n, 1, ...)."""
    S, S2 = (_shares(v).reshape(*v.shape[:1], -1, *(1,) * (x.dim() - 2)) for v in (source, target))
    w = torch.softmax(-(x - S).square() / (2 * width**2), 1)
    return (w * S2).sum(1, keepdim=True)


def _shares(brightness: Tensor) -> Tensor:
    """(n, c + 1) of the brightest, background first."""
    top = brightness.amax(1, keepdim=True).clamp_min(1e-6)
    return torch.cat((torch.zeros_like(top), brightness / top), 1)
