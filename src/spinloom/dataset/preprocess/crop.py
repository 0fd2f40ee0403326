"""Centre crop and pad to a shape, with every voxel kept at its place in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.preprocess.step import Fitted, background

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class CropPad:
    """Any shape to one shape, cropped and padded about the centre, axis by axis:

        y[j] = x[j + o],   o = floor((n - m) / 2)   from n to m voxels; outside where x ends

    shape    (3,) voxels wanted
    outside  value of padded voxels; None: `background` of the image, in a Chain as the steps before have changed it.
             0 for labels in any case

    The affine moves with the voxels, A' = A T(o). What is cropped is lost; on the way back it is `outside`.
    """

    shape: Shape
    outside: float | None = None

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(int(n) != n or n < 1 for n in self.shape):
            raise UsageError(f"CropPad({self.shape}): three whole numbers of at least 1 are needed")

    def fit(self, image: Image, mask: Mask | None = None, outside: float | None = None) -> Placed:
        """outside  of this image, if it is known better than by looking at it."""
        shape = (self.shape[0], self.shape[1], self.shape[2])
        if self.outside is not None:
            return Placed(image.data.shape, shape, self.outside)
        return Placed(image.data.shape, shape, background(image) if outside is None else outside, image.quantity)


@dataclass(frozen=True)
class Placed:
    """A fitted CropPad: from one shape to another.

    before, after  (3,) voxels
    outside        value of padded voxels, None: the background of each image
    quantity       whose `outside` that is: images of another get their own background; None: of all but labels
    """

    before: Shape
    after: Shape
    outside: float | None = None
    quantity: Quantity | None = None

    @property
    def offset(self) -> Shape:
        """(3,) voxel of the first grid where the second begins; negative where it is padded."""
        x, y, z = ((n - m) // 2 for n, m in zip(self.before, self.after, strict=True))
        return x, y, z

    def forward(self, image: Image) -> Image:
        return self._moved(image, self.before, self.after, np.array(self.offset))

    def inverse(self, image: Image) -> Image:
        return self._moved(image, self.after, self.before, -np.array(self.offset))

    def beyond(self, outside: float) -> float:
        return outside if self.outside is None else self.outside

    def facts(self) -> dict[str, object]:
        return {
            "fitted": "placed",
            "before": [*self.before],
            "after": [*self.after],
            "outside": self.outside,
            "quantity": self.quantity and self.quantity.name,
        }

    @staticmethod
    def of(facts: dict[str, object]) -> Fitted:
        before, after = (tuple(int(n) for n in facts[key]) for key in ("before", "after"))  # type: ignore[attr-defined]
        name = facts.get("quantity")
        return Placed(before, after, facts["outside"], Quantity[str(name)] if name else None)  # type: ignore[arg-type]

    def _moved(self, image: Image, before: Shape, after: Shape, offset: NDArray[np.int_]) -> Image:
        if image.data.shape != before:
            raise InputError(f"an image of shape {before} was expected, got {image.data.shape}")
        known = self.outside is not None and self.quantity in (None, image.quantity)
        fill = self.outside if known and image.quantity is not Quantity.LABEL else background(image)
        data = np.full(after, fill, image.data.dtype)
        there = tuple(slice(max(0, -o), max(0, min(m, n - o))) for n, m, o in zip(before, after, offset, strict=True))
        here = tuple(slice(s.start + o, s.stop + o) for s, o in zip(there, offset, strict=True))
        data[there] = image.data[here]
        affine = image.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ offset
        return replace(image, data=data, affine=affine)
