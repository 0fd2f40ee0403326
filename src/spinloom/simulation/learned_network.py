"""The network of a learned scanner without PyTorch: a few matrix products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError

Singles = NDArray[np.float32]
ROWS = 4096  # worked on at a time, so that they stay in the cache
VERSION = 1


@dataclass(frozen=True, eq=False)
class Network:
    """Weights by the names that models.Response has; about: what they were learned from, for the card.

    ranges in about: {name: (low, high)} of what it was taught on, see learned_range
    """

    arrays: Mapping[str, Singles]
    about: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None

    def __post_init__(self) -> None:
        want = {"mean", "spread"} | {f"layers.{i}.{p}" for i in range(self.depth + 1) for p in ("weight", "bias")}
        if set(self.arrays) != want or self.depth < 1:
            raise InputError("the weights are not those of a learned scanner", remedy="Train or fetch them again.")
        size = len(self.arrays["mean"])
        for i in range(self.depth + 1):
            W, b = self.arrays[f"layers.{i}.weight"], self.arrays[f"layers.{i}.bias"]
            if W.ndim != 2 or W.shape[1] != size or b.shape != (W.shape[0],):
                raise InputError(f"the weights of a learned scanner do not fit each other in layer {i}")
            size = len(b)

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return sum(name.endswith(".weight") for name in self.arrays) - 1

    @property
    def features(self) -> int:
        return len(self.arrays["mean"])

    def __call__(self, x: NDArray[np.floating]) -> Singles:
        """(..., features) -> (..., answers)"""
        rows = np.ascontiguousarray(x, np.float32).reshape(-1, self.features)
        scale = 1 / self.arrays["spread"]
        W: list[NDArray[Any]] = [self.arrays[f"layers.{i}.weight"].T for i in range(self.depth + 1)]
        b: list[NDArray[Any]] = [self.arrays[f"layers.{i}.bias"] for i in range(self.depth + 1)]
        b[0] = b[0] - (self.arrays["mean"] * scale) @ W[0]
        W[0] = scale[:, None] * W[0]
        out = np.empty((len(rows), len(b[-1])), np.float32)
        for start in range(0, len(rows), ROWS):
            h = rows[start : start + ROWS]
            for i in range(self.depth):
                h = h @ W[i]
                h += b[i]
                h /= 1 + np.exp(-np.maximum(h, -80))
            out[start : start + ROWS] = h @ W[-1] + b[-1]
        return out.reshape(*np.shape(x)[:-1], -1)
