"""Which end of a head is up: its silhouette beside the mean one of the images that were trained on.

A brain is round above and flat below, wide behind and narrow in front: turned by 180 degrees, it is less alike others.
Whole heads differ too much in what is cut off for that (beyond the neck, above the vertex): there nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.masks import Mask

CELLS = 8
"""Along each axis of the tight box around the foreground."""
ALIKE = 0.93
"""Correlation with the mean silhouette, in its best position, from which on an image is judged at all. With two brains
others have 0.86 to 0.97, whole heads 0.79 to 0.92."""
CLEAR = 0.1
"""By how much a turned position must be more alike. Of 28 brains the right one leads by 0.11 to 0.22; none seems turned
where a tenth to a half of it is cut off, and one that is tilted by 25 degrees seems so by less than this."""
TURNED: Mapping[tuple[int, ...], str] = MappingProxyType(
    {(1,): "back to front", (2,): "upside down", (1, 2): "upside down and back to front"}
)
Cells = NDArray[np.float64]


def silhouette(mask: Mask) -> list[int]:
    """Percent of CELLS x CELLS x CELLS parts of the tight box that are filled, left and right taken together; flat,
    (x, y, z) with half as many along x."""
    some = [np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    if not len(some[0]):
        return [0] * (CELLS**3 // 2)
    tight = mask[tuple(slice(s[0], s[-1] + 1) for s in some)].astype(np.float32)
    filled = np.einsum("xyz,ax,by,cz->abc", tight, *map(_parts, tight.shape), optimize=True)
    half = (filled + filled[::-1])[: CELLS // 2] / 2
    return [int(v) for v in np.rint(100 * half).ravel()]


def common(seen: Sequence[Sequence[int]]) -> list[int] | None:
    """The mean silhouette; None if some of them do not say themselves which end is up."""
    mean = np.rint(np.mean(seen, 0)).astype(int).tolist()
    return mean if all(leads(own, mean)[1] > CLEAR for own in seen) else None


def turned(own: Sequence[int], known: Sequence[int]) -> str | None:
    """How an image lies, if it is clearly turned against those that the known silhouette is the mean of."""
    alike, lead, best = leads(own, known)
    return TURNED[best] if best and alike >= ALIKE and lead < -CLEAR else None


def leads(own: Sequence[int], known: Sequence[int]) -> tuple[float, float, tuple[int, ...]]:
    """Correlation in the best position; how much more alike the image is as it lies than turned; the best position."""
    v, mean = (_cells(s) for s in (own, known))
    found = {flip: _correlation(np.flip(v, flip), mean) for flip in ((), *TURNED)}
    best = max(found, key=lambda flip: found[flip])
    return found[best], found[()] - max(found[flip] for flip in TURNED), best


def _cells(flat: ArrayLike) -> Cells:
    return np.asarray(flat, float).reshape(CELLS // 2, CELLS, CELLS)


def _correlation(x: Cells, y: Cells) -> float:
    both = x.std() * y.std()
    return float(np.mean((x - x.mean()) * (y - y.mean())) / both) if both > 0 else 0.0


def _parts(n: int) -> NDArray[np.float32]:
    """(CELLS, n) weights that average n voxels into equal parts; voxels on a border count in both, by their share."""
    edges = np.linspace(0, n, CELLS + 1)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(n)
    share = np.clip(np.minimum(at + 1, high) - np.maximum(at, low), 0, None)
    return np.asarray(share / share.sum(1, keepdims=True), np.float32)
