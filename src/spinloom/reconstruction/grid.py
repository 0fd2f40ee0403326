"""K-space that does not say what it encodes: arrays from files, and the image grid that samples imply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.core.lines import straight
from spinloom.core.raster import scattered_raster

MOST = 1024


def kspace_from_grid(
    array: NDArray[np.complexfloating], FOV: tuple[float, float], *, slice_thickness: float = 5e-3
) -> KSpace:
    """A 2D Cartesian array, k = 0 at index N // 2 → KSpace. Rows are read, columns of the image run along x.

    array            (coil, y, x) or (y, x) complex
    FOV              (y, x) [m]
    slice_thickness  [m]
    """
    array = np.atleast_3d(array) if array.ndim != 2 else array[None]
    if array.ndim != 3:
        raise InputError(f"gridded k-space has axes (coil, y, x) or (y, x), got shape {array.shape}")
    _, ny, nx = array.shape
    k = np.zeros((ny, nx, 3))
    k[..., 0] = (np.arange(nx) - nx // 2) / FOV[1]
    k[..., 1] = ((np.arange(ny) - ny // 2) / FOV[0])[:, None]
    grid = Grid.centred((nx, ny, 1), (FOV[1] / nx * 1e3, FOV[0] / ny * 1e3, slice_thickness * 1e3))
    return KSpace(array, k, np.zeros((ny, nx)), Encoding(grid))


def implied_encoding(k: NDArray[np.float64], slice_thickness: float = 5e-3) -> Encoding:
    """The image grid that samples imply: voxel from the extent of k, field of view from its smallest step.

        N = extent / step + 1,   FOV = 1 / step     of straight, evenly sampled lines; at most 1024 pixels

    Other samples get square pixels, see scattered_raster. An axis along which k does not change is the slice axis
    (2D); no such axis means 3D.

    k                (readout, sample, 3) [1/m]; padding is NaN
    slice_thickness  of a 2D image [m]
    """
    flat = k[~np.isnan(k[..., 0])]
    extent = flat.max(0) - flat.min(0)
    if extent.max() == 0:
        raise InputError("all samples lie at one point of k-space: there is no image in them")
    moves = np.abs(np.diff(k, axis=1))
    moves[np.isnan(moves)] = 0
    readout = int(np.argmax(moves.max(axis=(0, 1))))
    n, step_mm = [1, 1, 1], [slice_thickness * 1e3] * 3
    raster = None if straight(k, readout) else scattered_raster(k)
    if raster is not None:
        step_mm = [size * 1e3 or slice_thickness * 1e3 for size in raster.size]
        return Encoding(Grid.centred(raster.n, step_mm), raster.readout_axis, raster.phase_axis, raster.volume)
    encoded = extent > 1e-3 * extent.max()
    others = [a for a in range(3) if a != readout and encoded[a]]
    phase = others[0] if others else (readout + 1) % 3
    for axis in np.flatnonzero(encoded):
        gaps = np.diff(np.unique(np.round(flat[:, axis] / extent[axis], 7)) * extent[axis])
        step = float(np.median(moves[..., axis][moves[..., axis] > 0] if axis == readout else gaps))
        n[axis] = min(round(extent[axis] / step) + 1, MOST)
        step_mm[axis] = 1e3 / (n[axis] * step)
    return Encoding(
        Grid.centred((n[0], n[1], n[2]), step_mm), readout_axis=readout, phase_axis=phase, volume=len(others) == 2
    )
