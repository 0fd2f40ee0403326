"""The project's own encoder of slices: "spinloom-features-1", 48 numbers that describe texture and grey values.

A slice is sampled at 1 mm, 256 x 256 about the middle of its mask, on the scale that both images share, and filtered by
a bank of 5 x 4 Gabor functions (wavelengths 2.5, 4, 8, 16 and 32 mm, every 45 degrees). Features: log10 of the mean and
of the standard deviation of each response inside the mask (plus a thousandth of the scale), and eight quantiles of the
grey values. No weights, nothing learned, the same for ever, so numbers of different papers can be compared if they name
it. It is no substitute for Inception, whose column it never stands in.

Daugman, J. Opt. Soc. Am. A 2, 1160 (1985); Manjunath & Ma, IEEE Trans. Pattern Anal. Mach. Intell. 18, 837 (1996).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from spinloom.evaluation.pair import Mask, Values

NAME = "spinloom-features-1"
SIZE, STEP_MM = 256, 1.0
WAVELENGTHS_MM, ANGLES = (2.5, 4.0, 8.0, 16.0, 32.0), 4
FLOOR = 1e-3
QUANTILES = (0.02, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 0.98)
N = 2 * len(WAVELENGTHS_MM) * ANGLES + len(QUANTILES)
LEAST = 0.02
"""Share of a volume's largest slice that a slice must fill to be looked at."""


def slice_features(image: Values, mask: Mask, voxel_mm: tuple[float, float]) -> Values:
    """(48,) features of a slice (nx, ny), its values on the scale that both images share.

    mask  (nx, ny);  voxel_mm  of the two axes [mm]
    """
    flat, inside = _sampled(image * mask, voxel_mm, mask), _sampled(mask.astype(float), voxel_mm, mask) > 0.5
    if not inside.any():
        return np.zeros(N)
    spectrum = scipy.fft.fft2(flat)
    answers = [np.abs(scipy.fft.ifft2(spectrum * kernel))[inside] for kernel in _bank()]
    found = [np.log10(value + FLOOR) for a in answers for value in (a.mean(), a.std())]
    return np.array([*found, *np.quantile(flat[inside], QUANTILES)])


def volume_features(image: Values, mask: Mask, voxel_mm: tuple[float, float, float], most: int = 32) -> Values:
    """(n, 48) features of up to `most` axial slices, evenly spaced, that hold enough of the mask."""
    area = mask.sum(axis=(0, 1))
    worth = np.flatnonzero(area > LEAST * area.max())
    some = worth[np.unique(np.linspace(0, len(worth) - 1, min(most, len(worth))).astype(int))]
    return np.array([slice_features(image[:, :, z], mask[:, :, z], voxel_mm[:2]) for z in some])


def _sampled(image: Values, voxel_mm: tuple[float, float], mask: Mask) -> Values:
    """256 x 256 samples, 1 mm apart, about the middle of the mask; what lies further out is not looked at."""
    middle = [float(np.mean(np.flatnonzero(mask.any(axis=1 - a)))) if mask.any() else 0.0 for a in (0, 1)]
    steps = (np.arange(SIZE) - (SIZE - 1) / 2) * STEP_MM
    at = np.meshgrid(*(m + steps / d for m, d in zip(middle, voxel_mm, strict=True)), indexing="ij")
    return np.asarray(map_coordinates(image.astype(float), at, order=1, mode="constant"))


@lru_cache(maxsize=1)
def _bank() -> NDArray[np.float64]:
    """(20, 256, 256) Gabor functions in the frequency domain: a bell about (cos a, sin a) / wavelength, no mean."""
    fx, fy = np.meshgrid(*[scipy.fft.fftfreq(SIZE, STEP_MM)] * 2, indexing="ij")
    kernels = []
    for wavelength in WAVELENGTHS_MM:
        for n in range(ANGLES):
            angle, width = np.pi * n / ANGLES, 0.35 / wavelength
            away = (fx - np.cos(angle) / wavelength) ** 2 + (fy - np.sin(angle) / wavelength) ** 2
            kernel = np.exp(-away / (2 * width**2))
            kernel[0, 0] = 0.0
            kernels.append(kernel)
    return np.array(kernels)
