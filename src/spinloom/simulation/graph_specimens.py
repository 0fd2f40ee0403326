"""A few kinds of matter that span an object: on them the graph is grown and the steady state watched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.graph_region import Slab

Floats = NDArray[np.float64]
SPREAD = 10


def specimens(params: NDArray[np.float32], reach: float, slab: Slab) -> Floats:
    """(5, R) of the entries: the extremes of each property, and some spread evenly.

    params  (5, n) T1, T2 [s], B1, off-resonance [Hz], place along the slice axis [m]
    reach   half a voxel along the slice axis, 0 where entries are points of the profile [m]
    """
    ends = [int(i) for p in params for i in (np.argmin(p), np.argmax(p))]
    return np.unique(
        np.concatenate([params[:, ends].astype(float), spread(params, SPREAD, reach, slab)], axis=1), axis=1
    )


def spread(params: NDArray[np.float32], count: int, reach: float, slab: Slab) -> Floats:
    """(5, count) of the entries, spread evenly, and over `reach` [m] to both sides along z where that is not 0."""
    n = params.shape[1]
    some = params[:, np.linspace(0, n - 1, count if reach else min(n, count)).astype(int)].astype(float)
    if reach:
        lo, hi = np.maximum(some[4] - reach, slab.first), np.minimum(some[4] + reach, slab.last)
        some[4] = lo + np.maximum(hi - lo, 0.0) * (np.arange(count) * 0.6180339887498949 % 1.0)
    return some
