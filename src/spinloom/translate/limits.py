"""What a model has seen, in a few numbers, and whether an image is beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.masks import Mask
from spinloom.translate.prepare import Prepared, Volume
from spinloom.translate.silhouette import UPRIGHT, lies

QUANTILES = (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)
SLACK = 0.15
CLEAR = 0.03
"""By how much more alike its mirror image along another axis must be before a head counts as turned: along left-right
heads lead by 0.04 to 0.19 (27 scans and label maps), and marks drawn onto one take up to 0.02 of it."""


def measured(made: Prepared) -> dict[str, Any]:
    """voxel_mm (3,); extent_mm (3,) of the foreground; grey (c, 10) quantiles in the foreground; mirror: the axis about
    whose middle the foreground is most alike itself (0: left-right, as in a head that lies as its header says);
    lies: how a head or brain lies by its silhouette, as `silhouette.lies` says it."""
    return measured_of(made.source, made.mask, made.grid.voxel_mm)


def measured_of(images: Volume, mask: Mask, voxel_mm: Sequence[float] | NDArray[np.float64]) -> dict[str, Any]:
    """The same of images (c, x, y, z) of either end of the arrow, in their mask (x, y, z)."""
    size = np.asarray(voxel_mm, float)
    some = [np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    extent = np.array([(s[-1] - s[0] + 1) if len(s) else 0 for s in some]) * size
    return {
        "voxel_mm": size.round(4).tolist(),
        "extent_mm": extent.round(1).tolist(),
        "grey": [np.quantile(s[mask], QUANTILES).round(4).tolist() for s in images],
        "mirror": int(np.argmax(_alike(mask))),
        "lies": lies(mask, size),
    }


def span(seen: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Of what `measured` gave for every training image: ranges, and whether they are upright heads."""
    rows = list(seen)
    how = [r["lies"] for r in rows]
    voxel = np.array([r["voxel_mm"] for r in rows])
    extent = np.array([r["extent_mm"] for r in rows])
    grey = np.array([r["grey"] for r in rows])
    return {
        "voxel_mm": [voxel.min(0).tolist(), voxel.max(0).tolist()],
        "extent_mm": [extent.min(0).tolist(), extent.max(0).tolist()],
        "grey": [grey.min(0).tolist(), grey.max(0).tolist()],
        "mirror": sorted({int(r["mirror"]) for r in rows}),
        "heads": set(how) <= {UPRIGHT, ""} and 2 * how.count(UPRIGHT) >= len(how),
    }


def beyond(made: Prepared, known: Mapping[str, Any], contrasts: Sequence[str]) -> list[str]:
    """Sentences on what of an image lies outside what was trained on; empty if nothing does."""
    if not known:
        return ["the model does not say what it was trained on"]
    own = measured(made)
    said = []
    low, high = (np.array(v) for v in known["voxel_mm"])
    for a, v in enumerate(own["voxel_mm"]):
        if not 0.8 * low[a] <= v <= 1.25 * high[a]:
            said.append(f"spacing: {v:.2f} mm along {'RAS'[a]}, trained with {_range(low[a], high[a])} mm")
    low, high = (np.array(v) for v in known["extent_mm"])
    for a, v in enumerate(own["extent_mm"]):
        if not 0.75 * low[a] <= v <= 1.33 * high[a]:
            said.append(
                f"field of view: {v:.0f} mm of it along {'RAS'[a]}, trained with {_range(low[a], high[a], 0)} mm"
            )
    low, high = (np.array(v) for v in known["grey"])
    for c, name in enumerate(contrasts):
        q = np.array(own["grey"][c])
        away = float(np.mean(np.maximum(0, np.maximum(low[c] - q, q - high[c]))))
        if away > SLACK:
            said.append(f"contrast: grey values of {name} are {away:.2f} of full scale away from any trained with")
    how = own["lies"] if known.get("heads", known["mirror"] == [0]) else _mirrored(made.mask, known["mirror"])
    if how not in (UPRIGHT, ""):
        said.append(f"orientation: {how}: does the header say it right?")
    return said


def _mirrored(mask: Mask, known: Sequence[int]) -> str:
    """What is no head: whether it is clearly more alike its mirror image along another axis than along those known."""
    alike = _alike(mask)
    axis = int(np.argmax(alike))
    clear = known and alike[axis] - max(alike[a] for a in known) > CLEAR
    return f"what looks like left-right runs along {'RAS'[axis]}" if clear else ""


def _alike(m: Mask) -> list[float]:
    """Per axis, the share of voxels alike in the foreground and its mirror image, about its middle."""
    some = [np.flatnonzero(m.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    tight = m[tuple(slice(s[0], s[-1] + 1) for s in some)]
    return [float(np.mean(tight == np.flip(tight, a))) for a in range(3)]


def _range(low: float, high: float, digits: int = 2) -> str:
    return f"{low:.{digits}f}" if abs(high - low) < 0.01 else f"{low:.{digits}f} to {high:.{digits}f}"
