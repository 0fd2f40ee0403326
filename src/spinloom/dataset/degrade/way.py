"""A way to degrade an image, and several one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity

Facts = dict[str, object]
"""What goes into a JSON file."""


RINGING = 0.2
"""How far below zero, in parts of its largest value, a magnitude may come by interpolation and cut k-space."""


class Degradation(Protocol):
    """One way: a frozen value."""

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """The degraded image on its own grid. rng  decides whatever is random; InputError for what cannot be taken."""
        ...

    def facts(self) -> Facts:
        """The recipe, for a JSON file: "way" and its parameters."""
        ...


def degrade(image: Image, ways: Sequence[Degradation], rng: np.random.Generator) -> Image:
    """One way after the other, in the order given; info["degraded"] lists the recipe."""
    for way in ways:
        image = way.apply(image, rng)
    return image


def values_of(image: Image, doing: str) -> NDArray[np.float64] | NDArray[np.complex128]:
    """The numbers of an image in double precision.

    Raises InputError for labels, whose numbers cannot be mixed, and for values that are not finite.
    """
    if image.quantity is Quantity.LABEL:
        raise InputError(f"{doing} mixes neighbouring values, which makes no sense of labels", remedy="Give an image.")
    values = np.asarray(image.data)
    if not np.isfinite(values).all():
        raise InputError(f"{int(np.sum(~np.isfinite(values)))} voxels are not finite", remedy="Repair the image first.")
    return values.astype(complex if np.iscomplexobj(values) else float)


def require_magnitude(values: NDArray[Any], doing: str, remedy: str) -> None:
    """Raises InputError for real values far below zero, as CT numbers and z-scores have them; ringing is no fault."""
    if not np.iscomplexobj(values) and float(values.min()) < -RINGING * max(float(values.max()), 0.0):
        raise InputError(f"holds values down to {float(values.min()):.4g}; {doing} takes a magnitude", remedy=remedy)


def result(image: Image, values: NDArray[np.generic], affine: NDArray[np.float64], facts: Facts) -> Image:
    """The image with other values on another grid, the step added to info["degraded"]; single precision."""
    before = image.info.get("degraded", ())
    steps = (*(before if isinstance(before, list | tuple) else ()), facts)
    kept = values.astype(np.complex64 if np.iscomplexobj(values) else np.float32)
    return replace(image, data=kept, affine=affine, info=MappingProxyType({**image.info, "degraded": steps}))
