"""Noise of a scan, from where nothing is (background.py) or, where that was taken away, from inside (koay.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, generate_binary_structure

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.masks import head
from spinloom.dataset.profile.background import background_noise
from spinloom.dataset.profile.koay import noise_inside


@dataclass(frozen=True)
class Noise:
    """Of one scan, in its own units.

    sigma     of the real part of one channel
    kind      "gaussian" (signed values), "rician", "chi", or "removed": the background was set to zero, and sigma comes
              from the finest wavelets inside, which count fine structure as noise and miss noise that was smoothed
    channels  n of the chi distribution; 1 for the others
    signal    median inside the head;  SNR = signal / sigma, which is a lower bound where the background was removed
    """

    sigma: float
    kind: str
    channels: float
    signal: float

    @property
    def from_background(self) -> bool:
        return self.kind != "removed"

    @property
    def SNR(self) -> float:
        return self.signal / self.sigma if self.sigma > 0 else float("inf")


def measure_noise(image: Image) -> Noise:
    """Noise of a magnitude or real image.

    Raises InputError for a constant image, or one without anything that stands out.
    """
    v = np.asarray(image.data, float)
    if v.min() == v.max():
        raise InputError("a constant image has no noise that can be measured")
    inside = head(np.abs(v))
    signal = float(np.median(v[inside]))
    outside = ~binary_dilation(inside, generate_binary_structure(3, 1), iterations=3)
    values = v[outside]
    if len(values) < 1000 or np.mean(values == np.median(values)) > 0.5:
        return Noise(noise_inside(image, inside), "removed", 1.0, signal)
    if np.mean(values < 0) > 0.2:
        return Noise(float(1.4826 * np.median(np.abs(values - np.median(values)))), "gaussian", 1.0, signal)
    found = background_noise(v, outside)
    if found is None:
        return Noise(noise_inside(image, inside), "removed", 1.0, signal)
    sigma, n = found
    return Noise(sigma, "rician" if n == 1 else "chi", n, signal)
