"""What is true of a subject: quantitative maps and labels, ready to be written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.dataset.labels_on import labels_on
from spinloom.phantom.phantom import Phantom

UNITS = {"T1map": "s", "T2map": "s", "T2starmap": "s", "PDmap": "arbitrary"}
"""BIDS suffix → unit of its map. PDmap: water = 1."""


def truth_maps(phantom: Phantom) -> Iterator[tuple[str, Image]]:
    """(BIDS suffix, map) of T1, T2, T2star and PD on the phantom's own grid; 0 where there is nothing to see."""
    inside = phantom.PD > 0
    for suffix, data, quantity in (
        ("T1map", phantom.T1, Quantity.T1),
        ("T2map", phantom.T2, Quantity.T2),
        ("T2starmap", phantom.T2star, Quantity.T2STAR),
        ("PDmap", phantom.PD, Quantity.PD),
    ):
        clean = np.where(inside & np.isfinite(data), data, 0).astype(np.float32)
        yield suffix, Image(clean, phantom.grid.affine, quantity)


def label_image(phantom: Phantom, grid: Grid | None = None) -> Image | None:
    """Labels on the phantom's grid, or the commonest label per voxel of another grid; None if it has none.

    grid  placed in the world, as an image of the phantom is
    """
    if phantom.labels is None:
        return None
    if grid is None or grid.same_place(phantom.grid):
        return Image(phantom.labels.astype(np.int32), phantom.grid.affine, Quantity.LABEL)
    return Image(labels_on(phantom.labels, phantom.grid, grid), grid.affine, Quantity.LABEL)


def label_names(phantom: Phantom) -> dict[int, str]:
    """Label id → tissue name, background included."""
    names = {t.label: t.name for t in phantom.tissues} if phantom.tissues is not None else {}
    if phantom.labels is not None:
        for label in np.unique(phantom.labels):
            names.setdefault(int(label), "background" if label == 0 else f"label_{label}")
    return dict(sorted(names.items()))
