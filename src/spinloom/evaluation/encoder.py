"""What a user's own network sees: slices → features, named so that numbers of two networks never meet in one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinloom.core.image import Quantity
from spinloom.evaluation.features import LEAST
from spinloom.evaluation.honest import scale_of, where
from spinloom.evaluation.pair import Pair

if TYPE_CHECKING:
    from torch import nn

Slices = NDArray[np.float32]
BATCH = 8
SEEN = (
    "Axial slices that fill 2 % or more of the largest, nose up, zero outside the mask, padded to a square with zeros, "
    "grey in three channels from 0 to 1: signal divided by the 99.5th percentile of the reference in the mask, HU from "
    "-1000 to 1000, other quantities like signal; what lies beyond is cut off, in both images alike."
)


@dataclass(frozen=True, eq=False)
class Encoder:
    """A network with a user's weights.

    name     of architecture and training;  sha256  of the weight file
    frechet, kernel, paired  what its distances are called; paired is "" where it has none
    network  (n, 3, height, width) in [0, 1] → (n, num_features); `distance` of two such where paired has a name
    """

    name: str
    sha256: str
    frechet: str
    kernel: str
    paired: str
    network: nn.Module

    @property
    def key(self) -> str:
        """Under which its numbers stand in tables: another file, another key."""
        return f"{self.name} (sha256 {self.sha256[:12]})"


def slices_of(pair: Pair) -> tuple[Slices, Slices]:
    """Prediction and reference as the encoder sees them, see SEEN: (n, side, side) each, in [0, 1]."""
    mask = where(pair)
    span = max(scale_of(pair, mask), 1e-12)
    shift = 1000.0 if pair.quantity is Quantity.HU else 0.0
    area = mask.sum(axis=(0, 1))
    kept = area > LEAST * area.max()
    short = [max(pair.y.shape[:2]) - n for n in pair.y.shape[:2]]
    edges = [(0, 0), *((s // 2, s - s // 2) for s in short[::-1])]

    def seen(a: NDArray[np.float64]) -> Slices:
        grey = (np.clip((a + shift) / span, 0, 1) * mask)[:, ::-1, kept].T
        return np.pad(grey, edges).astype(np.float32)

    return seen(pair.x), seen(pair.y)


def features_of(slices: Slices, encoder: Encoder) -> NDArray[np.float64]:
    """(n, side, side) → (n, num_features)."""
    import torch

    with torch.inference_mode():
        found = [encoder.network(_coloured(slices[n : n + BATCH])) for n in range(0, len(slices), BATCH)]
    return np.asarray(torch.cat(found).double().numpy())


def distances_of(x: Slices, y: Slices, encoder: Encoder) -> NDArray[np.float64]:
    """Of every slice of x from the same of y: (n,)."""
    import torch

    parts = range(0, len(x), BATCH)
    with torch.inference_mode():
        found = [encoder.network.distance(*(_coloured(a[n : n + BATCH]) for a in (x, y))) for n in parts]
    return np.asarray(torch.cat(found).double().numpy())


def _coloured(slices: Slices) -> object:
    import torch

    return torch.from_numpy(np.ascontiguousarray(slices))[:, None].expand(-1, 3, -1, -1)
