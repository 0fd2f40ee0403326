"""From t = 1 to t = 0 along a path, given an estimate x0 of the target at every step.

With  n = (x - a x0 - b y) / s,  y the start,  one step to (a', b', s') is

    x' = a' x0 + b' y + sqrt(s'^2 - h^2) n + h z,    h = eta path.fresh(t, t')

eta = 0: DDIM, which on straight paths is Euler's step; eta = 1: the ancestral step (of DDPM, of a Brownian bridge).
Song et al., DDIM (2021), eq. 12 and 16.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from spinloom.models.paths import Path
from spinloom.models.translator import normal

Estimate: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""(x_t, t (n,)) -> estimated target"""
SMALL = 1e-8


@dataclass(frozen=True, eq=False)
class Way:
    """What is followed: the path, who estimates, where it starts (None: noise alone), and the source of noise."""

    path: Path
    estimate: Estimate
    start: Tensor | None
    rng: torch.Generator

    def target(self, x: Tensor, t: float) -> Tensor:
        return self.estimate(x, torch.full((len(x),), t, dtype=torch.float64, device=x.device))

    def noise(self, x: Tensor, target: Tensor, t: float) -> Tensor:
        a, _, s = self.path.at(t)
        return (x - a * target - self.source(t)) / s if s > SMALL else torch.zeros_like(x)

    def source(self, t: float) -> Tensor | float:
        return 0.0 if self.start is None else self.path.at(t)[1] * self.start

    def place(self, target: Tensor, noise: Tensor, t: float, eta: float = 0.0, before: float = 1.0) -> Tensor:
        """The point at t; eta of the noise is drawn anew, as for a step from `before`."""
        a, _, s = self.path.at(t)
        h = min(eta * self.path.fresh(before, t), s) if eta and s > SMALL else 0.0
        x = a * target + self.source(t) + (s**2 - h**2) ** 0.5 * noise
        return x + h * normal(x, self.rng) if h else x


@dataclass(frozen=True)
class Sampler(ABC):
    """steps between t = 1 and t = 0."""

    steps: int = 10

    @abstractmethod
    def step(self, way: Way, x: Tensor, now: float, then: float) -> Tensor: ...

    def __call__(self, way: Way, like: Tensor) -> Tensor:
        """like: a tensor of the target's shape. The last step ends at the estimate itself."""
        times = way.path.times(self.steps).tolist()
        x = way.path.at(times[0])[2] * normal(like, way.rng) + way.source(times[0])
        for now, then in pairwise(times[:-1]):
            x = self.step(way, x, now, then)
        return way.target(x, times[-2])


@dataclass(frozen=True)
class DDIM(Sampler):
    """eta  0: no noise is added on the way (DDIM, Euler); 1: as much as ancestral sampling adds."""

    eta: float = 0.0

    def step(self, way: Way, x: Tensor, now: float, then: float) -> Tensor:
        found = way.target(x, now)
        return way.place(found, way.noise(x, found, now), then, self.eta, now)


@dataclass(frozen=True)
class Heun(Sampler):
    """Second order: the slope is the mean of those at both ends of a step.

        d(x / a) / d(s / a) = n,    and where a = 0:   d(x / s) / d(a / s) = x0

    For a = 1 this is Karras et al. (2022), algorithm 1 without churn.
    """

    def step(self, way: Way, x: Tensor, now: float, then: float) -> Tensor:
        found = way.target(x, now)
        noise = way.noise(x, found, now)
        first = way.place(found, noise, then)
        (a, _, s), (a2, _, s2) = way.path.at(now), way.path.at(then)
        if s2 <= SMALL or s <= SMALL:
            return first
        again = way.target(first, then)
        own = x - way.source(now)
        if a > 1e-3:
            slope = (noise + way.noise(first, again, then)) / 2
            moved = a2 * (own / a + (s2 / a2 - s / a) * slope)
        else:
            moved = s2 * (own / s + (a2 / s2 - a / s) * (found + again) / 2)
        return moved + way.source(then)
