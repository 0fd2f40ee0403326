"""All images of one contrast in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinloom.dataset.fingerprint_image import ImageFacts, Intensities

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Spread:
    """Of a size along three axes over images: median, least and most, axis by axis."""

    median: Three
    least: Three
    most: Three


@dataclass(frozen=True)
class ContrastFacts:
    """One contrast over all subjects.

    images, subjects   how many
    shape, voxel_mm, FOV_mm  of their grids
    orientations       how many images point where
    anisotropy         median of longest voxel edge over shortest
    intensities        every image counting alike: mean and sd of all subjects' voxels together, medians of the images'
                       percentiles, backgrounds and noises; None for labels
    """

    contrast: str
    quantity: str
    images: int
    subjects: int
    shape: Spread
    voxel_mm: Spread
    FOV_mm: Spread
    orientations: dict[str, int]
    anisotropy: float
    intensities: Intensities | None


def of_contrast(contrast: str, images: Sequence[ImageFacts]) -> ContrastFacts:
    """The summary of some images, at least one."""
    return ContrastFacts(
        contrast=contrast,
        quantity=images[0].quantity,
        images=len(images),
        subjects=len({i.subject for i in images}),
        shape=_spread([i.shape for i in images]),
        voxel_mm=_spread([i.voxel_mm for i in images]),
        FOV_mm=_spread([i.FOV_mm for i in images]),
        orientations=dict(Counter(i.orientation for i in images)),
        anisotropy=float(np.median([i.anisotropy for i in images])),
        intensities=_together([i.intensities for i in images if i.intensities is not None]),
    )


def _together(parts: Sequence[Intensities]) -> Intensities | None:
    """sd^2 = mean(sd_i^2 + mean_i^2) - mean^2."""
    if not parts:
        return None
    mean = float(np.mean([p.mean for p in parts]))
    square = float(np.mean([p.sd**2 + p.mean**2 for p in parts]))
    behind = [p.background for p in parts if p.background is not None]
    return Intensities(
        mean=mean,
        sd=float(np.sqrt(max(0.0, square - mean**2))),
        percentiles={k: float(np.median([p.percentiles[k] for p in parts])) for k in parts[0].percentiles},
        background=float(np.median(behind)) if behind else None,
        noise=float(np.median([p.noise for p in parts])),
    )


def _spread(sizes: Sequence[Sequence[float]]) -> Spread:
    a = np.asarray(sizes, float)
    median, least, most = (_three(f(a, axis=0)) for f in (np.median, np.min, np.max))
    return Spread(median, least, most)


def _three(values: np.ndarray) -> Three:
    x, y, z = (float(v) for v in values)
    return x, y, z
