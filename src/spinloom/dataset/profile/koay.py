"""The noise of magnitudes from inside the head, where the background was taken away.

The scatter of a magnitude is narrower than the noise it comes from. With signal A, theta = A / sigma and n channels
added as root sum of squares, a magnitude M has

    var M = sigma^2 xi(theta),   xi = 2 n + theta^2 - (beta_n 1F1(-1/2; n; -theta^2 / 2))^2,
    beta_n = sqrt(2) Gamma(n + 1/2) / Gamma(n)

Mean and scatter together give theta, as the fixed point of theta^2 = xi(theta) (1 + (mean / sd)^2) - 2 n.

Koay & Basser, J. Magn. Reson. 179, 317 (2006).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter
from scipy.special import gammaln, hyp1f1
from scipy.stats import chi2

from spinloom.core.image import Image
from spinloom.core.masks import Mask, head
from spinloom.dataset.fingerprint_image import noise_sd

Values = NDArray[np.float64]
BLOCK = (4, 4, 2)
EVEN = 0.1
FEWEST = 20
LARGE = 30.0
"""From this theta on the factor is 1 to 1e-3, and the hypergeometric function no longer says so."""


def variance_factors(theta: ArrayLike, n: float = 1.0) -> Values:
    """xi (...): variance of a magnitude over sigma^2; 2 - pi/2 for n = 1 without signal, 1 with much.

    theta  (...) signal over sigma;  n  channels
    """
    t = np.asarray(theta, float)
    small = np.minimum(t, LARGE)
    exact = 2 * n + small**2 - _means(small, n) ** 2
    return np.asarray(np.where(t > LARGE, 1 - (2 * n - 1) / (2 * np.maximum(t, LARGE) ** 2), exact))


def mean_over_sd(theta: ArrayLike, n: float = 1.0) -> Values:
    """(...) of a magnitude; 1.9130 for n = 1 without signal."""
    t = np.asarray(theta, float)
    xi = variance_factors(t, n)
    return np.asarray(np.sqrt((2 * n + t**2 - xi) / xi))


def _means(theta: Values, n: float) -> Values:
    beta = np.sqrt(2) * np.exp(gammaln(n + 0.5) - gammaln(n))
    return np.asarray(beta * hyp1f1(-0.5, n, -(theta**2) / 2))


def sigma_of_scatter(mean: float, sd: float, n: float = 1.0) -> float:
    """Noise of one real channel from the mean and the standard deviation of magnitudes of one signal.

    n  channels

    0 for sd = 0. A mean that is lower than noise alone can have counts as noise alone.
    """
    if not sd > 0:
        return 0.0
    square = (mean / sd) ** 2
    theta = float(np.sqrt(max(square, 1e-6)))
    for _ in range(200):
        new = float(np.sqrt(max(float(variance_factors(theta, n)) * (1 + square) - 2 * n, 0.0)))
        if abs(new - theta) < 1e-6 * max(theta, 1.0):
            break
        theta = new
    return float(sd / np.sqrt(float(variance_factors(theta, n))))


def noise_inside(image: Image, mask: Mask | None = None, n: float = 1.0) -> float:
    """Noise of one real channel from the evenest parts of the head, corrected for being magnitudes.

        d = sum of +-x over 2 x 2 x 2 voxels / sqrt(8), signs alternating along every axis (Haar's finest wavelet)
        s^2 = q(<d^2> over a block of 32, 10 %) 32 / chi2(32, 10 %)

    mask  (x, y, z) the head; None: found in the image
    n     channels

    A tenth of the blocks being free of fine structure is enough; where none is, the result is too large. The noise must
    be independent from voxel to voxel: interpolation, zero filling and smoothing make the result too small. It is then
    the noise one sees between neighbours, not the one that was received.

    Donoho, IEEE Trans. Inf. Theory 41, 613 (1995); Coupé et al., Med. Image Anal. 14, 483 (2010).
    """
    v = np.abs(np.asarray(image.data, np.float32))
    inside = head(v) if mask is None else np.asarray(mask, bool)
    if not inside.any():
        return 0.0
    d, within = _finest(v, inside)
    size = tuple(min(b, k) for b, k in zip(BLOCK, d.shape, strict=True))
    count = int(np.prod(size))
    whole = uniform_filter(within.astype(float), size, mode="constant") > 1 - 1e-6
    if whole.sum() < FEWEST * count:
        return sigma_of_scatter(float(np.median(v[inside])), noise_sd(v, inside), n)
    energy, level = uniform_filter(d**2, size)[whole], uniform_filter(_means_of_two(v), size)[whole]
    quiet = float(np.quantile(energy, EVEN))
    sd = np.sqrt(quiet * count / chi2.ppf(EVEN, count))
    return sigma_of_scatter(float(np.median(level[energy <= quiet])), float(sd), n)


def _finest(v: Values, inside: Mask) -> tuple[Values, Mask]:
    """Haar's finest wavelet, and where it lies wholly inside."""
    d = np.asarray(v, float)
    for axis in (a for a in range(3) if v.shape[a] > 1):
        even, odd = _halves(v.shape[axis], axis)
        d = (d[even] - d[odd]) / np.sqrt(2)
        inside = inside[even] & inside[odd]
    return d, inside


def _means_of_two(v: Values) -> Values:
    m = np.asarray(v, float)
    for axis in (a for a in range(3) if v.shape[a] > 1):
        even, odd = _halves(v.shape[axis], axis)
        m = (m[even] + m[odd]) / 2
    return m


def _halves(n: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    even, odd = (tuple(slice(first, n - n % 2, 2) if a == axis else slice(None) for a in range(3)) for first in (0, 1))
    return even, odd
