"""Several steps, one after another, and all the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.preprocess.step import Fitted, Step


@dataclass(frozen=True)
class Chain:
    """Steps in order; each is fitted to what those before it made."""

    steps: tuple[Step, ...]

    def fit(self, image: Image, mask: Mask | None = None) -> FittedChain:
        """The mask goes along through steps that move the grid."""
        fitted = []
        where = None if mask is None else Image(np.asarray(mask, bool), image.affine, Quantity.LABEL)
        for step in self.steps:
            one = step.fit(image, None if where is None else where.data.astype(bool))
            image = one.forward(image)
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

    def facts(self) -> dict[str, object]:
        return {"fitted": "chain", "steps": [step.facts() for step in self.steps]}
