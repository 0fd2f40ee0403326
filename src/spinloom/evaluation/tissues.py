"""Errors tissue by tissue, where a label map says which is where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.evaluation.pair import Pair


@dataclass(frozen=True)
class TissueError:
    """Of one label of one case, in the unit of the images.

    voxels   of it that count
    mean     of the reference
    MAE, bias  mean |x - y|, mean (x - y)
    percent  100 bias / mean; NaN where the mean is 0 or the quantity has no zero that means nothing (HU)
    """

    label: int
    voxels: int
    mean: float
    MAE: float
    bias: float
    percent: float


def by_tissue(pair: Pair) -> tuple[TissueError, ...]:
    """One entry for every label above 0, inside the mask if there is one.

    Raises InputError if the pair has no labels.
    """
    if pair.labels is None:
        raise InputError(f"{pair.name}: no label map says which tissue is where", remedy="Give one (--labels).")
    labels = pair.labels if pair.mask is None else np.where(pair.mask, pair.labels, 0)
    found = []
    for label in np.unique(labels[labels > 0]):
        here = labels == label
        x, y = pair.x[here], pair.y[here]
        mean, bias = float(y.mean()), float(np.mean(x - y))
        relative = 100 * bias / mean if mean > 0 and pair.quantity.name != "HU" else float("nan")
        found.append(TissueError(int(label), int(here.sum()), mean, float(np.abs(x - y).mean()), bias, relative))
    return tuple(found)
