"""Where a scan can show its shading: means of small blocks well inside the head, each of one tissue if one can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.masks import Mask, head, otsu

Array = NDArray[np.float64]
CAP = 0.6
"""Of the median of bright tissue: brighter is one to the mask of the head, so that dark muscle stays in beside CSF."""
SMALLEST = 200
"""Even blocks, fewer of which show no field."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A scan thinned.

    mean     (x, y, z) of every block
    head     (x, y, z) the head
    even     (x, y, z) the parts of it that one tissue fills
    size_mm  (3,) of a block
    """

    mean: Array
    head: Mask
    even: Mask
    size_mm: Array

    def places(self, where: Mask) -> Array:
        """(n, 3) centres of blocks along the axes of the grid [mm]."""
        return np.asarray(np.argwhere(where) * self.size_mm)


def blocks_of(image: Image, *, block_mm: float = 3.0, share: float = 0.15, darkest: float = 0.25) -> Blocks:
    """Blocks of about block_mm; the share of them that varies least within and against its neighbours is even.

    darkest  of even blocks, relative to the median: darker ones are air and bone

    Raises InputError if the head has too few of them.
    """
    size = voxel_sizes_mm(image.affine)
    k = np.minimum(np.maximum(1, np.round(block_mm / size)).astype(int), image.data.shape)
    parts = _parts(np.abs(np.asarray(image.data)).astype(np.float32), k)
    mean, spread = parts.mean((1, 3, 5), dtype=float), parts.std((1, 3, 5), dtype=float)
    inside = head(np.minimum(mean, CAP * np.median(mean[mean > otsu(mean)])))
    core = _eroded(inside) & (mean > 0)
    if core.any():
        core &= mean > darkest * np.median(mean[core])
    if core.sum() * share < SMALLEST:
        raise InputError(
            f"the head fills {int(core.sum())} blocks of {block_mm:g} mm: too few to tell shading from tissue",
            remedy="Give a scan of a whole head or brain.",
        )
    unevenness = _relative(spread / np.where(core, mean, 1.0), core) + _relative(_step(mean, core), core)
    return Blocks(mean, inside, core & (unevenness <= np.quantile(unevenness[core], share)), size * k)


def _parts(data: NDArray[np.float32], k: NDArray[np.int_]) -> NDArray[np.float32]:
    """(x, kx, y, ky, z, kz): blocks of k voxels, the rest left out at both ends."""
    n = np.array(data.shape) // k
    first = (data.shape - n * k) // 2
    data = data[tuple(slice(f, f + m) for f, m in zip(first, n * k, strict=True))]
    return data.reshape(n[0], k[0], n[1], k[1], n[2], k[2])


def _eroded(mask: Mask) -> Mask:
    """Without its rim; along axes of one block there is none."""
    cross = np.zeros((3, 3, 3), bool)
    cross[1, 1, 1] = True
    for axis, n in enumerate(mask.shape):
        if n > 2:
            np.moveaxis(cross, axis, 0)[:, 1, 1] = True
    return np.asarray(binary_erosion(mask, cross))


def _step(mean: Array, core: Mask) -> Array:
    """The largest difference of log intensity to a neighbour across a face."""
    log = np.log(np.where(mean > 0, mean, mean[core].min()))
    largest = np.zeros_like(log)
    for axis in range(3):
        step = np.moveaxis(np.abs(np.diff(log, axis=axis)), axis, 0)
        along = np.moveaxis(largest, axis, 0)
        along[1:] = np.maximum(along[1:], step)
        along[:-1] = np.maximum(along[:-1], step)
    return largest


def _relative(values: Array, where: Mask) -> Array:
    middle = float(np.median(values[where]))
    return values / middle if middle > 0 else values
