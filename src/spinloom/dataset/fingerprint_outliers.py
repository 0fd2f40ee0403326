"""Which images of a data set are unlike the others, and in what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spinloom.dataset.fingerprint import Fingerprint
from spinloom.dataset.fingerprint_agreement import Agreement
from spinloom.dataset.fingerprint_image import ImageFacts, Intensities

FAR = 5.0
"""Robust standard deviations from the median, from which on an image is an outlier."""
LEAST_SPREAD = 0.05
"""Share of the median that counts as one standard deviation at least: tight data sets have no outliers by a hair."""
LEAST_SPREAD_BETWEEN = 0.03
"""Likewise, of the agreement between contrasts, which varies less."""
FEWEST = 4
"""Images of a contrast below which nobody can say what is usual."""
INSIDE: dict[str, Callable[[ImageFacts, Intensities], float]] = {
    "mean": lambda image, v: v.mean,
    "99th percentile": lambda image, v: v.percentiles["99"],
    "sd / mean": lambda image, v: v.sd / (abs(v.mean) or 1.0),
    "noise / sd": lambda image, v: v.noise / (v.sd or 1.0),
    "volume of the subject [cm3]": lambda image, v: image.mask_cm3,
    "voxel volume [mm3]": lambda image, v: float(np.prod(image.voxel_mm)),
}
BETWEEN: dict[str, Callable[[Agreement], float | None]] = {
    "boundaries": lambda a: a.boundaries,
    "dice": lambda a: a.dice,
    "NMI - 1": lambda a: None if a.NMI is None else a.NMI - 1,
}


@dataclass(frozen=True)
class Outlier:
    """One image, or pair of contrasts, and what is unlike the others.

    score  how far, in robust standard deviations; infinite for what is wrong by itself
    """

    subject: str
    session: str | None
    contrast: str
    what: str
    score: float

    @property
    def name(self) -> str:
        return self.subject if self.session is None else f"{self.subject} {self.session}"


def outliers(found: Fingerprint) -> tuple[Outlier, ...]:
    """From the worst on: constant images, NaN and odd slices first, then images of another orientation than most, then
    numbers far from those of their contrast:

        score = |x - median| / max(1.4826 MAD, 0.05 |median|) > 5,   four images or more

    Agreement between contrasts counts where it is low, with 0.03 |median| as least spread.
    """
    out: list[Outlier] = []
    for contrast in sorted({i.contrast for i in found.images}):
        images = [i for i in found.images if i.contrast == contrast]
        for image in images:
            out += [_of(image, what, np.inf) for what in _wrong(image)]
        if len(images) >= FEWEST:
            out += _turned(images)
            for what, number in INSIDE.items():
                values = [None if i.intensities is None else number(i, i.intensities) for i in images]
                out += [_of(images[n], said, score) for n, said, score in _far(values, what)]
    kinds = sorted({(a.first, a.second) for a in found.agreements})
    for first, second in kinds:
        pairs = [a for a in found.agreements if (a.first, a.second) == (first, second)]
        for what, measured in BETWEEN.items() if len(pairs) >= FEWEST else ():
            for n, said, score in _far([measured(a) for a in pairs], what, low_only=True, least=LEAST_SPREAD_BETWEEN):
                out.append(Outlier(pairs[n].subject, pairs[n].session, f"{first} and {second}", said, score))
    return tuple(sorted(out, key=lambda o: (-o.score, o.subject, o.session or "", o.contrast, o.what)))


def _wrong(image: ImageFacts) -> list[str]:
    said = ["constant"] if image.constant else []
    said += [image.doubt] if image.doubt else []
    if image.not_finite:
        said.append(f"{image.not_finite} voxels are NaN or infinite")
    return said + [f"slice {o.index} of axis {o.axis} is {o.what}" for o in image.odd_slices]


def _turned(images: Sequence[ImageFacts]) -> list[Outlier]:
    usual, n = Counter(i.orientation for i in images).most_common(1)[0]
    if n <= len(images) / 2:
        return []
    return [_of(i, f"orientation {i.orientation}, most are {usual}", FAR) for i in images if i.orientation != usual]


def _far(
    values: Sequence[float | None], what: str, low_only: bool = False, least: float = LEAST_SPREAD
) -> list[tuple[int, str, float]]:
    """(index, what is said, score) of the values far from the median."""
    x = np.array([np.nan if v is None else v for v in values], float)
    if np.isfinite(x).sum() < FEWEST:
        return []
    middle = float(np.nanmedian(x))
    spread = max(1.4826 * float(np.nanmedian(np.abs(x - middle))), least * abs(middle), 1e-30)
    score = (middle - x if low_only else np.abs(x - middle)) / spread
    far = np.flatnonzero(np.nan_to_num(score) > FAR)
    return [(int(n), f"{what} {x[n]:.4g}, usually {middle:.4g}", float(score[n])) for n in far]


def _of(image: ImageFacts, what: str, score: float) -> Outlier:
    return Outlier(image.subject, image.session, image.contrast, what, score)
