"""Steps that put intensities on a common scale: HU window, percentiles, z-score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.preprocess.linear import Line
from spinloom.dataset.preprocess.step import voxels


@dataclass(frozen=True)
class HUWindow:
    """CT numbers of a fixed window to -1 ... 1:  y = 2 (clip(x, low, high) - low) / (high - low) - 1.

    low_HU, high_HU  the window [HU]. What lies beyond is lost; the share of it stands in the facts

    The same for every image, so nothing is measured. -1000 ... 2000 keeps dense bone, which -1000 ... 1000 cuts off.
    """

    low_HU: float = -1000.0
    high_HU: float = 2000.0

    def __post_init__(self) -> None:
        if not -np.inf < self.low_HU < self.high_HU < np.inf:
            raise UsageError(f"HUWindow({self.low_HU}, {self.high_HU}): the first must be below the second")

    def fit(self, image: Image, mask: Mask | None = None) -> Line:
        """Raises InputError for an image that holds no CT numbers."""
        if image.quantity is not Quantity.HU:
            raise InputError(
                f"an HU window is for CT numbers, the image holds {image.quantity.value}",
                remedy="Read it with quantity=Quantity.HU if it is a CT.",
            )
        gain = 2 / (self.high_HU - self.low_HU)
        inside = np.asarray(image.data if mask is None else image.data[mask], float)
        lost = float(np.mean((inside < self.low_HU) | (inside > self.high_HU))) if inside.size else 0.0
        return Line(gain, -1 - gain * self.low_HU, self.low_HU, self.high_HU, Quantity.HU, clipped=lost)


@dataclass(frozen=True)
class Percentile:
    """Two percentiles in the mask to two values:  y = a + (b - a) (x - p_low) / (p_high - p_low).

    low, high  percentiles, 0 to 100
    to         (a, b) what they become
    clip       clip what lies beyond them (lossy; the share stands in the facts)

    `Percentile(1, 99, clip=True)` equals clip to those percentiles, z-score, min-max to -1 ... 1, in that order.
    """

    low: float = 0.5
    high: float = 99.5
    to: tuple[float, float] = (-1.0, 1.0)
    clip: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise UsageError(f"Percentile({self.low}, {self.high}): 0 <= low < high <= 100 is needed")
        if not -np.inf < self.to[0] < self.to[1] < np.inf:
            raise UsageError(f"Percentile(to={self.to}): the first must be below the second")

    def fit(self, image: Image, mask: Mask | None = None) -> Line:
        """Raises InputError for empty masks and images without two different percentiles."""
        x = voxels(image, mask)
        low, high = (float(v) for v in np.percentile(x, (self.low, self.high)))
        if low == high:
            raise InputError(
                f"the percentiles {self.low:g} and {self.high:g} are both {low:g}: most voxels are alike",
                remedy="Give a mask, so that background does not count.",
            )
        gain = (self.to[1] - self.to[0]) / (high - low)
        lost = float(np.mean((x < low) | (x > high))) if self.clip else 0.0
        bounds = (low, high) if self.clip else (None, None)
        return Line(gain, self.to[0] - gain * low, bounds[0], bounds[1], image.quantity, clipped=lost)


@dataclass(frozen=True)
class ZScore:
    """Mean 0 and standard deviation 1 in the mask:  y = (x - mean) / sd."""

    def fit(self, image: Image, mask: Mask | None = None) -> Line:
        """Raises InputError for empty masks and constant images."""
        x = voxels(image, mask)
        gain = 1 / float(x.std())
        return Line(gain, -float(x.mean()) * gain, quantity=image.quantity)
