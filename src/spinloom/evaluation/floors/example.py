"""What a floor is, and what it is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
PERCENTILE = 99.5


@dataclass(frozen=True, eq=False)
class Example:
    """A source, what should come of it, and where it counts; all on one grid.

    mask  voxels above zero count; None: where the source is not 0

    Raises InputError for images of different grids, values that are not finite, and a mask that is empty.
    """

    source: Image
    target: Image
    mask: Image | None = None

    def __post_init__(self) -> None:
        for what, image in (("target", self.target), ("mask", self.mask)):
            if image is not None and not image.grid.same_place(self.source.grid, tolerance_mm=1e-2):
                raise InputError(
                    f"source {self.source.data.shape} and {what} {image.data.shape} lie on different grids",
                    remedy="Register and resample one onto the other first; nothing is resampled here.",
                )
        for what, image in (("source", self.source), ("target", self.target)):
            if not np.isfinite(real(image)).all():
                raise InputError(f"the {what} holds NaN or infinite voxels", remedy="Repair it or leave it out.")
        if not where(self.source, self.mask).any():
            raise InputError("the mask is empty: no voxel counts", remedy="Check the mask, or leave it out.")


class Predictor(Protocol):
    """A floor that has been fitted."""

    def predict(self, source: Image, mask: Image | None = None) -> Image:
        """The target it expects of a source (on the source's grid unless it says otherwise).

        mask  where it counts, as in Example
        """
        ...


class Floor(Protocol):
    """Something that any learner must beat."""

    @property
    def name(self) -> str:
        """As the command line calls it."""
        ...

    @property
    def is_oracle(self) -> bool:
        """Whether it knows something of the answer: then it is a yardstick, and no floor."""
        ...

    def fit(self, examples: Sequence[Example]) -> Predictor: ...


def real(image: Image) -> NDArray[Any]:
    """Its voxels as real numbers in single precision; InputError for complex ones."""
    data = np.asarray(image.data)
    if data.dtype.kind == "c":
        raise InputError("a floor works on real images", remedy="Take the magnitude first.")
    return data.astype(np.float32, copy=False)


def where(image: Image, mask: Image | None) -> Mask:
    """(x, y, z) where it counts."""
    return np.asarray(image.data) != 0 if mask is None else np.asarray(mask.data) > 0


def scale_of(image: Image, inside: Mask) -> float:
    """What intensities are divided by: for signals, whose unit is anybody's, the 99.5th percentile where it counts.

    Quantities with a unit (HU, T1 ...) and labels keep it: 1. Raises InputError for a signal that is 0 there.
    """
    if image.quantity is not Quantity.SIGNAL:
        return 1.0
    scale = float(np.percentile(np.abs(real(image)[inside]), PERCENTILE)) if inside.any() else 0.0
    if scale <= 0:
        raise InputError("the image is 0 where it counts", remedy="Check the mask.")
    return scale


def require_examples(examples: Sequence[Example]) -> Quantity:
    """What the targets are; InputError where there are none, or of several quantities."""
    quantities = {example.target.quantity for example in examples}
    if len(quantities) != 1:
        what = ", ".join(sorted(q.value for q in quantities)) or "nothing"
        raise InputError(f"a floor is fitted to targets of one quantity, got {what}")
    return quantities.pop()


@dataclass(frozen=True)
class Output:
    """What a prediction is in: learnt from the targets.

    quantity  of it
    scale     the mean scale of the targets
    outside   beyond the mask: the median of the targets there
    """

    quantity: Quantity
    scale: float
    outside: float

    @staticmethod
    def of(examples: Sequence[Example]) -> Output:
        quantity = require_examples(examples)
        inside = [where(e.source, e.mask) for e in examples]
        scales = [scale_of(e.target, m) for e, m in zip(examples, inside, strict=True)]
        beyond = [float(np.median(real(e.target)[~m])) for e, m in zip(examples, inside, strict=True) if not m.all()]
        return Output(quantity, float(np.mean(scales)), float(np.mean(beyond)) if beyond else 0.0)

    def image(self, source: Image, inside: Mask, values: NDArray[Any]) -> Image:
        """An image on the source's grid; values (n,) inside, in multiples of the scale."""
        data = np.full(inside.shape, self.outside, np.float32)
        data[inside] = values * self.scale
        return Image(data, source.affine, self.quantity)
