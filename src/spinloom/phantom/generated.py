"""Fractions of eleven classes, wherever they come from → a Phantom with one person's T1, T2 and PD.

Values are not generated: they are drawn from the literature's table, within its standard deviations, with a smooth
texture. So T2 <= T1, T2star <= T2 and the range of PD hold by construction whatever the fractions are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.phantom.classes import CLASSES, TISSUES
from spinloom.phantom.fractions import phantom_of_fractions
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.phantom.subject import draw_texture, draw_tissues
from spinloom.phantom.texture import correlated_noise
from spinloom.phantom.tissue_table import tissue_table

NAMES = tuple(dict.fromkeys(tissue for mixture in TISSUES.values() for tissue, _ in mixture))
PATCH_MM = 5.0
"""How far fat and muscle stay alike within soft tissue."""
TEXTURE = 0.025
HIGHEST_PD = 1.2


def from_classes(
    fractions: NDArray[np.floating],
    grid: Grid,
    *,
    B0: float,
    seed: int,
    subject: str = "",
    info: Mapping[str, object] = MappingProxyType({}),
) -> Phantom:
    """A phantom of tissue fractions.

    fractions  (11, x, y, z) of CLASSES, >= 0, summing to 1
    grid       where they lie
    B0         field the tissue values are drawn for [T]
    seed       of the person's tissue values and texture, with `subject`

    Raises InputError for fractions of another shape, below 0, not finite, or that do not sum to 1.
    """
    if fractions.shape != (len(CLASSES), *grid.shape):
        raise InputError(f"fractions of shape {fractions.shape} do not fit {len(CLASSES)} classes on {grid.shape}")
    if not np.isfinite(fractions).all() or fractions.min() < 0 or np.abs(fractions.sum(0) - 1).max() > 1e-3:
        raise InputError("fractions must be >= 0 and sum to 1 in every voxel")
    shares = _tissues(fractions, grid, stream(seed, subject, "mixtures"))
    parts = to_255(np.concatenate([fractions[:1], shares]))[1:]
    drawn = draw_tissues(tissue_table(B0, NAMES), 1.0, stream(seed, subject, "tissues"))
    tissues = replace(drawn, tissues=tuple(replace(t, PD=min(t.PD, HIGHEST_PD)) for t in drawn))
    texture = draw_texture(grid, TEXTURE, stream(seed, subject, "texture")) * parts.any(axis=0)
    return phantom_of_fractions(
        parts,
        tissues,
        texture,
        grid=grid,
        voxel=Voxel.BOX,
        B0=B0,
        name=subject or f"generated-{seed}",
        info=MappingProxyType({"seed": seed, "subject": subject, **info}),
    )


def to_255(fractions: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(t, ...) parts of 1 → parts of 255 that sum to 255: the running sum is rounded, so each is within 1 of 255 f."""
    upto = np.floor(255 * np.cumsum(fractions, axis=0, dtype=np.float64) + 0.5)
    upto[-1] = 255
    return np.diff(upto, axis=0, prepend=0).clip(0, 255).astype(np.uint8)


def _tissues(fractions: NDArray[np.floating], grid: Grid, rng: np.random.Generator) -> NDArray[np.float32]:
    """(t, x, y, z) of NAMES: a class of two tissues falls apart into patches, each share as large as the table says."""
    out = np.zeros((len(NAMES), *grid.shape), np.float32)
    for name, mixture in TISSUES.items():
        part = fractions[CLASSES.index(name)]
        if len(mixture) == 1:
            out[NAMES.index(mixture[0][0])] += part
            continue
        field = correlated_noise(grid.shape, grid.voxel_mm, PATCH_MM, rng)
        inside = part > 0
        edge = np.quantile(field[inside], mixture[0][1]) if inside.any() else 0.0
        first = np.clip((edge - field) * 2 + 0.5, 0, 1)
        out[NAMES.index(mixture[0][0])] += part * first
        out[NAMES.index(mixture[1][0])] += part * (1 - first)
    return out
