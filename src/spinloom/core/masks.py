"""Masks from an image itself: the head or body in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_closing, binary_fill_holes, generate_binary_structure, label

from spinloom.core.errors import InputError, UsageError

Mask = NDArray[np.bool_]
BINS = 256
BODY_HU = -400.0


def otsu(values: ArrayLike) -> float:
    """The threshold t that parts values best in two, by the variance between the parts:

        t = argmax w0(t) w1(t) (m0(t) - m1(t))^2

    over a histogram of 256 bins. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979).

    Raises InputError for values that are all alike.
    """
    v = np.asarray(values, float).ravel()
    if not len(v) or v.min() == v.max():
        raise InputError("no threshold parts values that are all alike")
    count, edges = np.histogram(v, BINS)
    centre = (edges[:-1] + edges[1:]) / 2
    w0 = np.cumsum(count)
    w1 = w0[-1] - w0
    total = np.cumsum(count * centre)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = w0 * w1 * (total / w0 - (total[-1] - total) / w1) ** 2
    return float(centre[np.nanargmax(between[:-1])])


def head(image: ArrayLike) -> Mask:
    """(x, y, z) the largest connected part above Otsu's threshold, closed, holes filled slice by slice."""
    v = np.asarray(image, float)
    return _solid(v > otsu(v))


def body(HU: ArrayLike) -> Mask:
    """(x, y, z) the largest connected part above -400 HU, holes filled slice by slice."""
    found = np.asarray(HU) > BODY_HU
    if not found.any():
        raise InputError("nothing is denser than -400 HU: no body", remedy="Give a mask.")
    return _solid(found)


def largest(mask: ArrayLike) -> Mask:
    """The largest part connected by faces."""
    parts, n = label(np.asarray(mask, bool))
    return np.asarray(parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))) if n else np.asarray(mask, bool)


def union(*masks: ArrayLike) -> Mask:
    """Where any of some masks of one shape is; UsageError for none, or for several shapes."""
    return np.asarray(np.logical_or.reduce(_alike(masks)))


def intersection(*masks: ArrayLike) -> Mask:
    """Where all of some masks of one shape are; UsageError for none, or for several shapes."""
    return np.asarray(np.logical_and.reduce(_alike(masks)))


def filled(mask: ArrayLike, axis: int | None = None) -> Mask:
    """The mask without its holes.

    axis  None: holes closed on all sides in 3D; 0, 1 or 2: holes of every slice across that axis
    """
    m = np.asarray(mask, bool)
    if axis is None:
        return np.asarray(binary_fill_holes(m))
    return np.stack([binary_fill_holes(plane) for plane in np.moveaxis(m, axis, 0)], axis=axis)


def without_small(mask: ArrayLike, voxels: int) -> Mask:
    """The mask without the parts, connected by faces, that have fewer than some voxels."""
    m = np.asarray(mask, bool)
    parts, _ = label(m)
    return np.asarray(m & (np.bincount(parts.ravel()) >= voxels)[parts])


def _alike(masks: tuple[ArrayLike, ...]) -> list[Mask]:
    found = [np.asarray(m, bool) for m in masks]
    if len({m.shape for m in found}) != 1:
        raise UsageError(f"masks of one shape are needed, got {[m.shape for m in found]}")
    return found


def _solid(mask: Mask) -> Mask:
    found = largest(
        binary_closing(np.pad(mask, 3), generate_binary_structure(3, 1), iterations=2)[3:-3, 3:-3, 3:-3] | mask
    )
    return filled(found, axis=2)
