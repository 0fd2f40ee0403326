"""What a diffusion network is asked for:  y = p noise + q target, solved for the target with  x = a target + s noise:

target = (s y - p x) / (s q - p a)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Prediction(ABC):
    @abstractmethod
    def pq(self, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]: ...

    def input_scale(self, a: Tensor, s: Tensor) -> Tensor:
        """What x is multiplied by before the network sees it."""
        return torch.ones_like(a)

    def asked(self, target: Tensor, noise: Tensor, a: Tensor, s: Tensor) -> Tensor:
        p, q = self.pq(a, s)
        return p * noise + q * target

    def target(self, y: Tensor, x: Tensor, a: Tensor, s: Tensor) -> Tensor:
        p, q = self.pq(a, s)
        return (s * y - p * x) / (s * q - p * a)


@dataclass(frozen=True)
class Noise(Prediction):
    """y = noise (epsilon); Ho et al. (2020). Weak where a is near 0."""

    def pq(self, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(a), torch.zeros_like(a)


@dataclass(frozen=True)
class Clean(Prediction):
    """y = target (x0)."""

    def pq(self, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(a), torch.ones_like(a)

    def target(self, y: Tensor, x: Tensor, a: Tensor, s: Tensor) -> Tensor:
        return y


@dataclass(frozen=True)
class Velocity(Prediction):
    """y = a noise - s target; Salimans & Ho (2022)."""

    def pq(self, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        return a, -s


@dataclass(frozen=True)
class Drift(Prediction):
    """y = noise - target, the velocity of the straight flow; Lipman et al. (2023)."""

    def pq(self, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(a), -torch.ones_like(a)


@dataclass(frozen=True)
class Preconditioned(Prediction):
    """target = c_skip x + c_out y, x scaled by c_in: EDM, Karras et al. (2022), table 1.

    c_skip = d^2 / (s^2 + d^2), c_out = s d / sqrt(s^2 + d^2), c_in = 1 / sqrt(s^2 + d^2), d = sigma_data.
    """

    sigma_data: float = 0.5

    def pq(self, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        d = self.sigma_data
        skip, out = d**2 / (s**2 + d**2), s * d / (s**2 + d**2).sqrt()
        return -skip * s / out, (1 - skip) / out

    def input_scale(self, a: Tensor, s: Tensor) -> Tensor:
        return 1 / (s**2 + self.sigma_data**2).sqrt()
