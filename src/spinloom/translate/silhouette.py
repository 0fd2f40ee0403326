"""How a head or brain lies, by its silhouette: which of the 24 ways to name its axes is right.

A small network gives each position of the silhouette one number; they and a constant, for what is neither a head nor
a brain or too little of one, become probabilities. It saw 18 heads and their brains, cut, tilted and bitten into, and
halves, slabs and solids (benchmarks/silhouettes.py); their label maps: Billot et al., SynthSeg, Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import permutations, product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from spinloom.core.masks import Mask, filled, union

Cells = NDArray[np.float32]
PART_MM = 5.0
"""Side of the parts of which a silhouette is made."""
CELLS = 16
"""Along each axis of a silhouette."""
WIDE = 0.125
"""Side of a cell, where the side of a cube of the same volume as the head is 1."""
SURE = 0.7
"""Probability from which on it is said how a head lies. Of eight scans not learned from the right one has 0.70 to 0.99;
wrongly turned seem heads cut off in front or behind (3 of 40) and what is tilted by 45 degrees (3 of 48), none that is
tilted by up to 30, halved between left and right, or has a hole of 60 mm."""
LONG_MM = 135.0
"""From the back to the front of a brain, at least: what would be shorter may be cut off, and nothing is said of it."""
UPRIGHT = "upright"
POSITIONS = tuple((axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=2))
"""Which axes run along left-right, back-front and foot-head; whether the last two run backwards."""


def lies(mask: Mask, voxel_mm: ArrayLike) -> str:
    """How the mask (x, y, z) of a head or brain lies that should lie as RAS: UPRIGHT, how else, or "" if unclear."""
    chance: dict[str, float] = {}
    p_each = chances(silhouette(mask, voxel_mm))[:-1]
    along = POSITIONS[int(np.argmax(p_each))][0][1]
    some = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != along)))
    if not len(some) or np.ptp(some) * np.asarray(voxel_mm, float)[along] < LONG_MM:
        return ""
    for position, p in zip(POSITIONS, p_each, strict=True):
        chance[_said(*position)] = chance.get(_said(*position), 0.0) + float(p)
    best = max(chance, key=lambda how: chance[how])
    return best if chance[best] >= SURE else ""


def chances(cells: Cells) -> NDArray[np.float64]:
    """Probability of each of POSITIONS, and that nothing can be said: softmax of w relu(V v + b) and a constant."""
    net = _network()
    hidden = np.maximum((positions(cells) - net["mean"]) @ net["V"] + net["b"], 0)
    z = np.append(hidden @ net["w"], net["nothing"]).astype(float)
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum())


def positions(cells: Cells) -> Cells:
    """(24, CELLS^3 / 2) a silhouette in each of POSITIONS, left and right taken together."""
    found = []
    for axes, flips in POSITIONS:
        v = np.flip(np.transpose(cells, axes), tuple(a + 1 for a in range(2) if flips[a]))
        found.append(((v + v[::-1])[: CELLS // 2] / 2).ravel())
    return np.stack(found)


def silhouette(mask: Mask, voxel_mm: ArrayLike) -> Cells:
    """(CELLS, CELLS, CELLS) which share of each cell is filled, around the centre of mass: of any size, the same."""
    p = PART_MM * np.argwhere(_solid(mask, np.asarray(voxel_mm, float)))
    if not len(p):
        return np.zeros((CELLS,) * 3, np.float32)
    side = WIDE * np.cbrt(len(p)) * PART_MM
    q = (p - p.mean(0)) / side + (CELLS - 1) / 2
    low = np.floor(q).astype(int)
    cells = np.zeros((CELLS + 2,) * 3)
    for corner in product((0, 1), repeat=3):
        k = np.clip(low + 1 + corner, 0, CELLS + 1)
        np.add.at(cells, tuple(k.T), np.prod(np.where(corner, q - low, 1 - q + low), axis=1))
    inner = cells[1:-1, 1:-1, 1:-1] * (PART_MM / side) ** 3
    return np.asarray(ndimage.gaussian_filter(inner, 0.8), np.float32)


def _solid(mask: Mask, voxel_mm: NDArray[np.float64]) -> Mask:
    """Parts of PART_MM that are more than half filled; gaps are closed, and holes in planes across each axis filled."""
    parts = (_parts(n, v) for n, v in zip(mask.shape, voxel_mm, strict=True))
    some = np.einsum("xyz,ax,by,cz->abc", mask.astype(np.float32), *parts, optimize=True) > 0.5
    closed = ndimage.binary_closing(np.pad(some, 3), iterations=2)
    return union(*(filled(closed, axis) for axis in range(3)))


def _parts(n: int, voxel_mm: float) -> NDArray[np.float32]:
    """(parts, n) weights that average n voxels into parts; voxels on a border count in both, by their share."""
    edges = np.arange(0, n * voxel_mm + PART_MM, PART_MM) / voxel_mm
    at = np.arange(n)
    share = np.clip(np.minimum(at + 1, edges[1:, None]) - np.maximum(at, edges[:-1, None]), 0, None)
    return np.asarray(share * voxel_mm / PART_MM, np.float32)


def _said(axes: tuple[int, ...], flips: tuple[bool, ...]) -> str:
    if axes[0]:
        return f"what looks like left-right runs along {'RAS'[axes[0]]}"
    if axes[2] == 1:
        return "what looks like foot-head runs along A"
    how = [w for w, flipped in zip(("upside down", "back to front"), flips[::-1], strict=True) if flipped]
    return f"it looks {' and '.join(how)}" if how else UPRIGHT


@cache
def _network() -> Mapping[str, NDArray[np.float32]]:
    there = files("spinloom.translate") / "silhouette.npz"
    with there.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: np.asarray(stored[name], np.float32) for name in stored.files}
