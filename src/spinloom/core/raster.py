"""The raster of pixels that scattered samples of k-space fill: spokes, spirals, stacks of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
WIDEST = 0.5
"""Field of view taken at most where only the spacing of samples tells it: readouts are often oversampled [m]."""
FEWEST, MOST, MOST_3D = 8, 512, 256
RESIDUE = 0.05
"""k that varies by less is left over from spoilers and rounding [1/m]."""


@dataclass(frozen=True)
class Raster:
    """Pixels along x, y, z and the axes' part in the scan; the slice axis of a 2D scan has one pixel of size 0.

    n      pixels
    size   of a pixel [m]
    """

    n: tuple[int, int, int]
    size: tuple[float, float, float]
    readout_axis: int
    phase_axis: int
    volume: bool


def scattered_raster(k: FloatArray, FOV: tuple[float, float, float] = (np.nan, np.nan, np.nan)) -> Raster | None:
    """Square (2D) or, for 3D k, cubic pixels; None where k varies along fewer than two axes.

        N = extent FOV,   extent = 2 k_max (+ dk for straight readouts, which sample the middles of intervals dk)

    A stack (k constant along one axis within readouts, stepped between them) keeps its own spacing along that axis.
    N is even where readouts are curved, and between 8 and 512 (3D: 256).

    k    (readout, sample, 3), all samples [1/m]; padding is NaN
    FOV  along x, y, z [m]; where none in plane lies between 0 and 2: 1 / dk, at most 0.5

    Bernstein, King & Zhou, Handbook of MRI Pulse Sequences (2004), ch. 17.
    """
    low, high = np.nanmin(k, axis=(0, 1)), np.nanmax(k, axis=(0, 1))
    varies = high - low > max(RESIDUE, 1e-2 * float((high - low).max()))
    if varies.sum() < 2:
        return None
    within = np.median(np.nanmax(k, axis=1) - np.nanmin(k, axis=1), axis=0)
    stack = [a for a in range(3) if varies.all() and within[a] < 1e-3 * within.max()]
    inside = [a for a in range(3) if varies[a] and a not in stack]
    if len(inside) < 2:
        return None
    readout = max(inside, key=lambda a: float(within[a]))
    phase = next(a for a in inside if a != readout)
    step = _step(k[..., inside])
    said = [FOV[a] for a in inside if 0 < FOV[a] < 2]
    wide = max(said) if said else min(1 / step, WIDEST)
    most = MOST if len(inside) == 2 else MOST_3D
    number = min(max(_number(k[..., inside], step, wide), FEWEST), most)
    n, size = [1, 1, 1], [0.0, 0.0, 0.0]
    for a in inside:
        n[a], size[a] = number, wide / number
    for a in stack:
        levels = np.unique(np.round(k[:, 0, a], 2))
        dk = float(np.median(np.diff(levels)))
        wide_a = FOV[a] if 0 < FOV[a] < 2 else 1 / dk
        n[a] = min(max(round((float(np.ptp(levels)) + dk) * wide_a), 1), most)
        size[a] = wide_a / n[a]
    return Raster((n[0], n[1], n[2]), (size[0], size[1], size[2]), readout, phase, bool(varies.all()))


def _step(k: FloatArray) -> float:
    """Typical distance between neighbouring samples of a readout that moves [1/m]."""
    jumps = np.linalg.norm(np.diff(k, axis=1), axis=-1)
    return float(np.median(jumps[jumps > 1e-3 * np.nanmax(jumps)]))


def _number(k: FloatArray, step: float, FOV: float) -> int:
    """Pixels across the field of view: k (readout, sample, 2 or 3) in the plane or volume."""
    radius = float(np.nanmax(np.linalg.norm(k, axis=-1)))
    last = np.sum(~np.isnan(k[..., 0]), axis=1) - 1
    chord = k[np.arange(len(k)), last] - k[:, 0]
    length = np.linalg.norm(chord, axis=1)
    path = np.nansum(np.linalg.norm(np.diff(k, axis=1), axis=-1), axis=1)
    if np.median(length / np.maximum(path, 1e-12)) < 0.99:
        return 2 * round(radius * FOV)
    along = np.einsum("rsd,rd->rs", k, chord / np.maximum(length, 1e-12)[:, None])
    first, final = float(np.median(np.nanmin(along, axis=1))), float(np.median(np.nanmax(along, axis=1)))
    middle = abs(first + final) < 2.5 * step
    return round((final - first + step if middle else 2 * radius + step) * FOV - 1e-6)
