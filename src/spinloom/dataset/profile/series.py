"""Relaxation of a head from images at several inversion or echo times: the commonest, the spread, the error.

The commonest time of a head is white matter's, its largest even part: the mode of the histogram of log T. It says by
how much a simulated tissue table must be stretched to relax like the measured head.

Inversions without sign are given one: of the points in order of TI, the first k are turned, k that of the best fit
(Nekolla et al., J. Comput. Assist. Tomogr. 16, 327, 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.masks import Mask, head
from spinloom.dataset.profile.power_decay import fit_T2_above_floor
from spinloom.dataset.profile.relaxometry import Fit, fit_T1, fit_T2

Values = NDArray[np.float64]
BINS = np.geomspace(5e-3, 8.0, 241)
SMOOTH = 2.0
"""Of the histogram of log T [bins of 3 %]."""
SURE = 0.25
"""Voxels whose standard error is a larger part of T do not count."""


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Of one head, over the voxels where T is known to 25 %.

    mode                T most voxels have [s];  median, low, high: 5th and 95th percentile [s]
    error               median standard error of a voxel [s]
    inversion           median c of 1 - c exp(-TI / T1): 2 for a perfect inversion; 0 for echoes
    voxels              that count, of the head's
    share               of the head that they are
    T, T_error, A       (x, y, z) [s], [s], signal; NaN outside the head
    """

    mode: float
    median: float
    low: float
    high: float
    error: float
    inversion: float
    voxels: int
    share: float
    T: Values
    T_error: Values
    A: Values


def measure_T1(images: Sequence[Image], TI: Sequence[float], mask: Mask | None = None) -> Relaxation:
    """From inversion recoveries, signed or magnitudes.

    images  on one grid;  TI (images,) [s], four or more
    mask    (x, y, z); None: the head where signal is strongest

    Raises InputError for images on different grids, times that do not fit and heads of which nothing can be told.
    """
    y, inside = _series(images, TI, mask)
    order = np.argsort(TI)
    signed = bool((y < -0.05 * np.abs(y).max()).any())
    fit = fit_T1(y, TI) if signed else _best_sign(y[:, order], np.asarray(TI, float)[order])
    return _told(fit.T, fit.T_error, fit.A, fit.c, inside)


def measure_T2(
    images: Sequence[Image], TE: Sequence[float], sigma: float = 0.0, mask: Mask | None = None, n: float = 1.0
) -> Relaxation:
    """From spin echoes.

    images  magnitudes on one grid;  TE (images,) [s], three or more
    sigma   noise of one channel: the floor is then part of the model; 0: a plain fit
    n       channels

    Raises InputError as measure_T1.
    """
    y, inside = _series(images, TE, mask)
    if sigma > 0:
        d = fit_T2_above_floor(y, TE, sigma, n)
        return _told(d.T2, d.T2_error, d.A, np.zeros(len(y)), inside)
    fit = fit_T2(y, TE)
    return _told(fit.T, fit.T_error, fit.A, fit.c, inside)


def _series(images: Sequence[Image], times: Sequence[float], mask: Mask | None) -> tuple[Values, Mask]:
    """(voxel, image) signals inside, and where that is."""
    if not images or len(images) != len(times):
        raise InputError(f"{len(images)} images and {len(times)} times", remedy="Give one time for each image.")
    if any(not image.grid.same_place(images[0].grid) for image in images):
        raise InputError("the images of a series lie on different grids", remedy="Resample them to one.")
    stack = np.stack([np.asarray(image.data, float) for image in images], axis=-1)
    inside = head(np.abs(stack).max(-1)) if mask is None else np.asarray(mask, bool)
    if inside.shape != stack.shape[:3] or not inside.any():
        raise InputError("the mask is empty or of another shape than the images")
    return stack[inside], inside


def _best_sign(y: Values, TI: Values) -> Fit:
    """Of magnitudes in order of TI: the fit of the turned points that leaves least."""
    best: Fit | None = None
    for turned in range(len(TI)):
        sign = np.where(np.arange(len(TI)) < turned, -1.0, 1.0)
        fit = fit_T1(y * sign, TI)
        if best is None:
            best = fit
            continue
        better = fit.residual < best.residual
        names = ("T", "T_error", "A", "c", "residual")
        best = Fit(*(np.where(better, getattr(fit, n), getattr(best, n)) for n in names))
    assert best is not None
    return best


def _told(T: Values, error: Values, A: Values, c: Values, inside: Mask) -> Relaxation:
    sure = np.isfinite(error) & (error < SURE * T) & (T > BINS[1]) & (T < BINS[-2])
    if sure.sum() < 20:
        raise InputError("no relaxation time can be told", remedy="Are the times right, and the images magnitudes?")
    t = T[sure]
    low, median, high = (float(v) for v in np.percentile(t, [5, 50, 95]))
    maps = []
    for values in (T, error, A):
        m = np.full(inside.shape, np.nan)
        m[inside] = values
        maps.append(m)
    return Relaxation(
        commonest(t), median, low, high, float(np.median(error[sure])), float(np.median(c[sure])), len(t),
        float(sure.mean()), *maps,
    )  # fmt: skip


def commonest(t: Values) -> float:
    """Mode of the smoothed histogram of log T [s]."""
    count, edges = np.histogram(np.log(t), np.log(BINS))
    smooth = gaussian_filter1d(count.astype(float), SMOOTH)
    at = int(np.argmax(smooth))
    return float(np.exp((edges[at] + edges[at + 1]) / 2))
