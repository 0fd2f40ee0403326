"""How uneven a scan is: the bias field of coils and transmitter, in numbers.

The field is N4's, which follows tissue as well as coils: a head of even tissue patches gives the depth of its field to
20 %, but simulated heads of 4 mm voxels without any shading measure 0.2 to 0.36, and T1w ones with a field of depth 0.9
about 0.4. Compare scans with scans measured alike, and take the number for no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.image import Image
from spinloom.core.masks import head
from spinloom.dataset.preprocess.bias import BiasCorrection


@dataclass(frozen=True)
class Shading:
    """Of one scan.

    depth      (95th - 5th percentile) / median of the field inside the head
    length_mm  over which it changes: root mean square of the field about its mean over that of its slope
    """

    depth: float
    length_mm: float


def measure_shading(image: Image, correction: BiasCorrection | None = None) -> Shading:
    """By N4-like correction, see preprocess.bias. Raises InputError as it does."""
    image = Image(np.abs(np.asarray(image.data, np.float32)), image.affine, image.quantity)
    mask = head(image.data)
    fitted = (correction or BiasCorrection()).fit(image, mask)
    corrected = np.asarray(fitted.forward(image).data, float)
    some = mask & (corrected > 0)
    field = np.where(some, np.asarray(image.data, float) / np.where(some, corrected, 1.0), np.nan)
    inside = field[some]
    low, middle, high = np.percentile(inside, [5, 50, 95])
    slopes = [
        np.diff(field, axis=a)[np.isfinite(np.diff(field, axis=a))] / d
        for a, d in enumerate(voxel_sizes_mm(image.affine))
        if image.data.shape[a] > 1
    ]
    slope = float(np.sqrt(sum(np.mean(s**2) for s in slopes if len(s))))
    length = float(inside.std() / slope) if slope > 0 else float("inf")
    return Shading(float((high - low) / middle), length)
