"""What every step of preprocessing offers, and what they share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.core.resample import AIR_HU

LEAST_VOXELS = 16
"""Fewer voxels than this say nothing about an image."""


class Fitted(Protocol):
    """A step made for one image: the way there, the way back, and the numbers of both.

    forward  of the image it was fitted to, or of any on its grid. Steps of intensity leave label images as they are;
             steps of space move them too, without interpolation
    inverse  of what forward gave, or of a network's answer to it
    beyond   what a value beyond the image becomes on the way there: air of -1000 HU is -1 after an HU window
    facts    for JSON; `from_facts` makes the same Fitted of them
    """

    def forward(self, image: Image) -> Image: ...

    def inverse(self, image: Image) -> Image: ...

    def beyond(self, outside: float) -> float: ...

    def facts(self) -> dict[str, object]: ...


class Step(Protocol):
    """A recipe: what to do with any image. `fit` measures in the mask, or everywhere if there is none."""

    def fit(self, image: Image, mask: Mask | None = None) -> Fitted: ...


def background(image: Image) -> float:
    """What lies beyond an image, as far as it tells itself: air for CT numbers; 0 for labels, complex numbers and
    signals without negative values; the least value of signals that have some, for they were scaled."""
    if image.quantity is Quantity.HU:
        return AIR_HU
    if image.quantity is not Quantity.SIGNAL or image.data.dtype.kind == "c" or not image.data.size:
        return 0.0
    return min(0.0, float(np.nanmin(image.data)))


def voxels(image: Image, mask: Mask | None) -> NDArray[np.float64]:
    """(n,) the values a step is fitted to.

    Raises InputError for labels, complex numbers, NaN, masks that are empty or of another shape, and values that are
    all alike: no step can learn anything from them.
    """
    data = image.data
    if image.quantity is Quantity.LABEL:
        raise InputError("a label map has no intensities", remedy="Fit the step to the image it belongs to.")
    if data.dtype.kind == "c":
        raise InputError("the image holds complex numbers", remedy="Give its magnitude.")
    if mask is not None and np.shape(mask) != data.shape:
        raise UsageError(f"the mask has shape {np.shape(mask)}, the image {data.shape}")
    values = np.asarray(data if mask is None else data[np.asarray(mask, bool)], float).ravel()
    if len(values) < LEAST_VOXELS:
        raise InputError(f"the mask holds {len(values)} voxels, at least {LEAST_VOXELS} are needed")
    if not np.isfinite(values).all():
        raise InputError("the image holds NaN or infinite voxels", remedy="Leave it out or repair it.")
    if values.min() == values.max():
        where = "the image" if mask is None else "the image inside the mask"
        raise InputError(f"{where} is constant: every voxel is {values[0]:g}")
    return values
