"""Is anything generated a copy? Distances to the nearest of the training set, beside those of people never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError

QUANTILES = (0.0, 0.05, 0.25, 0.5)


@dataclass(frozen=True, eq=False)
class Copies:
    """nearest  (n,) distance of each from its nearest in the training set;  which (n,) that one
    quantiles  at QUANTILES;  copies: how many are nearer than any that cannot be a copy
    """

    nearest: NDArray[np.float64]
    which: NDArray[np.int64]
    quantiles: tuple[float, ...]
    copies: int


def nearest(made: NDArray[np.uint8], train: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of places with another class, to the nearest of the training set as it is or swapped left and right.

        d(a) = min over b of mean [a != b],   places where both are air (0) are not counted

    made (n, x, ...), train (m, x, ...)  classes;  returns  (n,) 0 ... 1, (n,) place in the training set
    """
    if made.shape[1:] != train.shape[1:] or not len(train):
        raise InputError(f"sets of shapes {made.shape} and {train.shape} cannot be compared")
    flat = train.reshape(len(train), -1)
    distance, which = np.empty(len(made)), np.empty(len(made), np.int64)
    for n, one in enumerate(made):
        best = np.inf
        for a in (one.ravel(), one[::-1].ravel()):
            differ = np.count_nonzero(flat != a, axis=1) / np.maximum(np.count_nonzero(flat | a, axis=1), 1)
            k = int(differ.argmin())
            if differ[k] < best:
                best, which[n] = float(differ[k]), k
        distance[n] = best
    return distance, which


def copies(made: NDArray[np.uint8], train: NDArray[np.uint8], least: float) -> Copies:
    """least: smallest distance of somebody never trained on; what is nearer counts as a copy."""
    distance, which = nearest(made, train)
    found = tuple(float(q) for q in np.quantile(distance, QUANTILES))
    return Copies(distance, which, found, int((distance < least).sum()))
