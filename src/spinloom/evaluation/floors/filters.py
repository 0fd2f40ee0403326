"""What a voxel's neighbourhood looks like: local filters that know nothing of where the voxel lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, gaussian_laplace, median_filter

NAMES = (
    "intensity",
    "median 3",
    "Gaussian 1 mm",
    "Gaussian 2 mm",
    "Gaussian 4 mm",
    "Gaussian 8 mm",
    "gradient 1 mm",
    "gradient 2 mm",
    "Laplacian 1 mm",
    "Laplacian 2 mm",
    "deviation 2 mm",
    "inside 4 mm",
    "inside 8 mm",
)


def local_filters(values: NDArray[Any], inside: NDArray[np.bool_], voxel_mm: NDArray[np.float64]) -> NDArray[Any]:
    """(n, 13) float32: the features of the n voxels inside, in the order of NAMES.

    values  (x, y, z), 0 outside

    The last two are the share of the neighbourhood that lies inside: how deep a voxel lies, not where.
    """
    v = np.where(inside, values, 0).astype(np.float32)

    def sigma(mm: float) -> Any:
        return mm / voxel_mm

    smooth = {mm: gaussian_filter(v, sigma(mm), truncate=3) for mm in (1, 2, 4, 8)}
    squares = gaussian_filter(v * v, sigma(2), truncate=3)
    share = {mm: gaussian_filter(inside.astype(np.float32), sigma(mm), truncate=3) for mm in (4, 8)}
    maps = (
        v,
        median_filter(v, size=3),
        *smooth.values(),
        gaussian_gradient_magnitude(v, sigma(1), truncate=3),
        gaussian_gradient_magnitude(v, sigma(2), truncate=3),
        gaussian_laplace(v, sigma(1), truncate=3),
        gaussian_laplace(v, sigma(2), truncate=3),
        np.sqrt(np.maximum(squares - smooth[2] ** 2, 0)),
        *share.values(),
    )
    return np.stack([m[inside] for m in maps], axis=1)
