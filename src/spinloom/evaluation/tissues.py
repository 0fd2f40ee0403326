"""Errors tissue by tissue, where a label map says which is where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.evaluation.pair import Pair


@dataclass(frozen=True)
class TissueError:
    """Of one label of one case, in the unit of the images.

    voxels   of it that count
    mean     of the reference
    MAE, bias  mean |x - y|, mean (x - y)
    MAE_percent, bias_percent  the same times 100 / mean; NaN where the mean is 0, and for HU, whose zero is water
    """

    label: int
    voxels: int
    mean: float
    MAE: float
    bias: float
    MAE_percent: float
    bias_percent: float


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
        mean, MAE, bias = float(y.mean()), float(np.abs(x - y).mean()), float(np.mean(x - y))
        percent = 100 / mean if mean > 0 and pair.quantity is not Quantity.HU else float("nan")
        found.append(TissueError(int(label), len(y), mean, MAE, bias, percent * MAE, percent * bias))
    return tuple(found)
