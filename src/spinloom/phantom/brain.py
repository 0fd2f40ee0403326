"""The brain of one subject from the probabilities of an average one.

An average brain is smooth: where individual sulci differ, its maps are grey. Each subject gets a definite cortex back:
the maps, bent by the subject's deformation, are sharpened (unsharp mask); white matter is where its sharpened
probability, pushed about by band-limited noise of a few millimetres, passes a threshold; the cortex is a ribbon of
given thickness around it; what lies farther out is CSF of the sulci. Threshold, ribbon and noise are the subject's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spinloom.core.grid import Grid
from spinloom.phantom.interpolate import interleaved
from spinloom.phantom.sdf import Map, Space, capsule, chain, ellipsoid, union
from spinloom.phantom.template import Template
from spinloom.phantom.texture import correlated_noise


@dataclass(frozen=True)
class BrainShape:
    """What varies between brains beyond their deformation.

    cortex    thickness of the cortical ribbon [mm]
    atrophy   how far sulci open: shift of the tissue threshold, 0 young, 0.15 old [1]
    folding   strength of the individual folding noise on the tissue boundaries [1]
    """

    cortex: float = 2.7
    atrophy: float = 0.0
    folding: float = 0.06


def regions(template: Template) -> NDArray[np.float32]:
    """What the subject's brain is computed from, on the template's grid: (x, y, z, 5).

    GM, WM, brain mask, membership (0 .. 1) of the deep grey nuclei and of the brain stem.
    """
    space = Space.of(template.grid)
    mask = ndimage.gaussian_filter((template.T1w > 0).astype(np.float32), 0.7)
    deep, stem = (np.clip(0.5 - d / 3, 0, 1).astype(np.float32) for d in (deep_nuclei(space), brain_stem(space)))
    return interleaved([template.GM, template.WM, mask, deep, stem])


def deep_nuclei(space: Space) -> Map:
    """Around thalamus, caudate, putamen and pallidum, MNI152 [mm]."""
    both = space.folded
    return union(
        ellipsoid(both, (11, -19, 8), (12, 15, 11)),
        chain(both, [(11, 16, 0), (13, 14, 10), (16, 0, 20), (19, -16, 23)], 8, 5),
        ellipsoid(both, (26, 4, 1), (9, 19, 13)),
        ellipsoid(both, (19, -3, -1), (9, 11, 8)),
    )


def brain_stem(space: Space) -> Map:
    """Midbrain, pons and medulla, MNI152 [mm]."""
    return union(
        ellipsoid(space, (0, -27, -32), (19, 13, 17)),
        capsule(space, (0, -22, -12), (0, -28, -32), 15, 15),
        capsule(space, (0, -34, -44), (0, -44, -74), 11, 9),
    )


def brain_fractions(
    maps: NDArray[np.float32], grid: Grid, shape: BrainShape, rng: np.random.Generator
) -> dict[str, Map]:
    """Grey, white and deep grey matter fractions; what is missing to 1 is CSF.

        WM = clip(s (w - w0) + 1/2),     w = wm + 3/2 (wm - <wm>) + noise
        GM + WM = clip(s (b - b0) + (cortex - d) / 3 + 1/2),   b the same of gm + wm, d the distance from WM

    maps     (x, y, z, 5) of `regions`, already on the subject's grid
    returns  name → (x, y, z) float32
    """
    gm, wm, mask, deep, stem = np.moveaxis(maps, -1, 0)
    h = float(grid.voxel_mm.mean())
    ramp = np.float32(3.0 * h if h > 1 else 3.0)
    noise = [np.float32(shape.folding) * correlated_noise(grid.shape, grid.voxel_mm, mm, rng) for mm in (4.0, 4.0)]
    w = _sharpened(wm, 2.7 / h, 1.5) + noise[0]
    white = np.clip((w - np.float32(0.42)) * ramp + np.float32(0.5), 0, 1) * mask
    away = ndimage.distance_transform_edt(white < 0.5).astype(np.float32) * np.float32(h)
    ribbon = np.clip((np.float32(shape.cortex) - ndimage.gaussian_filter(away, 0.6)) / 3, -0.5, 0.5)
    b = _sharpened(gm + wm, 2.3 / h, 2.5) + noise[1]
    tissue = np.clip((b - np.float32(0.57 + shape.atrophy)) * ramp + ribbon + np.float32(0.5), 0, 1)
    tissue = np.maximum(tissue * np.clip((mask - 0.25) * 2, 0, 1), white)
    grey_share = np.clip((gm - wm) * np.float32(1.5) + np.float32(0.9), 0, 1)  # the thalamus is half grey on average
    deep_grey = deep * (1 - stem) * tissue * grey_share
    white = white * (1 - deep * (1 - stem)) + deep * (1 - stem) * tissue * (1 - grey_share)
    grey = np.clip(tissue - white - deep_grey, 0, 1)
    solid = (white + grey) * stem
    return {
        "grey_matter": (grey * (1 - stem)).astype(np.float32),
        "white_matter": (white * (1 - stem) + np.float32(0.75) * solid).astype(np.float32),
        "deep_grey_matter": (deep_grey + np.float32(0.25) * solid).astype(np.float32),
    }


def _sharpened(a: Map, sigma: float, strength: float) -> Map:
    """Unsharp mask: a + strength (a - smooth a); sigma in voxels."""
    return a + np.float32(strength) * (a - ndimage.gaussian_filter(a, sigma, truncate=3.0))
