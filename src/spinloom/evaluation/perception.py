"""How far a set of predictions is from looking like its references, by the project's own features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.evaluation.distributions import frechet_distance, kernel_distance
from spinloom.evaluation.features import NAME, volume_features
from spinloom.evaluation.honest import scale_of, where
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.pointwise import rmse


@dataclass(frozen=True)
class Perception:
    """Distances of all slices of all cases together, by one encoder, and of each case by itself.

    encoder   its name: numbers of different encoders have nothing to do with each other
    slices    of each side
    frechet   NaN where there are too few slices;  kernel  without bias, about 0 for sets that are alike
    paired    mean distance of the features of a slice from those of its own reference, per root of their number
    cases     of each case with two slices or more: RMSE inside the mask (of signal: on the scale of the reference), and
              kernel distance
    """

    encoder: str
    slices: int
    frechet: float
    kernel: float
    paired: float
    cases: Mapping[str, tuple[float, float]]


def perception(pairs: Iterable[Pair]) -> Perception:
    """Of all pairs, each on the scale of its reference.

    Raises InputError if there are fewer than two slices.
    """
    ours, theirs = [], []
    cases: dict[str, tuple[float, float]] = {}
    for pair in pairs:
        mask = where(pair)
        span = max(scale_of(pair, mask), 1e-12)
        shift = 1000.0 if pair.quantity is Quantity.HU else 0.0
        ours.append(volume_features((pair.x + shift) / span, mask, pair.voxel_mm))
        theirs.append(volume_features((pair.y + shift) / span, mask, pair.voxel_mm))
        if len(ours[-1]) > 1:
            error = rmse(pair.x, pair.y, mask) / (span if pair.quantity is Quantity.SIGNAL else 1.0)
            cases[pair.name] = error, kernel_distance(ours[-1], theirs[-1])
    a, b = (np.concatenate(rows) if rows else np.zeros((0, 1)) for rows in (ours, theirs))
    kernel = kernel_distance(a, b)
    try:
        frechet = frechet_distance(a, b)
    except InputError:
        frechet = float("nan")
    paired = float(np.mean(np.sqrt(np.mean((a - b) ** 2, axis=1))))
    return Perception(NAME, len(a), frechet, kernel, paired, cases)
