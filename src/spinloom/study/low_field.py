"""The study: real 0.055 T k-space → our image → a model's answer, scored beside filters against the 3 T slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.image import Image, Quantity
from spinloom.study.low_field_data import Subject, Volume
from spinloom.study.low_field_outer import around, deep, kept_outside, smooth
from spinloom.study.low_field_scan import PIXEL_MM, SLICE_MM, Scan, images_of
from spinloom.study.low_field_scores import Mask, on_input, region, scores
from spinloom.study.low_field_ways import FILTERS
from spinloom.translate.model import Model
from spinloom.translate.translate import translate

INPUT, PUBLISHED, NETWORK, MODEL = "input", "as published", "network alone", "model"
"""The model's answer is its network's, and near the head's edge the smoothed input."""
TUNED = "subjA"
"""The one subject that choices were made on."""

Row = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Case:
    """One contrast of one subject.

    images  (x, y, z) by way: the input, what filters and the model make of it
    high    (x, y, z) the 3 T slices on the same grid;  to_high (2, 3) input pixel → 3 T pixel
    head, deep  (x, y, z) where it is scored
    scores  way → region ("head", "deep") → measure → one number per slice
    """

    subject: str
    contrast: str
    images: Mapping[str, Volume]
    high: Volume
    to_high: NDArray[np.float64]
    head: Mask
    deep: Mask
    scores: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]

    def mean(self, way: str, measure: str, where: str = "deep") -> float:
        return float(np.mean(self.scores[way][where][measure]))


def case_of(subject: Subject, scan: Scan, model: Model) -> Case:
    """What is tuned is tuned before: nothing here is fitted but the registration of the 3 T slices to the input."""
    low = images_of(subject.kspace[scan.contrast])
    high, to_high = on_input(subject.high[scan.contrast], low)
    images: dict[str, Volume] = {INPUT: low}
    if (published := subject.published.get(scan.contrast)) is not None and published.shape == low.shape:
        images[PUBLISHED] = published
    for name, way in FILTERS.items():
        images[name] = np.stack([way(plane) for plane in np.moveaxis(low, -1, 0)], -1).astype(np.float32)
    images[NETWORK] = enhanced(low, scan, model)
    images[MODEL] = kept_outside(images[NETWORK], low)
    mask = region(low, high)
    inner = mask & deep(low)
    told = {
        way: {name: measured(image, high, where) for name, where in (("head", mask), ("deep", inner))}
        for way, image in images.items()
    }
    return Case(subject.name, scan.contrast, images, high, to_high, mask, inner, told)


def enhanced(low: Volume, scan: Scan, model: Model) -> Volume:
    """The network's answer, smoothed, on the input's grid."""
    affine = np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0])
    mask = Image(around(low).astype(np.uint8), affine, Quantity.LABEL)
    made = translate([Image(low, affine)], model, mask=mask)
    return smooth(np.asarray(made.images[scan.contrast].data))


def measured(image: Volume, high: Volume, where: Mask) -> dict[str, tuple[float, ...]]:
    """Measure → one number per slice that holds some of the region."""
    rows = [scores(image[..., z], high[..., z], where[..., z]) for z in range(high.shape[2]) if where[..., z].any()]
    return {name: tuple(r[name] for r in rows) for name in rows[0]}
