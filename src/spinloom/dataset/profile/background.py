"""Noise of magnitudes from the background, where it is not quite empty.

Behind a head there are tails of its edges (Gibbs), ghosts and vessels. They add signal A >= 0 under the noise, so
that plain moments of the background find too much noise, and too many channels. In blocks of a few voxels such
structure is nearly the sum of what depends on two of the three axes alone; what is left of a block when these are
taken away,

    r = (1 - mean over x)(1 - mean over y)(1 - mean over z) M,      <r^2> = (1 - 1/bx)(1 - 1/by)(1 - 1/bz) var M

is noise, and Koay's correction makes of var M and the mean of the block the sigma of one channel, whatever A is. The
number of channels n is that of the quietest blocks, where A is least:

    <M>^2 / <M^2> = (Gamma(n + 1/2) / Gamma(n))^2 / n          pi / 4 for n = 1 (Rayleigh: mean / sd = 1.9130)

Koay & Basser, J. Magn. Reson. 179, 317 (2006); Constantinides et al., Magn. Reson. Med. 38, 852 (1997).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln

from spinloom.core.masks import Mask
from spinloom.dataset.profile.koay import mean_over_sd, variance_factors

Values = NDArray[np.float64]
EDGES = (6, 4, 3)
GROUP_VOXELS = 5000
CLOSE = 0.03
"""Moments of noise alone agree to this, in that many voxels."""
FEWEST_BLOCKS = 30
QUIET = 0.1
"""Share of the blocks, those of least energy, that tell how many channels there are."""
MOST_CHANNELS = 64.0
ONE = 1.15
"""Up to here the channels are called one."""
THETAS = np.concatenate([np.linspace(0, 8, 161), np.geomspace(8.5, 1e3, 40)])


def background_noise(v: Values, outside: Mask) -> tuple[float, float] | None:
    """Sigma of one real channel, and the number of channels; None where too little background is whole.

    v        (x, y, z) magnitudes
    outside  (x, y, z) where no tissue is
    """
    x = _blocks(v, outside)
    if x is None:
        return None
    mean, square = x.mean((1, 2, 3)), (x**2).mean((1, 2, 3))
    quiet = np.argsort(square)[: max(FEWEST_BLOCKS // 2, int(QUIET * len(x)))]
    n = channels(float(mean[quiet].mean() ** 2 / square[quiet].mean()))
    r, kept = x, 1.0
    for axis in (1, 2, 3):
        if x.shape[axis] > 1:
            r = r - r.mean(axis, keepdims=True)
            kept *= 1 - 1 / x.shape[axis]
    var = (r**2).mean((1, 2, 3)) / kept
    groups = _alike(mean, int(np.prod(x.shape[1:])))
    quieter = groups[: max(1, len(groups) // 2)]
    sigmas = [_sigma(float(mean[g].mean()), float(var[g].mean()), float(square[g].mean()), n) for g in quieter]
    return float(np.median(sigmas)), n


def _alike(mean: Values, voxels: int) -> list[NDArray[np.intp]]:
    """Blocks in groups of like mean, the quietest first, each with voxels enough for a variance to 2 %."""
    return np.array_split(np.argsort(mean), max(1, len(mean) * voxels // GROUP_VOXELS))


def _sigma(mean: float, var: float, square: float, n: float) -> float:
    """Of blocks of like mean: from the mean square where they hold noise alone, else from what structure leaves."""
    if abs(mean**2 / square / _ratio(n) - 1) < CLOSE:
        return float(np.sqrt(square / (2 * n)))
    if var <= 0:
        return 0.0
    seen, factor = mean / np.sqrt(var), variance_factors(THETAS, n)
    alone = seen < (1 + CLOSE) * mean_over_sd(0.0, n)
    return float(np.sqrt(var / (factor[0] if alone else np.interp(seen, mean_over_sd(THETAS, n), factor))))


def channels(ratio: float) -> float:
    """n of <M>^2 / <M^2>, between 1 and 64."""
    ratio = float(np.clip(ratio, _ratio(1.0), _ratio(MOST_CHANNELS)))
    return 1.0 if ratio <= _ratio(ONE) else float(brentq(lambda n: _ratio(n) - ratio, 1.0, MOST_CHANNELS))


def _ratio(n: float) -> float:
    return float(np.exp(2 * (gammaln(n + 0.5) - gammaln(n))) / n)


def _blocks(v: Values, outside: Mask) -> Values | None:
    """(block, bx, by, bz) of whole background, the largest blocks of which there are enough."""
    for edge in EDGES:
        size = [min(edge, n) for n in v.shape]
        cut = tuple(slice(0, n // b * b) for n, b in zip(v.shape, size, strict=True))
        shape = [k for n, b in zip(v.shape, size, strict=True) for k in (n // b, b)]
        axes = (0, 2, 4, 1, 3, 5)
        whole = outside[cut].reshape(shape).transpose(axes).reshape(-1, *size).all((1, 2, 3))
        blocks = v[cut].reshape(shape).transpose(axes).reshape(-1, *size)[whole]
        some = np.median(blocks, (1, 2, 3)) > 0  # scanners zero parts of what they think is air
        if some.sum() >= FEWEST_BLOCKS:
            return np.asarray(blocks[some])
    return None
