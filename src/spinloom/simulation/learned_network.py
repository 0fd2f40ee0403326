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
    """Weights by the names that models.Response has, one set per branch, stacked (see learned_features.BRANCHES).

    about  what they were learned from, for the card. ranges in it: {name: (low, high)} of what it was taught on, see
           learned_range; kinds: [branch, inverted] of the states it was taught on; about others it says nothing
    """

    arrays: Mapping[str, Singles]
    about: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None

    def __post_init__(self) -> None:
        want = {"mean", "spread"} | {f"layers.{i}.{p}" for i in range(self.depth + 1) for p in ("weight", "bias")}
        if set(self.arrays) != want or self.depth < 1 or self.arrays["mean"].ndim != 2:
            raise InputError("the weights are not those of a learned scanner", remedy="Train or fetch them again.")
        branches, size = self.arrays["mean"].shape
        for i in range(self.depth + 1):
            W, b = self.arrays[f"layers.{i}.weight"], self.arrays[f"layers.{i}.bias"]
            if W.ndim != 3 or W.shape[::2] != (branches, size) or b.shape != W.shape[:2]:
                raise InputError(f"the weights of a learned scanner do not fit each other in layer {i}")
            size = b.shape[1]
        if not all(np.isfinite(value).all() for value in self.arrays.values()):
            raise InputError("weights of the learned scanner are not numbers", remedy="Train or fetch them again.")

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return sum(name.endswith(".weight") for name in self.arrays) - 1

    @property
    def weights(self) -> int:
        """Numbers that were learned: what pads a narrower branch is 0."""
        return sum(int(np.count_nonzero(value)) for value in self.arrays.values())

    @property
    def branches(self) -> int:
        return len(self.arrays["mean"])

    @property
    def features(self) -> int:
        return self.arrays["mean"].shape[1]

    def knows(self, kind: tuple[int, bool]) -> bool:
        """Whether it was taught echoes of this kind."""
        return "kinds" not in self.about or list(kind) in self.about["kinds"]

    def of(self, branch: int) -> dict[str, Singles]:
        """The weights of one branch."""
        return {name: value[branch] for name, value in self.arrays.items()}

    def __call__(self, x: NDArray[np.floating], branch: int) -> Singles:
        """(..., features) -> (..., answers)"""
        rows = np.ascontiguousarray(x, np.float32).reshape(-1, self.features)
        own = self.of(branch)
        scale = 1 / own["spread"]
        W: list[NDArray[Any]] = [own[f"layers.{i}.weight"].T for i in range(self.depth + 1)]
        b: list[NDArray[Any]] = [own[f"layers.{i}.bias"] for i in range(self.depth + 1)]
        for i in range(self.depth):  # a narrower network is padded with units that nothing hears
            used = W[i + 1].any(axis=1)
            W[i], b[i], W[i + 1] = W[i][:, used], b[i][used], W[i + 1][used]
        b[0] = b[0] - (own["mean"] * scale) @ W[0]
        W[0] = scale[:, None] * W[0]
        out = np.empty((len(rows), len(b[-1])), np.float32)
        for start in range(0, len(rows), ROWS):
            h = rows[start : start + ROWS]
            for i in range(self.depth):
                h = h @ W[i]
                h += b[i]
                with np.errstate(over="ignore"):  # h / inf is the 0 that it should be
                    damped = np.exp(np.negative(h))
                damped += 1
                h /= damped
            out[start : start + ROWS] = h @ W[-1] + b[-1]
        return out.reshape(*np.shape(x)[:-1], -1)
