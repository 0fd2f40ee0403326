"""Cubic interpolation: what a super-resolution network must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.resample import covered
from spinloom.evaluation.floors.example import Example, real

LEAST_COVERED = 0.5


@dataclass(frozen=True, eq=False)
class CubicInterpolation:
    """The cubic spline through the voxels, read where a finer grid's voxels are, by the affines of both.

    like  the grid to reach, e.g. that of the reference: its place counts, not its numbers

    There is nothing to fit. Beyond the outermost voxels their values go on.
    Unser, Aldroubi & Eden, IEEE Trans. Signal Process. 41, 821 (1993).
    """

    like: Grid
    name: str = "cubic"
    is_oracle: bool = False

    def fit(self, examples: Sequence[Example] = ()) -> CubicInterpolation:
        return self

    def predict(self, source: Image, mask: Image | None = None) -> Image:
        """On the grid `like`. Raises InputError for labels, and an image that reaches less than half of that grid."""
        if source.quantity is Quantity.LABEL:
            raise InputError("labels have no value between two", remedy="Interpolate an image.")
        if (share := covered(source, self.like)) < LEAST_COVERED:
            raise InputError(f"the image reaches only {share:.0%} of the grid to fill", remedy="Register it first.")
        A = np.linalg.inv(source.affine) @ self.like.affine
        step = np.diag(A[:3, :3]).copy()
        straight = bool(np.abs(A[:3, :3] - np.diag(step)).max() < 1e-6)
        data = affine_transform(
            real(source),
            step if straight else A[:3, :3],
            A[:3, 3],
            output_shape=self.like.shape,
            order=3,
            mode="nearest",
        )
        return Image(data, self.like.affine, source.quantity)
