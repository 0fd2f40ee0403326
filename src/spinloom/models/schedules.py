"""How much of the image is left after t of the way to noise: schedules of variance-preserving diffusion.

Each gives alpha_bar at the steps 1 ... N; t = n / N in 0 ... 1, and t = 0 is the clean image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule(ABC):
    """steps N."""

    steps: int = 1000

    @abstractmethod
    def _products(self) -> Tensor:
        """(N,) alpha_bar of the steps 1 ... N, float64."""

    @cached_property
    def table(self) -> Tensor:
        """(N + 1,) alpha_bar of the steps 0 ... N, float64; the first is 1."""
        return torch.cat((torch.ones(1, dtype=torch.float64), self._products()))

    def alpha_bar(self, t: Tensor) -> Tensor:
        """Of t (n,) in 0 ... 1, between the steps linear in log alpha_bar (which never reaches 0)."""
        table = self.table.clamp_min(1e-40).log().to(t.device)
        at = t.double().clamp(0, 1) * self.steps
        low = at.floor().long().clamp(max=self.steps - 1)
        return (table[low] + (at - low) * (table[low + 1] - table[low])).exp()

    @property
    def noise_variance(self) -> float:
        """Variance of the noise at the end: x_t = sqrt(alpha_bar) x_0 + sqrt(v (1 - alpha_bar)) n."""
        return 1.0


@dataclass(frozen=True)
class Linear(Schedule):
    """beta from 1e-4 to 0.02, alpha_bar_n = prod (1 - beta_i). Ho et al. (2020); Fast-DDPM (2024)."""

    first: float = 1e-4
    last: float = 0.02

    def _products(self) -> Tensor:
        return (1 - torch.linspace(self.first, self.last, self.steps, dtype=torch.float64)).cumprod(0)


@dataclass(frozen=True)
class Cosine(Schedule):
    """alpha_bar_n = f(n) / f(0), f(n) = cos^2((n / N + s) / (1 + s) pi / 2), s = 0.008, beta <= 0.999.

    Nichol & Dhariwal, ICML (2021).
    """

    s: float = 0.008

    def _products(self) -> Tensor:
        n = torch.arange(self.steps + 1, dtype=torch.float64) / self.steps
        f = ((n + self.s) / (1 + self.s) * torch.pi / 2).cos().square()
        return (1 - (1 - f[1:] / f[:-1]).clamp(max=0.999)).cumprod(0)


@dataclass(frozen=True)
class Literal(Schedule):
    """As source 1 writes it: alpha_n = cos^2(pi n / 2N), alpha_bar_n = prod alpha_i, variance 0.3 (1 - alpha_bar).

    Kept to show what it does: alpha_bar < 1e-4 from step 223 of 1000, so that three quarters of all steps are noise.
    """

    scale: float = 0.3

    def _products(self) -> Tensor:
        n = torch.arange(1, self.steps + 1, dtype=torch.float64) / self.steps
        return (torch.pi * n / 2).cos().square().clamp_min(1e-300).log().cumsum(0).exp()

    @property
    def noise_variance(self) -> float:
        return self.scale
