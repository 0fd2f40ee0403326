"""Frames in which publications put their slices: padded or cropped about the middle."""

from __future__ import annotations

import numpy as np

from spinloom.evaluation.pair import Values


def centred(a: Values, shape: tuple[int, ...], fill: float) -> Values:
    """The middle `shape` of a slice (nx, ny); where it is smaller, `fill` around it.

    Of an odd number of voxels to add or to take, the end gets one more than the beginning.
    """
    for axis, n in enumerate(shape):
        more = n - a.shape[axis]
        if more < 0:
            a = np.take(a, range(-more // 2, -more // 2 + n), axis)
        ends = [(0, 0)] * a.ndim
        ends[axis] = (max(0, more // 2), max(0, more - more // 2))
        a = np.pad(a, ends, constant_values=fill)
    return a


def padded_and_cropped(a: Values, side: int, shape: tuple[int, ...]) -> Values:
    """A slice (nx, ny) in a frame of `side`, with zeros around it, and of that the middle `shape`, rounded as SynDiff's
    code and torchvision's CenterCrop do it.

        before = after = floor((side - n) / 2),   first = round((n + before + after - shape) / 2), halves to even

    n voxels along an axis; a frame that is one short of `shape` gets a zero at its end.
    """
    for axis, n in enumerate(shape):
        pad = max(0, (side - a.shape[axis]) // 2)
        short = max(0, n - a.shape[axis] - 2 * pad)
        ends = [(0, 0)] * a.ndim
        ends[axis] = (pad + short // 2, pad + short - short // 2)
        a = np.pad(a, ends)
        first = round((a.shape[axis] - n) / 2)
        a = np.take(a, range(first, first + n), axis)
    return a
