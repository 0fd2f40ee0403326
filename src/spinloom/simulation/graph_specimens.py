"""A few kinds of matter that span an object: on them the graph is grown and the steady state watched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.graph_region import Slab

Floats = NDArray[np.float64]
SPREAD = 10
INSIDE = (0.2, 0.35, 0.5, 0.65, 0.8)
"""Of the slab, which may be several slices: where matter that remembers long is put."""


def specimens(params: NDArray[np.float32], reach: float, slab: Slab) -> Floats:
    """(5, R) of the entries: the extremes of each property, some spread evenly, and what remembers longest in the slab.

    Without the last, the only matter of long T1 and T2 may be taken where no pulse reaches it, and what it remembers of
    many pulses is left out.

    params  (5, n) T1, T2 [s], B1, off-resonance [Hz], place along the slice axis [m]
    reach   half a voxel along the slice axis, 0 where entries are points of the profile [m]
    """
    ends = [int(i) for p in params for i in (np.argmin(p), np.argmax(p))]
    sets = [params[:, ends].astype(float), spread(params, SPREAD, reach, slab)]
    if np.isfinite(slab.first):
        longest = params[:, [int(np.argmax(p)) for p in params[:2]]].astype(float)
        for share in INSIDE:
            inside = longest.copy()
            place = slab.first + share * (slab.last - slab.first)
            inside[4] = np.clip(place, params[4].min() - reach, params[4].max() + reach)
            sets.append(inside)
    return np.unique(np.concatenate(sets, axis=1), axis=1)


def spread(params: NDArray[np.float32], count: int, reach: float, slab: Slab) -> Floats:
    """(5, count) of the entries, spread evenly, and over `reach` [m] to both sides along z where that is not 0."""
    n = params.shape[1]
    some = params[:, np.linspace(0, n - 1, count if reach else min(n, count)).astype(int)].astype(float)
    if reach:
        lo, hi = np.maximum(some[4] - reach, slab.first), np.minimum(some[4] + reach, slab.last)
        some[4] = lo + np.maximum(hi - lo, 0.0) * (np.arange(count) * 0.6180339887498949 % 1.0)
    return some
