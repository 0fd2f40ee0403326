"""What a filter without any learning does for the same scores: a model has to be measured against these, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy.ndimage import gaussian_filter
from scipy.signal import wiener

Plane = NDArray[np.floating]


def smoothed(sigma: float) -> Callable[[Plane], Plane]:
    """A Gaussian of sigma pixels."""
    return lambda x: gaussian_filter(np.asarray(x, float), sigma)


def adaptive(x: Plane) -> Plane:
    """Wiener's filter in windows of 5 x 5: smooth where the local variance is that of noise. Lim (1990), p. 548."""
    return np.asarray(wiener(np.asarray(x, float), 5))


def sharpened(x: Plane) -> Plane:
    """Unsharp masking, x + (x - G x), G of 1.5 pixels."""
    x = np.asarray(x, float)
    return 2 * x - gaussian_filter(x, 1.5)


def lanczos(x: Plane) -> Plane:
    """The acquired 2 mm pixels, interpolated to 1 mm with Lanczos' kernel of three lobes."""
    x = np.asarray(x, np.float32)
    half = (x.shape[1] // 2, x.shape[0] // 2)
    small = Picture.fromarray(x).resize(half, Picture.Resampling.BOX)
    return np.asarray(small.resize((x.shape[1], x.shape[0]), Picture.Resampling.LANCZOS), float)


FILTERS: Mapping[str, Callable[[Plane], Plane]] = MappingProxyType(
    {
        "smoothed, 1 px": smoothed(1.0),
        "smoothed, 1.5 px": smoothed(1.5),
        "smoothed, 2.5 px": smoothed(2.5),
        "Wiener": adaptive,
        "Lanczos": lanczos,
        "sharpened": sharpened,
    }
)
