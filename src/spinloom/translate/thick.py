"""Thick slices and back: what super-resolution learns from and is applied to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.evaluation.floors.cubic import CubicInterpolation


def thicken(image: Image, factor: int, axis: int) -> Image:
    """The mean of every `factor` planes across an axis; planes left over at the end are dropped.

    out_k = mean of in_(k factor) ... in_(k factor + factor - 1), centred between them
    """
    planes = image.data.shape[axis] // factor
    if planes < 2:
        raise InputError(f"{image.data.shape[axis]} planes make no two slices of {factor}")
    data = np.moveaxis(np.asarray(image.data, np.float32), axis, 0)[: planes * factor]
    data = np.moveaxis(data.reshape(planes, factor, *data.shape[1:]).mean(1), 0, axis)
    return Image(data, _scaled(image.affine, factor, axis), image.quantity)


def finer(grid: Grid, factor: int, axis: int) -> Grid:
    """The grid whose every `factor` planes make one of this grid's."""
    shape = list(grid.shape)
    shape[axis] *= factor
    A = np.array(grid.affine)
    step = A[:3, axis] / factor
    A[:3, axis] = step
    A[:3, 3] -= step * (factor - 1) / 2
    return Grid((shape[0], shape[1], shape[2]), A)


def interpolated(image: Image, grid: Grid) -> Image:
    """On a finer grid by cubic spline: what the network starts from, and the floor it is measured against."""
    return CubicInterpolation(grid).predict(image)


def consistent(fine: Image, thick: Image, inside: NDArray[np.bool_], factor: int, axis: int) -> Image:
    """The image nearest to an answer that does not contradict the scan: its planes' mean is the slice that was given.

        x'_j = x_j + s_k - mean(x_k factor ... x_(k factor + factor - 1)),   j in slice k, where all of these are inside

    An orthogonal projection: where a slice is the mean of the true planes (a rectangular profile, no noise), the
    squared error summed over its planes cannot grow. A signal is no smaller than 0: planes below are 0, and the others
    of their slice are scaled to its mean.

    fine    the answer, in the unit of thick;  thick  the scan, signals by their magnitude; both in RAS order
    inside  (x, y, z) of the fine grid: where there is an answer
    """
    given = np.abs(thick.data) if thick.quantity is Quantity.SIGNAL else thick.data
    x, s, m = (np.moveaxis(np.asarray(a), axis, 0) for a in (fine.data, given, inside))
    blocks = x.reshape(len(s), factor, *x.shape[1:]).astype(np.float32)
    whole = m.reshape(blocks.shape).all(1)
    missing = np.where(whole, s - blocks.mean(1), 0)
    blocks = blocks + missing[:, None]
    if thick.quantity is Quantity.SIGNAL:
        over = np.maximum(blocks, 0)
        mean = over.mean(1)
        blocks = over * np.where(whole & (mean > 0), s / np.maximum(mean, 1e-30), 1)[:, None]
    data = blocks.astype(np.float32).reshape(x.shape)
    return replace(fine, data=np.ascontiguousarray(np.moveaxis(data, 0, axis)))


def _scaled(affine: np.ndarray, factor: int, axis: int) -> np.ndarray:
    A = np.array(affine, float)
    step = A[:3, axis].copy()
    A[:3, axis] = step * factor
    A[:3, 3] += step * (factor - 1) / 2
    return A
