"""Labels that stand for several tissues: which voxel is which.

Whole-head label maps lump fat, muscle and the rest together. A grey average of them looks like nothing on earth, so
such a label falls apart into layers: the first tissue of the mixture lies outermost, and around the eyes (fat), the
last innermost (muscle), each with its share of the volume, along boundaries made uneven by a correlated noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spinloom.core.rng import stream
from spinloom.phantom.texture import correlated_noise

PATCH_MM = 4.0  # how far the unevenness stays alike
UNEVEN_MM = 2.5  # its standard deviation in depth
COARSE_MM = 2.0  # depth is computed on voxels of about this size
PAD = 8  # coarse voxels around the grid, more than the closing needs
CLOSED_MM = 12.0  # airways and nostrils up to about this width count as inside


def layered(
    inside: NDArray[np.bool_],
    embedded: NDArray[np.bool_],
    members: Sequence[tuple[NDArray[np.bool_], Sequence[tuple[int, float]]]],
    tissue_at: NDArray[np.uint8],
    voxel_mm: NDArray[np.float64],
    seed: int,
) -> None:
    """Write into tissue_at, for each mixed label, the tissue of each of its voxels.

    inside     (x, y, z) the whole object
    embedded   (x, y, z) what counts as a surface too: eyes and optic nerves
    members    per mixed label: its voxels (x, y, z), and its tissues from the outside in as (index, share)
    tissue_at  (x, y, z) what is written to
    """
    x, y, z = inside.shape
    depth = depth_mm(inside, embedded, voxel_mm)
    depth += np.float32(UNEVEN_MM) * correlated_noise((x, y, z), voxel_mm, PATCH_MM, stream(seed, "patches"))
    for mask, mixture in members:
        here = np.flatnonzero(mask)
        order = here[np.argsort(depth.ravel()[here], kind="stable")]
        ends = np.rint(np.cumsum([share for _, share in mixture]) * len(order)).astype(int)
        for (tissue, _), start, end in zip(mixture, [0, *ends[:-1]], ends, strict=True):
            tissue_at.ravel()[order[start:end]] = tissue


def depth_mm(
    inside: NDArray[np.bool_], embedded: NDArray[np.bool_], voxel_mm: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Distance to the outer surface of an object (cavities and airways count as inside) or to what is embedded [mm]."""
    step = np.maximum(np.rint(COARSE_MM / voxel_mm), 1).astype(int)
    size = step * voxel_mm
    coarse = tuple(slice(None, None, s) for s in step)
    body = np.pad(inside[coarse], PAD, mode="edge")  # a cut neck is not a surface
    closed = ndimage.binary_closing(body, iterations=max(int(CLOSED_MM / 2 / size.mean()), 1))
    deep = ndimage.binary_fill_holes(closed) & ~np.pad(embedded[coarse], PAD)
    distance = ndimage.distance_transform_edt(deep, sampling=size).astype(np.float32)
    return ndimage.affine_transform(
        distance, 1 / step, offset=PAD, output_shape=inside.shape, order=1, mode="nearest", output=np.float32
    )
