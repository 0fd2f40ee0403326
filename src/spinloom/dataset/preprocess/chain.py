"""Several steps, one after another, and all the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.preprocess.crop import CropPad
from spinloom.dataset.preprocess.step import Fitted, Step, background


@dataclass(frozen=True)
class Chain:
    """Steps in order; each is fitted to what those before it made.

    What lies beyond the image goes through the steps too: padding after an HU window is -1, which is air.
    """

    steps: tuple[Step, ...]

    def fit(self, image: Image, mask: Mask | None = None, outside: float | None = None) -> FittedChain:
        """The mask goes along through steps that move the grid. outside: beyond the image, None: its background."""
        fitted: list[Fitted] = []
        outside = background(image) if outside is None else outside
        where = None if mask is None else Image(np.asarray(mask, bool), image.affine, Quantity.LABEL)
        for step in self.steps:
            inside = None if where is None else where.data.astype(bool)
            one = step.fit(image, inside, outside) if isinstance(step, CropPad | Chain) else step.fit(image, inside)
            image, outside = one.forward(image), one.beyond(outside)
            where = None if where is None else one.forward(where)
            fitted.append(one)
        return FittedChain(tuple(fitted))


@dataclass(frozen=True)
class FittedChain:
    """Fitted steps in order; the inverse runs them from the last to the first."""

    steps: tuple[Fitted, ...]

    def forward(self, image: Image) -> Image:
        for step in self.steps:
            image = step.forward(image)
        return image

    def inverse(self, image: Image) -> Image:
        for step in reversed(self.steps):
            image = step.inverse(image)
        return image

    def beyond(self, outside: float) -> float:
        for step in self.steps:
            outside = step.beyond(outside)
        return outside

    def facts(self) -> dict[str, object]:
        return {"fitted": "chain", "steps": [step.facts() for step in self.steps]}
