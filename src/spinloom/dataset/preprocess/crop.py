"""Centre crop and pad to a shape, with every voxel kept at its place in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.core.resample import AIR_HU
from spinloom.dataset.preprocess.step import Fitted

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class CropPad:
    """Any shape to one shape, cropped and padded about the centre, axis by axis:

        y[j] = x[j + o],   o = floor((n - m) / 2)   from n to m voxels; outside where x ends

    shape    (3,) voxels wanted
    outside  value of padded voxels; None: 0, air for CT numbers, and 0 for labels in any case

    The affine moves with the voxels, A' = A T(o). What is cropped is lost; on the way back it is `outside`.
    """

    shape: Shape
    outside: float | None = None

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(int(n) != n or n < 1 for n in self.shape):
            raise UsageError(f"CropPad({self.shape}): three whole numbers of at least 1 are needed")

    def fit(self, image: Image, mask: Mask | None = None) -> Placed:
        return Placed(image.data.shape, (self.shape[0], self.shape[1], self.shape[2]), self.outside)


@dataclass(frozen=True)
class Placed:
    """A fitted CropPad: from one shape to another.

    before, after  (3,) voxels;  outside  as in CropPad
    """

    before: Shape
    after: Shape
    outside: float | None = None

    @property
    def offset(self) -> Shape:
        """(3,) voxel of the first grid where the second begins; negative where it is padded."""
        x, y, z = ((n - m) // 2 for n, m in zip(self.before, self.after, strict=True))
        return x, y, z

    def forward(self, image: Image) -> Image:
        return self._moved(image, self.before, self.after, np.array(self.offset))

    def inverse(self, image: Image) -> Image:
        return self._moved(image, self.after, self.before, -np.array(self.offset))

    def facts(self) -> dict[str, object]:
        return {"fitted": "placed", "before": [*self.before], "after": [*self.after], "outside": self.outside}

    @staticmethod
    def of(facts: dict[str, object]) -> Fitted:
        before, after = (tuple(int(n) for n in facts[key]) for key in ("before", "after"))  # type: ignore[attr-defined]
        return Placed(before, after, facts["outside"])  # type: ignore[arg-type]

    def _moved(self, image: Image, before: Shape, after: Shape, offset: NDArray[np.int_]) -> Image:
        if image.data.shape != before:
            raise InputError(f"an image of shape {before} was expected, got {image.data.shape}")
        fill = 0.0 if image.quantity is Quantity.LABEL else self.outside
        if fill is None:
            fill = AIR_HU if image.quantity is Quantity.HU else 0.0
        data = np.full(after, fill, image.data.dtype)
        there = tuple(slice(max(0, -o), max(0, min(m, n - o))) for n, m, o in zip(before, after, offset, strict=True))
        here = tuple(slice(s.start + o, s.stop + o) for s, o in zip(there, offset, strict=True))
        data[there] = image.data[here]
        affine = image.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ offset
        return replace(image, data=data, affine=affine)
