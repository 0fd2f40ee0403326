"""A chequered picture: two images in alternating cubes, so that edges show whether they meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.image import Image
from spinloom.report import slices

CUBE_MM = 24.0


def chequered(moved: Image, fixed: Image) -> bytes:
    """PNG of three orthogonal middle slices; both images lie on one grid and are scaled to their own percentiles."""
    at = [np.arange(n) * size // CUBE_MM for n, size in zip(fixed.data.shape, fixed.grid.voxel_mm, strict=True)]
    odd = (at[0][:, None, None] + at[1][None, :, None] + at[2][None, None, :]) % 2 > 0
    v = slices.volume(np.where(odd, _scaled(moved), _scaled(fixed)), fixed.affine)
    frame = slices.frame_of(v, margin_mm=0.0, height_px=360)
    return slices.png(slices.orthogonal(v, frame, (0.0, 1.0)))


def _scaled(image: Image) -> NDArray[np.float32]:
    values = np.asarray(image.data, np.float32)
    low, high = np.percentile(values, (1, 99.5))
    return np.clip((values - low) / max(float(high - low), 1e-12), 0, 1)
