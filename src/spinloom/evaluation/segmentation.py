"""The protocol for label maps: Dice and HD95 of every label, and their means."""

from __future__ import annotations

import numpy as np

from spinloom.evaluation.overlap import dice, hd95
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.protocol import Column, Protocol, Scores


def labels_of(pair: Pair) -> list[int]:
    """Labels above 0 in either map."""
    both = np.union1d(np.unique(pair.x), np.unique(pair.y)).astype(int)
    return [int(label) for label in both if label > 0]


def segmentation(pair: Pair) -> Scores:
    """Means over labels: Dice of those in either map; HD95 of those in both (a label that one lacks has none)."""
    labels = labels_of(pair)
    overlaps = [dice(pair.x == label, pair.y == label) for label in labels]
    distances = [hd95(pair.x == label, pair.y == label, pair.voxel_mm) for label in labels]
    near = [d for d in distances if np.isfinite(d)]
    return {
        "Dice": float(np.mean(overlaps)) if overlaps else float("nan"),
        "HD95": float(np.mean(near)) if near else float("nan"),
        "labels missed": float(sum(not np.isfinite(d) for d in distances)),
    }


SEGMENTATION = Protocol(
    "honest",
    "Overlap of label maps",
    (Column("Dice", more=True), Column("HD95", "mm"), Column("labels missed")),
    segmentation,
    "Dice, Ecology 26, 297 (1945); Huttenlocher et al., IEEE Trans. Pattern Anal. Mach. Intell. 15, 850 (1993)",
)
