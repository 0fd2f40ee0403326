"""Noise of a scan from where nothing is: how strong, and of which kind.

Without signal, magnitudes of n channels added as root sum of squares follow a chi distribution with 2 n degrees of
freedom:

    <m^2> = 2 n sigma^2,      <m>^2 / <m^2> = (Gamma(n + 1/2) / Gamma(n))^2 / n

n = 1 is Rayleigh's (Rician with signal; ratio pi/4). The ratio gives n, then the mean square gives sigma.

Gudbjartsson & Patz, Magn. Reson. Med. 34, 910 (1995); Constantinides et al., Magn. Reson. Med. 38, 852 (1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, generate_binary_structure, uniform_filter
from scipy.optimize import brentq
from scipy.special import gammaln

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.masks import head

BLOCK = 5
FEWEST = 40
MOST_CHANNELS = 64.0


@dataclass(frozen=True)
class Noise:
    """Of one scan, in its own units.

    sigma     of the real part of one channel
    kind      "gaussian" (signed values), "rician", "chi", or "removed": the background was set to zero, and sigma comes
              from differences of neighbours inside, which count fine structure as noise
    channels  n of the chi distribution; 1 for the others
    signal    median inside the head;  SNR = signal / sigma
    """

    sigma: float
    kind: str
    channels: float
    signal: float

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
        return Noise(_inside(v, inside), "removed", 1.0, signal)
    if np.mean(values < 0) > 0.2:
        return Noise(float(1.4826 * np.median(np.abs(values - np.median(values)))), "gaussian", 1.0, signal)
    mean, square = _quiet(v, outside)
    ratio = float(np.clip(mean**2 / square, _ratio(1.0), _ratio(MOST_CHANNELS)))
    n = 1.0 if ratio <= _ratio(1.15) else float(brentq(lambda n: _ratio(n) - ratio, 1.0, MOST_CHANNELS))
    return Noise(float(np.sqrt(square / (2 * n))), "rician" if n == 1 else "chi", n, signal)


def _ratio(n: float) -> float:
    return float(np.exp(2 * (gammaln(n + 0.5) - gammaln(n))) / n)


def _quiet(v: NDArray[np.float64], outside: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean and mean square over blocks of the background: those in the middle, so that ghosts in some do not count."""
    size = tuple(min(BLOCK, n) for n in v.shape)
    share = uniform_filter(outside.astype(float), size, mode="constant")
    whole = (share > 0.999) & outside
    whole &= _every(v.shape, size)
    if whole.sum() < FEWEST:
        return float(v[outside].mean()), float(np.mean(v[outside] ** 2))
    mean, square = uniform_filter(v, size)[whole], uniform_filter(v**2, size)[whole]
    order = np.argsort(square)
    some = order[len(order) // 4 : 3 * len(order) // 4]
    return float(mean[some].mean()), float(square[some].mean())


def _every(shape: tuple[int, ...], size: tuple[int, ...]) -> NDArray[np.bool_]:
    found = np.zeros(shape, bool)
    found[tuple(slice(s // 2, None, s) for s in size)] = True
    return found


def _inside(v: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """From second differences along the axis that changes least: their deviation is sqrt(6) sigma for white noise."""
    found = []
    for axis in range(3):
        if v.shape[axis] < 5:
            continue
        a, m = np.moveaxis(v, axis, 0), np.moveaxis(inside, axis, 0)
        all_in = m[:-2] & m[1:-1] & m[2:]
        if all_in.sum() > 100:
            found.append(1.4826 * np.median(np.abs((a[:-2] - 2 * a[1:-1] + a[2:])[all_in])) / np.sqrt(6))
    return float(min(found)) if found else float("nan")
