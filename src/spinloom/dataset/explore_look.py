"""What an exploratory report keeps of an image while it is in memory: histogram, pictures, slices in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.core.resample import AIR_HU
from spinloom.dataset.scans import Scan
from spinloom.report import slices
from spinloom.report.page import Picture

HEIGHT = 190
SCROLLED = 15
MOST_SCROLLED = 40
"""Images whose axial slices are kept; the middle slices are kept of all."""
BINS = 128
HU_SHOWN = (-300.0, 700.0)
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """Slices along one direction of the world.

    at_mm     position from the middle of the subject [mm]
    mean, sd  of the voxels inside the subject, NaN where there are none
    area_cm2  of the subject
    """

    at_mm: Array
    mean: Array
    sd: Array
    area_cm2: Array


@dataclass(frozen=True, eq=False)
class Look:
    """One image as the report shows it.

    histogram  (value, density) inside the subject, from the 0.1 to the 99.9 percentile; None for labels
    middle     three planes through the middle of the subject;  axial  slices to scroll through
    profiles   along right, anterior, superior; none for labels
    """

    subject: str
    session: str | None
    contrast: str
    quantity: Quantity
    histogram: tuple[Array, Array] | None
    middle: Picture
    axial: tuple[Picture, ...]
    profiles: tuple[Profile, ...]

    @property
    def name(self) -> str:
        return self.subject if self.session is None else f"{self.subject} {self.session}"


@dataclass
class Looks:
    """Collects a Look of every image it is shown: pass `looks.add` as `visit` to `fingerprint`."""

    all: list[Look] = field(default_factory=list)
    _frame: slices.Frame | None = None

    def add(self, scan: Scan, image: Image, mask: Mask) -> None:
        """One look. Images of one visit are shown in one frame, that of the first."""
        of_visit = [x for x in self.all if (x.subject, x.session) == (scan.subject, scan.session)]
        ras = slices.volume(image.data, image.affine)
        inside = to_ras(mask, image.affine)[0].astype(bool)
        if not of_visit or self._frame is None:
            self._frame = slices.frame_of(ras, inside, height_px=HEIGHT)
        scrolled = sum(bool(x.axial) for x in self.all) < MOST_SCROLLED
        is_label = image.quantity is Quantity.LABEL
        self.all.append(
            Look(
                scan.subject,
                scan.session,
                scan.contrast,
                image.quantity,
                None if is_label else _histogram(image.data[mask]),
                *_pictures(ras, self._frame, image.quantity, scrolled),
                () if is_label else tuple(_profile(ras, inside, axis) for axis in range(3)),
            )
        )


def _pictures(
    ras: slices.Volume, frame: slices.Frame, quantity: Quantity, scrolled: bool
) -> tuple[Picture, tuple[Picture, ...]]:
    heights = np.linspace(frame.low[2], frame.high[2], SCROLLED + 2)[1:-1] if scrolled else np.empty(0)
    if quantity is Quantity.LABEL:
        labels = replace(ras, data=np.asarray(ras.data).astype(np.int64))
        ids = [int(i) for i in np.unique(labels.data) if i > 0]
        colours = slices.palette(ids, [str(i) for i in ids])
        planes = [
            slices.coloured(labels, p, frame, frame.centre[slices.AXIS[p]], colours) for p in slices.planes_of(ras)
        ]
        axial = [slices.coloured(labels, "axial", frame, z, colours) for z in heights]
        return Picture(slices.png(slices.beside(planes))), tuple(Picture(slices.png(a)) for a in axial)
    limits = slices.window(ras.data)
    if quantity is Quantity.HU:  # beyond the volume pictures are 0, which must be air
        ras = replace(ras, data=np.asarray(ras.data, np.float32) - np.float32(AIR_HU))
        limits = HU_SHOWN[0] - AIR_HU, HU_SHOWN[1] - AIR_HU
    middle = Picture(slices.webp(slices.orthogonal(ras, frame, limits)))
    return middle, tuple(Picture(slices.webp(slices.grey(ras, "axial", frame, z, limits))) for z in heights)


def _histogram(values: NDArray[np.generic]) -> tuple[Array, Array] | None:
    v = np.asarray(values, float)
    v = v[np.isfinite(v)]
    if not v.size or v.min() == v.max():
        return None
    low, high = (float(p) for p in np.percentile(v, (0.1, 99.9)))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    if (v == np.round(v)).all():  # bins of whole numbers: others would hold now more, now fewer of them
        width = np.ceil((high - low + 1) / BINS)
        edges = np.arange(np.floor(low), high + width, width) - 0.5
    density, edges = np.histogram(v, edges, density=True)
    return (edges[:-1] + edges[1:]) / 2, density


def _profile(ras: slices.Volume, inside: Mask, axis: int) -> Profile:
    others = tuple(a for a in range(3) if a != axis)
    n = inside.sum(axis=others)
    x = np.where(inside, np.nan_to_num(np.asarray(ras.data, np.float32)), 0).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = x.sum(axis=others, dtype=float) / n
        square = (x * x).sum(axis=others, dtype=float) / n
    index = np.arange(len(n))
    middle = float((index * n).sum() / max(1, n.sum()))
    area_mm2 = float(ras.step[others[0]] * ras.step[others[1]])
    sd = np.sqrt(np.maximum(0, square - mean**2))
    return Profile((index - middle) * ras.step[axis], mean, sd, n * area_mm2 / 100)
