"""The answer of a network, but near the head's edge, where it was hardly taught: there the smoothed input stays.

In training what is not brain counts SKIN. How deep a pixel lies says where that is: a scan has no other sign of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_cdt, gaussian_filter

from spinloom.core.masks import head
from spinloom.study.low_field_data import Volume
from spinloom.study.low_field_scan import PIXEL_MM
from spinloom.study.low_field_scores import RIM, Mask, matched

DEEP_MM = 15
"""How deep under the head's edge the region begins that counts most: no scalp or skull, whose fat outshines all."""
SOFT = 1.0
"""The answer is smoothed by so many pixels, chosen on subjA. For a network of squared errors that is the answer for a
target so much smoother: E[G y | x] = G E[y | x]. The input that stays is smoothed as much."""
RAMP = 3
"""Pixels over which one goes over into the other, all of them outside of what is deep; chosen on subjA."""
OUTSIDE = [DEEP_MM, SOFT, RAMP]
"""What decides an answer beside its network."""


def depth(low: Volume) -> NDArray[np.int32]:
    """(x, y, z) steps from what is no head, along rows and columns, slice by slice; 0 outside."""
    padded = np.pad(head(low), ((1, 1), (1, 1), (0, 0)))
    planes = [distance_transform_cdt(plane, "taxicab")[1:-1, 1:-1] for plane in np.moveaxis(padded, -1, 0)]
    return np.stack(planes, -1)


def deep(low: Volume) -> Mask:
    """(x, y, z) DEEP_MM and more under the edge of the head."""
    return np.asarray(depth(low) > round(DEEP_MM / PIXEL_MM))


def smooth(image: NDArray[Any]) -> Volume:
    return np.asarray(gaussian_filter(np.asarray(image, float), (SOFT, SOFT, 0)), np.float32)


def around(low: Volume) -> Mask:
    """(x, y, z) the head and RIM pixels around it: dim scalp belongs to it."""
    return np.stack([binary_dilation(plane, iterations=RIM) for plane in np.moveaxis(head(low), -1, 0)], -1)


def kept_outside(answer: Volume, low: Volume) -> Volume:
    """w (a G x + b) + (1 - w) y of the answer y and the input x: w is 1 at the edge, 0 where it is deep.

    a, b match the smoothed input to the answer by least squares in the head above what is deep, slice by slice. All
    ends RIM pixels around the head, as softly as the answer.
    """
    under = depth(low)
    steps = round(DEEP_MM / PIXEL_MM)
    w = np.clip((steps + 1 - under) / RAMP, 0, 1)
    near = (under > 0) & (under <= steps)
    x, y = smooth(low), np.asarray(answer, float)
    fit = np.zeros(low.shape)
    for z in range(low.shape[2]):
        if near[..., z].any():
            fit[..., z] = matched(x[..., z], y[..., z], near[..., z])
    return np.asarray(w * smooth(around(low)) * fit + (1 - w) * y, np.float32)
