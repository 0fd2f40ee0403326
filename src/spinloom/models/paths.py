"""Paths from image to noise or source:  x_t = a(t) target + b(t) source + s(t) noise,  t in 0 ... 1, in float64.

At t = 0 all are the target (EDM: up to its smallest noise). One table of (a, b, s) is all that tells them apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from spinloom.models.schedules import Cosine, Schedule


@dataclass(frozen=True)
class Path(ABC):
    """abs(t)  (n,) -> three tensors (n,) a, b, s, float64."""

    starts_at_source = False

    @abstractmethod
    def abs(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]: ...

    def fresh(self, now: float, then: float) -> float:
        """Standard deviation of the noise that the ancestral step from `now` to `then` draws anew.

        h = s' / s sqrt(s^2 - (a / a')^2 s'^2)        Song et al., DDIM (2021), eq. 16
        """
        (a, _, s), (a2, _, s2) = self.at(now), self.at(then)
        return s2 / s * max(s**2 - (a / a2) ** 2 * s2**2, 0.0) ** 0.5 if s > 0 else 0.0

    def at(self, t: float) -> tuple[float, float, float]:
        """a, b, s of one time."""
        a, b, s = (float(v) for v in self.abs(torch.tensor([t], dtype=torch.float64)))
        return a, b, s

    def times(self, steps: int) -> Tensor:
        """(steps + 1,) from 1 to 0: where a sampler stops by, evenly spaced."""
        return torch.linspace(1, 0, steps + 1, dtype=torch.float64)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """(n,) times to train at, uniform in 0 ... 1."""
        return torch.rand(n, generator=rng, device=rng.device, dtype=torch.float64)


@dataclass(frozen=True)
class VariancePreserving(Path):
    """a = sqrt(alpha_bar), b = 0, s = sqrt(v (1 - alpha_bar)): DDPM and DDIM. Ho et al. (2020), Song et al. (2021)."""

    schedule: Schedule = field(default_factory=Cosine)

    def abs(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        kept = self.schedule.alpha_bar(t)
        return kept.sqrt(), torch.zeros_like(kept), (self.schedule.noise_variance * (1 - kept)).sqrt()

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        N = self.schedule.steps
        return torch.randint(1, N + 1, (n,), generator=rng, device=rng.device).double() / N


@dataclass(frozen=True)
class FewSteps(VariancePreserving):
    """Fast-DDPM: trained at the very steps at which it is sampled. Jiang et al. (2024).

    stops  the steps, of 1 ... N, rising. `uniform` and `non_uniform` make the published ones
    """

    stops: tuple[int, ...] = ()

    def times(self, steps: int) -> Tensor:
        """(len(stops) + 1,): its own steps; another number is spread over them."""
        own = torch.tensor([*reversed(self.stops), 0], dtype=torch.float64) / self.schedule.steps
        if steps == len(self.stops):
            return own
        return own[torch.linspace(0, len(self.stops), min(steps, len(self.stops)) + 1).round().long()]

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Antithetic: what follows the first n // 2 + 1 mirrors them."""
        k = torch.randint(len(self.stops), (n // 2 + 1,), generator=rng, device=rng.device)
        k = torch.cat((k, len(self.stops) - 1 - k))[:n]
        return torch.tensor(self.stops, dtype=torch.float64, device=rng.device)[k] / self.schedule.steps


def uniform(count: int = 10, steps: int = 1000) -> tuple[int, ...]:
    """The first step and `count` evenly spaced ones: 0, 99, 199 ... 999 of 1000, here counted from 1."""
    return 1, *(n * steps // count for n in range(1, count + 1))


def non_uniform(count: int = 10, steps: int = 1000) -> tuple[int, ...]:
    """Two fifths of them below 0.7 N, the rest above, denser there; for 10 the published ones, here counted from 1."""
    if count == 10:
        known = (0, 199, 399, 599, 699, 799, 849, 899, 949, 999)
        return tuple(round((k + 1) * steps / 1000) for k in known)
    low = round(0.4 * count)
    early = torch.linspace(1, 0.7 * steps, low + 1, dtype=torch.float64)[:-1]
    late = torch.linspace(0.7 * steps, steps, count - low, dtype=torch.float64)
    late[-1] = steps  # noise alone, where sampling begins, also if it is the only one
    return tuple(sorted({round(v) for v in torch.cat((early, late)).tolist()}))


@dataclass(frozen=True)
class VarianceExploding(Path):
    """a = 1, b = 0, s = sigma(t): EDM, Karras et al. (2022).

    sigma(t) = (low^(1/rho) + t (high^(1/rho) - low^(1/rho)))^rho; trained at ln sigma ~ N(mean, sd).
    """

    low: float = 0.002
    high: float = 20.0
    rho: float = 7.0
    mean: float = -1.2
    sd: float = 1.2

    def abs(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        sigma = self.sigma(t)
        return torch.ones_like(sigma), torch.zeros_like(sigma), sigma

    def sigma(self, t: Tensor) -> Tensor:
        low, high = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return (low + t.double() * (high - low)) ** self.rho

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        z = torch.randn(n, generator=rng, device=rng.device, dtype=torch.float64)
        sigma = (self.mean + self.sd * z).exp().clamp(self.low, self.high)
        low, high = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return (sigma ** (1 / self.rho) - low) / (high - low)


@dataclass(frozen=True)
class Flow(Path):
    """a = 1 - t, b = 0, s = t: rectified flow from noise. Liu et al., Lipman et al. (2023)."""

    def abs(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = t.double()
        return 1 - t, torch.zeros_like(t), t


@dataclass(frozen=True)
class Bridge(Path):
    """a = 1 - t, b = t, s = sigma sqrt(t (1 - t)): a Brownian bridge from source to target. Li et al., BBDM (2023)."""

    sigma: float = 0.3
    starts_at_source = True

    def abs(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = t.double()
        return 1 - t, t, self.sigma * (t * (1 - t)).clamp_min(0).sqrt()

    def fresh(self, now: float, then: float) -> float:
        """sigma sqrt(t' (t - t') / t): of a Brownian bridge pinned at its target and at x_t."""
        return float(self.sigma * max(then * (now - then) / now, 0.0) ** 0.5)


@dataclass(frozen=True)
class FromStart(Path):
    """a = 1 - t, b = t, s = sigma t: flow from an image with a little noise on it. Ohayon et al., PMRF (2024)."""

    sigma: float = 0.1
    starts_at_source = True

    def abs(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = t.double()
        return 1 - t, t, self.sigma * t
