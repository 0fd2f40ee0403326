"""How well two images lie on each other, before and after a registration."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.dataset.itk_images import at_voxel, simpleitk, through

BINS = 64


@dataclass(frozen=True)
class Quality:
    """Agreement of the moving image with the fixed one where it counts, both at the finest voxel of the search.

    Before and after are measured on images averaged alike: interpolation by itself changes mutual information.

    MI_before, MI_after       mutual information [nat]
    NCC_before, NCC_after     normalised cross-correlation, -1 to 1; may well be negative between contrasts
    overlap                   share of those voxels that the moved image reaches
    displacement_max_mm, displacement_mean_mm  how far points there are moved [mm]
    least_jacobian            least volume ratio of the transform; at or below 0 space folds
    """

    MI_before: float
    MI_after: float
    NCC_before: float
    NCC_after: float
    overlap: float
    displacement_max_mm: float
    displacement_mean_mm: float
    least_jacobian: float

    def facts(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def measure(fixed: Any, moving: Any, counts: Any, transform: Any, voxel_mm: float) -> Quality:
    """Of a transform fixed → moving between ITK images; `counts` is above 0 where agreement counts."""
    sitk = simpleitk()
    small, other = at_voxel(fixed, voxel_mm), at_voxel(moving, voxel_mm)
    still = sitk.Transform(3, sitk.sitkIdentity)
    where = through(counts, small, still, 0.0, nearest=True) > 0
    target = sitk.GetArrayFromImage(small)
    inside = sitk.Image(moving.GetSize(), sitk.sitkUInt8) + 1
    inside.CopyInformation(moving)
    scores = []
    for how in (still, transform):
        both = where & (through(inside, small, how, 0.0, nearest=True) > 0)
        values = through(other, small, how, 0.0)[both]
        scores.append((mutual_information(target[both], values), correlation(target[both], values)))
    index = np.argwhere(where)[:: max(1, int(where.sum()) // 3000), ::-1]
    points = np.array([small.TransformIndexToPhysicalPoint([int(i) for i in row]) for row in index])
    distance = np.linalg.norm(_at(transform, points) - points, axis=1)
    overlap = float(both.sum() / max(1, where.sum()))
    (mi0, ncc0), (mi1, ncc1) = scores
    return Quality(
        mi0, mi1, ncc0, ncc1, overlap, float(distance.max()), float(distance.mean()), _least_jacobian(transform, points)
    )


def _least_jacobian(transform: Any, points: NDArray[np.float64], step_mm: float = 1.0) -> float:
    """Least determinant of dT/dx at some points, by central differences."""
    steps = np.eye(3) * step_mm
    columns = [(_at(transform, points + e) - _at(transform, points - e)) / (2 * step_mm) for e in steps]
    return float(np.linalg.det(np.stack(columns, -1)).min())


def _at(transform: Any, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([transform.TransformPoint([float(v) for v in p]) for p in points])


def mutual_information(a: ArrayLike, b: ArrayLike) -> float:
    """Of two lists of values, from a joint histogram of 64 x 64 bins between the 0.5 and 99.5 percentiles [nat]:

        MI = sum p(a, b) ln(p(a, b) / (p(a) p(b)))

    Wells et al., Medical Image Analysis 1, 35 (1996). 0 where one list is constant.
    """
    x, y = _binned(a), _binned(b)
    if len(x) == 0:
        return 0.0
    counts = np.bincount(x * BINS + y, minlength=BINS * BINS).reshape(BINS, BINS)
    p = counts / counts.sum()
    apart = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / apart[seen])).sum())


def correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's correlation of two lists; 0 where one is constant."""
    x, y = np.asarray(a, float).ravel(), np.asarray(b, float).ravel()
    if len(x) == 0:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else 0.0


def _binned(values: ArrayLike) -> NDArray[np.int64]:
    v = np.asarray(values, float).ravel()
    if len(v) == 0:
        return np.empty(0, np.int64)
    low, high = np.percentile(v, (0.5, 99.5))
    scaled = (v - low) / (high - low) if high > low else np.zeros_like(v)
    return np.clip(scaled * BINS, 0, BINS - 1).astype(np.int64)
