"""Where a technologist would centre the scan."""

from __future__ import annotations

import numpy as np

from spinloom.phantom.phantom import Phantom

BRAIN = ("grey_matter", "white_matter", "deep_grey_matter")


def scan_centre_mm(phantom: Phantom) -> tuple[float, float, float]:
    """The middle of the brain's bounding box if the tissues tell where a brain is, else the middle of the grid [mm].

    It is moved to the nearest whole number of voxels from the grid's middle, so that an image with the phantom's
    voxel size has its voxels exactly on the phantom's.
    """
    middle = (np.asarray(phantom.grid.shape) - 1) / 2
    shift = np.zeros(3)
    if phantom.labels is not None and phantom.tissues is not None:
        ids = [t.label for t in phantom.tissues if t.name in BRAIN]
        inside = np.isin(phantom.labels, ids)
        spans = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
        if ids and spans[0].size:
            shift = np.rint(np.array([(s[0] + s[-1]) / 2 for s in spans]) - middle)
    x, y, z = (float(v) for v in phantom.grid.positions_mm(middle + shift))
    return x, y, z
