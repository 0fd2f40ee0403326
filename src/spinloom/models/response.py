"""A small network from numbers without dimension to a correction: what a learned Bloch simulator learns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Response(nn.Module):
    """Fully connected, SiLU between layers, standardised input; says nothing (zeros) before it has learned.

    features  numbers it sees;  answers  numbers it says;  width, depth  of hidden layers
    """

    def __init__(self, features: int, answers: int = 4, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        sizes = [features, *[width] * depth, answers]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(..., features) -> (..., answers)"""
        h = (x - self.mean) / self.spread
        for layer in self.layers[:-1]:
            h = functional.silu(layer(h))
        return self.layers[-1](h)

    def standardise(self, x: Tensor) -> None:
        """Take mean and spread of the features (n, features) as they occur."""
        spread = x.std(0)
        self.mean.copy_(x.mean(0))
        self.spread.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def arrays(self) -> dict[str, Any]:
        """Its weights as numpy arrays of 32 bits, by name."""
        return {name: value.detach().cpu().float().numpy().copy() for name, value in self.state_dict().items()}


def response_of(arrays: Mapping[str, Any]) -> Response:
    """The network whose weights these are."""
    depth = sum(name.endswith(".weight") for name in arrays) - 1
    first, last = arrays["layers.0.weight"], arrays[f"layers.{depth}.weight"]
    made = Response(first.shape[1], last.shape[0], first.shape[0], depth)
    made.load_state_dict({name: torch.as_tensor(value) for name, value in arrays.items()})
    return made.eval()
