"""What the two players of a GAN want: three definitions, each a pair of losses of logits."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Game(ABC):
    """Losses of logits D(.) (n, 1, ...): of the discriminator for real and made, of the generator for made."""

    @abstractmethod
    def discriminator(self, real: Tensor, made: Tensor) -> Tensor: ...

    @abstractmethod
    def generator(self, made: Tensor) -> Tensor: ...


class CrossEntropy(Game):
    """D: -log s(D(y)) - log(1 - s(D(G))), halved;  G: -log s(D(G)). Goodfellow et al. (2014), non-saturating."""

    def discriminator(self, real: Tensor, made: Tensor) -> Tensor:
        return (F.softplus(-real).mean() + F.softplus(made).mean()) / 2

    def generator(self, made: Tensor) -> Tensor:
        return F.softplus(-made).mean()


class LeastSquares(Game):
    """D: ((D(y) - 1)^2 + D(G)^2) / 2;  G: (D(G) - 1)^2. Mao et al., ICCV (2017)."""

    def discriminator(self, real: Tensor, made: Tensor) -> Tensor:
        return ((real - 1).square().mean() + made.square().mean()) / 2

    def generator(self, made: Tensor) -> Tensor:
        return (made - 1).square().mean()


class Hinge(Game):
    """D: max(0, 1 - D(y)) + max(0, 1 + D(G)), halved;  G: -D(G). Lim & Ye (2017)."""

    def discriminator(self, real: Tensor, made: Tensor) -> Tensor:
        return (F.relu(1 - real).mean() + F.relu(1 + made).mean()) / 2

    def generator(self, made: Tensor) -> Tensor:
        return -made.mean()


def gradient_penalty(discriminator: nn.Module, real: Tensor, made: Tensor, rng: torch.Generator) -> Tensor:
    """mean (|grad D(x)| - 1)^2 at x = u y + (1 - u) G, u uniform per image; Gulrajani et al. (2017)."""
    u = torch.rand(len(real), generator=rng, device=rng.device).to(real)[(..., *(None,) * (real.ndim - 1))]
    x = (u * real + (1 - u) * made).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def structure(a: Tensor, b: Tensor) -> Tensor:
    """1 - mean (|<p, q>| + e f)^2 / ((|p|^2 + e^2) (|q|^2 + f^2)),  p = grad a, q = grad b: 0 where edges agree.

    a, b  (n, c, ...) of different contrasts;  e, f  the mean lengths of p and q

    Normalised gradient fields, Haber & Modersitzki, MICCAI (2006).
    """
    p, q = _gradients(a), _gradients(b)
    e, f = p.norm(dim=1).mean(), q.norm(dim=1).mean()
    alike = ((p * q).sum(1).abs() + e * f).square()
    return 1 - (alike / ((p.square().sum(1) + e**2) * (q.square().sum(1) + f**2)).clamp_min(1e-12)).mean()


def _gradients(x: Tensor) -> Tensor:
    """(n, dims, ...) forward differences of the mean over channels, where all exist."""
    x = x.mean(1)
    last = [s - 1 for s in x.shape[1:]]
    found = []
    for axis in range(len(last)):
        step = x.diff(dim=axis + 1)
        found.append(step[(slice(None), *(slice(0, n) for n in last))])
    return torch.stack(found, 1)
