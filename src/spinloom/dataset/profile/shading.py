"""How uneven a scan is: the bias field of coils and transmitter, in numbers.

The field is a polynomial fitted to pairs of places of one tissue, see shading_pairs; what differs more than a field can
over that distance is tissue and has no say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.profile.shading_blocks import Array, blocks_of
from spinloom.dataset.profile.shading_pairs import PairFit


@dataclass(frozen=True)
class Shading:
    """Of one scan.

    depth      (95th - 5th percentile) / median of the field inside the head
    length_mm  over which it changes: root mean square of the field about its mean over that of its slope
    """

    depth: float
    length_mm: float


def measure_shading(image: Image, fit: PairFit | None = None) -> Shading:
    """Raises InputError for CT numbers, and for heads too small to tell shading from tissue."""
    if image.quantity is Quantity.HU:
        raise InputError("CT numbers have no coil shading", remedy="Leave CT out where shading is measured.")
    blocks = blocks_of(image)
    return shading_of((fit or PairFit()).field(blocks), blocks.size_mm)


def shading_of(field: Array, voxel_mm: Array) -> Shading:
    """Of a field (x, y, z), nan outside the head, with voxels (3,) [mm]."""
    inside = field[np.isfinite(field)]
    low, middle, high = np.percentile(inside, [5, 50, 95])
    slopes = [np.diff(field, axis=a) / voxel_mm[a] for a in range(3) if field.shape[a] > 1]
    squares = [np.mean(s[np.isfinite(s)] ** 2) for s in slopes if np.isfinite(s).any()]
    slope = float(np.sqrt(sum(squares)))
    return Shading(float((high - low) / middle), float(inside.std() / slope) if slope > 0 else float("inf"))
