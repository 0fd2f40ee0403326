"""Slices framed by what they show, not by where their pixels end: padding, crops, shifts and scales fall away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_opening, gaussian_filter

from spinloom.core.errors import UsageError

SIDE = 48
LOOK = 64
"""Cells per side in which the content is looked for."""
WINDOW = 1.8
"""Half the side of the frame, in root mean square distances of the content from its centroid."""
CLEARLY = 0.1
"""Difference from the background that is content, of the greatest (98th percentile)."""
LEAST_AREA = 0.3
"""Of the area most slices fill (90th percentile): the tips of all heads are alike."""
LEAST_CONTRAST = 0.1
"""Of the contrast most slices have: others hold noise alone."""
LOCAL = 5.0
"""Standard deviation of the Gaussian whose mean is taken away [cells of the frame]."""

Array = NDArray[np.float32]


def framed(stack: NDArray[np.generic], pixel: tuple[float, float] = (1.0, 1.0)) -> tuple[Array, Array]:
    """Slices (n, y, x) → pictures (n, SIDE^2) of their detail, and (n, 2) area of what each shows and its contrast.

        content   |x - background| > CLEARLY p98;   background: the median of the rim
        frame     about its centroid, half a side of WINDOW rms distances, averaged to SIDE x SIDE
        detail    share of the content that is darker (so that gain, gamma and offset fall away), less its local mean

    0 outside the content, length 1.   pixel  (y, x) size, in any unit
    """
    values = np.array(stack, np.float32, order="C")
    values[~np.isfinite(values)] = 0
    if values.ndim != 3 or min(pixel) <= 0:
        raise UsageError(f"slices (n, y, x) and sizes above 0 are needed, got {values.shape}, {pixel}")
    ny, nx = values.shape[1:]
    if not values.size:
        return np.empty((0, SIDE * SIDE), np.float32), np.empty((0, 2), np.float32)
    centre = np.array([[ny * pixel[0], nx * pixel[1]]]) / 2
    half = centre.max(axis=1)
    rim = np.concatenate([values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], axis=1)
    values -= np.median(rim, axis=1)[:, None, None]
    sums = _sums(values)
    for _ in range(2):
        look = np.abs(_averaged(sums, centre, half, LOOK, pixel))
        contrast = np.percentile(look, 98, axis=(1, 2))
        count, middle, rms = _moments(
            binary_opening(look > CLEARLY * contrast[:, None, None], np.ones((1, 3, 3), bool))
        )
        area = count * (2 * half / LOOK) ** 2
        centre, half = centre + half[:, None] * middle, WINDOW * half * rms
    made = _averaged(sums, centre, half, SIDE, pixel)
    pictures = np.stack([_detail(one, CLEARLY * most) for one, most in zip(made, contrast, strict=True)])
    shows = np.abs(pictures).max(axis=1) > 0
    return pictures, np.stack([np.where(shows, area, 0), np.where(shows, contrast, 0)], axis=1).astype(np.float32)


def worth_comparing(shown: Array) -> NDArray[np.int64]:
    """Which slices show enough, by the (n, 2) area and contrast of all: not the tips, not those of noise alone."""
    some = shown[shown.min(axis=1) > 0]
    if not len(some):
        return np.empty(0, np.int64)
    area, contrast = np.percentile(some, 90, axis=0)
    return np.flatnonzero((shown[:, 0] >= LEAST_AREA * area) & (shown[:, 1] >= LEAST_CONTRAST * contrast))


def _moments(content: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(n,) cells, (n, 2) centroid and (n,) rms distance from it, in half sides of the square."""
    count = content.sum(axis=(1, 2))
    at = (np.arange(LOOK) + 0.5) / LOOK * 2 - 1
    share = content / np.maximum(count, 1)[:, None, None]
    rows, columns = share.sum(axis=2), share.sum(axis=1)
    middle = np.stack([rows @ at, columns @ at], axis=1)
    spread = rows @ at**2 + columns @ at**2 - (middle**2).sum(axis=1)
    rms = np.where(count > 0, np.sqrt(np.maximum(spread, (4 / LOOK) ** 2)), 1 / WINDOW)
    return count.astype(float), middle, rms


def _averaged(
    sums: Array, centre: NDArray[np.float64], half: NDArray[np.float64], side: int, pixel: tuple[float, float]
) -> Array:
    """(n, side, side) means over the cells of squares, from sums (n, y + 1, x) of the pixels above each row."""
    rows = _means(sums, centre[:, 0] / pixel[0], half / pixel[0], side)
    return _means(_sums(rows.transpose(0, 2, 1)), centre[:, 1] / pixel[1], half / pixel[1], side).transpose(0, 2, 1)


def _sums(values: Array) -> Array:
    """(n, y + 1, x) sums of (n, y, x) above each row."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1, values.shape[2]), np.float32)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _means(sums: Array, centre: NDArray[np.float64], half: NDArray[np.float64], side: int) -> Array:
    """(n, side, x) means over intervals of y; linear interpolation where a pixel is larger than they are."""
    last = sums.shape[1] - 1
    cell = 2 * half / side
    middle = (centre - half)[:, None] + (np.arange(side) + 0.5) * cell[:, None]
    reach = np.maximum(cell, 1.0)[:, None] / 2

    def below(edge: NDArray[np.float64]) -> Array:
        at = np.clip(edge, 0, last)
        first = np.minimum(at.astype(np.int64), last - 1)
        share = (at - first).astype(np.float32)[..., None]
        slices = np.arange(len(sums))[:, None]
        return np.asarray((1 - share) * sums[slices, first] + share * sums[slices, first + 1])

    return np.asarray((below(middle + reach) - below(middle - reach)) / (2 * reach[..., None]).astype(np.float32))


def _detail(picture: Array, bound: float) -> Array:
    """(SIDE^2,) one picture: ranks inside the content, less their local mean, of length 1."""
    inside = np.abs(picture) > max(float(bound), 1e-30)
    if inside.sum() < SIDE:
        return np.zeros(SIDE * SIDE, np.float32)
    levels = np.quantile(picture[inside], np.linspace(0, 1, 65))
    ranks = np.where(inside, np.interp(picture, levels, np.linspace(0, 1, 65)), 0)
    weight = np.maximum(gaussian_filter(inside.astype(np.float32), LOCAL), 1e-3)
    flat = np.where(inside, ranks - gaussian_filter(ranks, LOCAL) / weight, 0).ravel()
    length = float(np.linalg.norm(flat))
    return np.asarray(flat / length if length > 0 else flat, np.float32)
