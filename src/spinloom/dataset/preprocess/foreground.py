"""The head or body of an image, whatever the image holds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask, body, filled, head, largest, union, without_small

CUT_SHARE = 0.9
"""If this share of what is dark is exactly 0, somebody cut the background away; a scanner's holds noise."""


def foreground(image: Image) -> Mask:
    """(x, y, z) where the subject is.

    CT numbers: the largest part above -400 HU. Images whose background was set to 0: the largest part that is not 0.
    Others: the largest part above Otsu's threshold, closed. In both, holes of axial slices are filled. NaN is dark.

    Raises InputError for images without a subject: constant, complex, or empty.
    """
    data = image.data
    if data.dtype.kind == "c":
        raise InputError("the image holds complex numbers", remedy="Give its magnitude.")
    if image.quantity is Quantity.HU:
        return body(data)
    if image.quantity is Quantity.LABEL:
        return np.asarray(data != 0)
    data = np.nan_to_num(data, posinf=0.0, neginf=0.0)
    bright = head(data)
    dark = data[~bright]
    cut = dark.size > 0 and np.mean(dark == 0) >= CUT_SHARE
    upright = int(np.argmax(np.abs(image.affine[2, :3]) / image.grid.voxel_mm))
    return filled(largest(data != 0) if cut else bright, axis=upright)


def foreground_of_all(images: Iterable[Image]) -> Mask:
    """The union of the foregrounds of images on one grid, without parts below 64 voxels, holes filled: where any of
    them shows the subject, as in paired MR and CT."""
    return filled(without_small(union(*(foreground(image) for image in images)), 64))
