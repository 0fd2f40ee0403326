"""Layers across a voxel, over which the answer of a learned scanner is averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PER_SLICE, BALANCED, CUT = 10, 6, 1.6
"""Layers across a slice, and of balanced echoes; how many times as many if it is cut by the edges of voxels."""


@dataclass(frozen=True)
class Layers:
    """Layers across a voxel: offsets (L,) from its middle [m], weights (L,) of their mean, thick [m].

    centred: places do not matter, for the whole slice lies in the voxel's middle. Layers are even then, which is exact
    for what ends smoothly inside; else they are the points of Gauss and Legendre, which is so for what is cut
    """

    offsets: Floats
    weights: Floats
    thick: float
    centred: bool = False


def layers(edge: float, width: float, *, whole: bool, balanced: bool) -> Layers:
    """Of a voxel.

    edge   of the voxel along the slice axis [m];  width  of the slice [m]
    whole  all that is excited lies inside the voxel;  balanced  the echoes are
    """
    per_slice = (BALANCED if balanced else PER_SLICE) * (1.0 if whole else CUT)
    n = max(1, int(np.ceil(per_slice * edge / width)))
    if whole:
        return Layers(edge * ((np.arange(n) + 0.5) / n - 0.5), np.full(n, 1 / n), edge / n, centred=True)
    points, weights = np.polynomial.legendre.leggauss(n)
    return Layers(edge / 2 * points, weights / 2, edge / n)
