"""Steps that change contrast, for augmentation or to match another image: straight and curved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import require_positive
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.preprocess.linear import Line
from spinloom.dataset.preprocess.step import Fitted, voxels


@dataclass(frozen=True)
class LinearContrast:
    """Contrast about the mean of the mask, and brightness:  y = m + contrast (x - m) + brightness sd.

    contrast    above 1: more
    brightness  in standard deviations of the mask
    """

    contrast: float = 1.0
    brightness: float = 0.0

    def __post_init__(self) -> None:
        require_positive("LinearContrast", contrast=self.contrast)

    def fit(self, image: Image, mask: Mask | None = None) -> Line:
        x = voxels(image, mask)
        offset = float(x.mean()) * (1 - self.contrast) + self.brightness * float(x.std())
        return Line(self.contrast, offset, quantity=image.quantity, keeps=True)


@dataclass(frozen=True)
class Gamma:
    """The range of the mask bent by a power:  y = low + w t^gamma,  t = (x - low) / w,  w = high - low.

    gamma  below 1 brightens what is dark

    Values below the mask's least go by sign(t) |t|^gamma, so that every value has its way back.
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        require_positive("Gamma", gamma=self.gamma)

    def fit(self, image: Image, mask: Mask | None = None) -> Power:
        x = voxels(image, mask)
        return Power(self.gamma, float(x.min()), float(x.max()))


@dataclass(frozen=True)
class Power:
    """A fitted Gamma: exponent, least and greatest value of the mask."""

    gamma: float
    low: float
    high: float

    def forward(self, image: Image) -> Image:
        return self._bent(image, self.gamma)

    def inverse(self, image: Image) -> Image:
        return self._bent(image, 1 / self.gamma)

    def beyond(self, outside: float) -> float:
        return float(self._curve(outside, self.gamma))

    def facts(self) -> dict[str, object]:
        return {"fitted": "power", "gamma": self.gamma, "low": self.low, "high": self.high}

    @staticmethod
    def of(facts: dict[str, object]) -> Fitted:
        return Power(*(float(facts[key]) for key in ("gamma", "low", "high")))  # type: ignore[arg-type]

    def _bent(self, image: Image, exponent: float) -> Image:
        if image.quantity is Quantity.LABEL:
            return image
        return replace(image, data=self._curve(image.data, exponent).astype(np.float32))

    def _curve(self, x: ArrayLike, exponent: float) -> NDArray[np.float64]:
        width = self.high - self.low
        t: NDArray[np.float64] = (np.asarray(x, float) - self.low) / width
        return np.asarray(self.low + width * np.sign(t) * np.abs(t) ** exponent)
