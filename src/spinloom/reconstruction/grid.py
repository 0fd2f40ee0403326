"""K-space that does not say what it encodes: arrays from files, and the image grid that samples imply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace


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

        N = extent / step + 1,   FOV = 1 / step

    An axis along which k does not change is the slice axis (2D); no such axis means 3D.

    k                (readout, sample, 3) [1/m]; padding is NaN
    slice_thickness  of a 2D image [m]
    """
    flat = k[~np.isnan(k[..., 0])]
    extent = flat.max(0) - flat.min(0)
    if extent.max() == 0:
        raise InputError("all samples lie at one point of k-space: there is no image in them")
    encoded = extent > 1e-3 * extent.max()
    moves = np.abs(np.diff(k, axis=1))
    moves[np.isnan(moves)] = 0
    readout = int(np.argmax(moves.max(axis=(0, 1))))
    others = [a for a in range(3) if a != readout and encoded[a]]
    phase = others[0] if others else (readout + 1) % 3
    n, step_mm = [1, 1, 1], [slice_thickness * 1e3] * 3
    for axis in np.flatnonzero(encoded):
        values = np.unique(np.round(flat[:, axis] / extent[axis], 7)) * extent[axis]
        gaps = np.diff(values)
        step = float(np.median(moves[..., axis][moves[..., axis] > 0])) if axis == readout else float(np.median(gaps))
        if len(values) > 1024:  # scattered samples: one step of the fastest axis
            step = float(np.median(np.linalg.norm(moves, axis=-1)))
        n[axis] = round(extent[axis] / step) + 1
        step_mm[axis] = 1e3 / (n[axis] * step)
    return Encoding(
        Grid.centred((n[0], n[1], n[2]), step_mm), readout_axis=readout, phase_axis=phase, volume=len(others) == 2
    )
