"""How sharp a scan is along each axis: where its k-space ends, and how wide a point becomes.

Anatomy has edges, so its power along a line falls as k^-p with p near 2; what a scanner makes of it is

    P(k) = A k^-p exp(-(2 pi s k)^2) + N     up to k_max,   next to nothing beyond

s is the blur, N the noise. Zero filling puts voxels between voxels without moving k_max: the voxel that was acquired
is 1 / (2 k_max). The point spread function is the transform of exp(-(2 pi s k)^2 / 2) cut at k_max. Since the
anatomy's own p is not known, its width is given for p = 2, and as an interval for p from 1.5 to 2.5.

The spectrum is that of pieces of lines that lie wholly inside the head, each less its mean and tapered (Welch, IEEE
Trans. Audio Electroacoust. 15, 70, 1967): there magnitudes are nearly real parts, whose spectrum taking magnitudes
does not spread. p near 2 for edges: Field, J. Opt. Soc. Am. A 4, 2379 (1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.masks import Mask, head

Values = NDArray[np.float64]
EXPONENTS = (2.0, 1.5, 2.5)
LONGEST, SHORTEST = 64, 16
FEWEST_LINES = 50
CLIFF = float(np.log(6.0))
"""How far the power falls at the end of k-space, at least (natural logarithm)."""
TAPER_BINS = 1.5


@dataclass(frozen=True)
class Resolution:
    """Along one axis.

    voxel_mm     of the file
    acquired_mm  1 / (2 k_max); low and high: where the fall begins and where it has ended
    FWHM_mm      of the point spread function; low and high: for an anatomy of p = 1.5 to 2.5 and the fit's own spread
    zero_filled  voxels of the file per acquired one
    """

    voxel_mm: float
    acquired_mm: tuple[float, float, float]
    FWHM_mm: tuple[float, float, float]

    @property
    def zero_filled(self) -> float:
        return self.acquired_mm[1] / self.voxel_mm


def unresolved(voxel_mm: float) -> Resolution:
    """Of an axis that cannot tell: the voxel of the file, and no width."""
    nothing = float("nan")
    return Resolution(voxel_mm, (voxel_mm,) * 3, (nothing,) * 3)


def measure_resolution(image: Image, mask: Mask | None = None) -> tuple[Resolution | None, ...]:
    """Of every axis of the array; None where lines inside the head are too short or too few to tell.

    mask  (x, y, z) the head; None: found in the image

    Raises InputError for a mask of another shape.
    """
    v = np.abs(np.asarray(image.data, np.float32))
    inside = head(v) if mask is None else np.asarray(mask, bool)
    if inside.shape != v.shape:
        raise InputError(f"the mask has shape {inside.shape}, the image {v.shape}")
    return tuple(_along(v, inside, axis, float(d)) for axis, d in enumerate(image.grid.voxel_mm))


def _along(v: NDArray[np.float32], inside: Mask, axis: int, voxel: float) -> Resolution | None:
    found = spectrum(v, inside, axis)
    if found is None:
        return None
    k, P = found
    low, end, high = _support(k, P)
    widths = [_width(k, P, low if end < 0.5 else 0.5, end, p) for p in EXPONENTS]
    spread = 0.05 * widths[0]
    return Resolution(
        voxel,
        (voxel / (2 * high), voxel / (2 * end), voxel / (2 * low)),
        (voxel * (min(widths) - spread), voxel * widths[0], voxel * (max(widths) + spread)),
    )


def spectrum(v: NDArray[np.float32], inside: Mask, axis: int) -> tuple[Values, Values] | None:
    """Cycles per voxel (k,) without 0 and the lowest, and mean power (k,) of lines inside along an axis."""
    lines, within = np.moveaxis(v, axis, -1), np.moveaxis(inside, axis, -1)
    n = lines.shape[-1]
    for length in range(min(LONGEST, n // 2 * 2), SHORTEST - 1, -8):
        taper = np.hanning(length + 2)[1:-1]
        total, count = np.zeros(length // 2 + 1), 0
        for first in range(0, n - length + 1, max(1, length // 4)):
            piece = slice(first, first + length)
            x = lines[..., piece][within[..., piece].all(-1)].astype(float)
            if len(x):
                x = (x - x.mean(-1, keepdims=True)) * taper
                total += np.sum(np.abs(np.fft.rfft(x, axis=-1)) ** 2, axis=0)
                count += len(x)
        if count >= FEWEST_LINES and total[2:].min() > 0:
            return np.asarray(np.fft.rfftfreq(length)[2:], float), total[2:] / count
    return None


def _support(k: Values, P: Values) -> tuple[float, float, float]:
    """Where the power begins to fall off its cliff, its middle and its end [1/voxel]; 0.5 thrice if there is none."""
    level, x = np.log(P), np.log(k)
    best, at = 0.0, -1
    for j in range(5, len(k) - 4):
        slope, offset = np.polyfit(x[max(0, j - 8) : j - 1], level[max(0, j - 8) : j - 1], 1)
        beyond = level[j + 3 :]
        drop = float(np.mean(offset + slope * x[j + 3 :] - beyond))
        flat = np.ptp(beyond) < 0.5 * drop
        if flat and drop > best:
            best, at = drop, j
    if at < 0 or best < CLIFF:
        return 0.5, 0.5, 0.5
    top = max(0, at - 8)
    slope, offset = np.polyfit(x[top : at - 1], level[top : at - 1], 1)
    fall = offset + slope * x - level
    bin_ = float(k[1] - k[0])

    def crossing(drop: float) -> float:
        later = np.flatnonzero((fall >= drop) & (np.arange(len(k)) >= max(at - 4, 1)))
        j = int(later[0]) if len(later) else len(k) - 1
        part = (drop - fall[j - 1]) / (fall[j] - fall[j - 1]) if fall[j] > fall[j - 1] else 1.0
        return float(k[j - 1] + np.clip(part, 0, 1) * bin_)

    half, middle, last = crossing(float(np.log(2))), crossing(0.5 * best), crossing(0.8 * best)
    end = max(half, middle - TAPER_BINS * bin_)  # the taper spreads a sharp end over some bins, a soft end is soft
    return half - bin_, end, min(0.5, max(last, end + bin_))


def _width(k: Values, P: Values, last: float, end: float, p: float) -> float:
    """Full width at half maximum of the point spread function [voxel], for an anatomy of power k^-p."""
    used = k <= max(last * 0.97, k[min(5, len(k) - 1)])
    y, q = P[used], k[used]
    weight = 1 / y
    best = (np.inf, 0.0)
    for s in np.linspace(0, 2.0, 201):
        shape = np.stack([q**-p * np.exp(-((2 * np.pi * s * q) ** 2)), np.ones_like(q)], axis=1) * weight[:, None]
        x, *_ = np.linalg.lstsq(shape, y * weight, rcond=None)
        if x[1] < 0:
            x = np.array([float(np.dot(shape[:, 0], y * weight) / np.dot(shape[:, 0], shape[:, 0])), 0.0])
        left = float(np.sum(np.log(np.maximum(shape @ x, 1e-12)) ** 2))
        if left < best[0]:
            best = (left, float(s))
    return point_spread_FWHM(best[1], end)


def point_spread_FWHM(s: float, end: float) -> float:
    """Of the transform of exp(-(2 pi s k)^2 / 2) for |k| < end; 1.207 / (2 end) for s = 0."""
    f = np.linspace(0, end, 401)
    M = np.exp(-((2 * np.pi * s * f) ** 2) / 2)

    def half(r: float) -> float:
        return float(np.trapezoid(M * (np.cos(2 * np.pi * f * r) - 0.5), f))

    return 2 * float(brentq(half, 1e-6, 1 / end + 4 * s))
