"""Whether slices of a volume go on from one to the next: what translators that see single slices lose."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spinloom.core.errors import InputError


def slice_roughness(x: ArrayLike, y: ArrayLike, mask: ArrayLike, axis: int = 2) -> float:
    """How much more the prediction jumps from slice to slice than the reference does; 1 is as it should be.

        R = <|x_(z+1) - x_z|> / <|y_(z+1) - y_z|>,      < > over neighbours that both lie in the mask

    Above 1: steps between slices; below 1: blurred through them. NaN where the reference does not change.

    Raises InputError if no two neighbours lie in the mask.
    """
    x, y, mask = (np.moveaxis(np.asarray(a), axis, 0) for a in (x, y, mask))
    both = mask[1:].astype(bool) & mask[:-1].astype(bool)
    if not both.any():
        raise InputError("the mask holds no two neighbouring slices")
    ours, theirs = (float(np.abs(np.diff(a.astype(float), axis=0))[both].mean()) for a in (x, y))
    return ours / theirs if theirs > 0 else float("nan")
