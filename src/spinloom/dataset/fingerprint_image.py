"""What one image says of itself: its grid, its subject's intensities, its noise, its odd slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.fingerprint_slices import OddSlice, odd_slices
from spinloom.dataset.offset import doubt
from spinloom.dataset.scans import Scan

PERCENTILES = (0.5, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.5)
MOST_LABELS = 256


@dataclass(frozen=True)
class Intensities:
    """Of the voxels inside the subject, in the unit of the image's quantity.

    mean, sd, percentiles  of them; percentiles by name, "0.5" to "99.5"
    background             median of the voxels outside the subject, None if there are none
    noise                  standard deviation of the noise inside; interpolation makes it smaller
    """

    mean: float
    sd: float
    percentiles: dict[str, float]
    background: float | None
    noise: float


@dataclass(frozen=True)
class ImageFacts:
    """One image of a data set, in numbers.

    file, subject, session, contrast, quantity, site  as found
    shape, voxel_mm, FOV_mm   (3,) voxels, their size and the field of view along the array's axes
    orientation               where the axes point, e.g. RAS or LPI;  oblique_deg  how far from there at most [deg]
    anisotropy                longest voxel edge over shortest
    grid                      index into the fingerprint's list of grids
    mask_cm3, mask_share      volume of the subject, and its share of the voxels
    not_finite                voxels that are NaN or infinite;  constant  whether all others are alike
    intensities               None for labels, and where nothing can be measured
    labels                    ids of a label map, at most 256
    odd_slices                that do not fit between their neighbours
    doubt                     what to know of its numbers, e.g. of a CT without air
    """

    file: str
    subject: str
    session: str | None
    contrast: str
    quantity: str
    site: str | None
    shape: tuple[int, int, int]
    voxel_mm: tuple[float, float, float]
    FOV_mm: tuple[float, float, float]
    orientation: str
    oblique_deg: float
    anisotropy: float
    grid: int
    mask_cm3: float
    mask_share: float
    not_finite: int = 0
    constant: bool = False
    intensities: Intensities | None = None
    labels: tuple[int, ...] = ()
    odd_slices: tuple[OddSlice, ...] = ()
    doubt: str = ""

    @property
    def name(self) -> str:
        return self.subject if self.session is None else f"{self.subject} {self.session}"


def measure(scan: Scan, image: Image, mask: Mask, grid: int = 0) -> ImageFacts:
    """The facts of an image.

    scan   whose it is
    mask   (x, y, z) where the subject is
    grid   its number in the list of grids
    """
    from nibabel.orientations import aff2axcodes

    voxel = image.grid.voxel_mm
    cosines = np.abs(image.affine[:3, :3] / voxel).max(axis=0)
    finite = np.isfinite(image.data) if image.data.dtype.kind in "fc" else np.ones(image.data.shape, bool)
    constant = not finite.any() or bool(image.data[finite].min() == image.data[finite].max())
    is_label = image.quantity is Quantity.LABEL
    inside = np.asarray(mask, bool) & finite
    seen = not is_label and not constant and bool(inside.any())
    values = np.where(finite, image.data, 0).astype(np.float32) if seen else None
    return ImageFacts(
        file=scan.path.name,
        subject=scan.subject,
        session=scan.session,
        contrast=scan.contrast,
        quantity=image.quantity.name,
        site=scan.site,
        shape=image.grid.shape,
        voxel_mm=_three(voxel, 4),
        FOV_mm=_three(voxel * image.grid.shape, 2),
        orientation="".join(aff2axcodes(image.affine)),
        oblique_deg=round(float(np.rad2deg(np.arccos(np.minimum(cosines, 1))).max()), 2),
        anisotropy=round(float(voxel.max() / voxel.min()), 3),
        grid=grid,
        mask_cm3=round(float(inside.sum() * image.grid.voxel_volume_mm3 / 1000), 2),
        mask_share=round(float(inside.mean()), 4),
        not_finite=int((~finite).sum()),
        constant=constant,
        intensities=None if values is None else _intensities(values, inside),
        labels=tuple(int(v) for v in np.unique(image.data)[:MOST_LABELS]) if is_label else (),
        odd_slices=() if values is None else odd_slices(values, inside),
        doubt=doubt(image),
    )


def noise_sd(data: NDArray[np.float32], mask: Mask) -> float:
    """Standard deviation of noise that is independent from voxel to voxel.

        sd = median |d| / 0.6745,   d = sum of +-x over 2 x 2 x 2 voxels / sqrt(8), signs alternating along every axis

    d is the finest diagonal wavelet of Haar, in which anatomy hardly shows; blocks wholly inside the mask count, with
    fewer axes where one has a single voxel. 0 if no block lies inside.

    Coupé et al., Med. Image Anal. 14, 483 (2010); Donoho, IEEE Trans. Inf. Theory 41, 613 (1995).
    """
    d = np.asarray(data, np.float32)
    inside = np.asarray(mask, bool)
    for axis, n in enumerate(data.shape):
        if n < 2:
            continue
        even, odd = (tuple(slice(s, n - n % 2, 2) if a == axis else slice(None) for a in range(3)) for s in (0, 1))
        d = (d[even] - d[odd]) / np.float32(np.sqrt(2))
        inside = inside[even] & inside[odd]
    return float(np.median(np.abs(d[inside])) / 0.6745) if inside.any() else 0.0


def _intensities(data: NDArray[np.float32], inside: Mask) -> Intensities:
    v = data[inside].astype(float)
    outside = data[~inside]
    return Intensities(
        mean=float(v.mean()),
        sd=float(v.std()),
        percentiles={f"{p:g}": float(q) for p, q in zip(PERCENTILES, np.percentile(v, PERCENTILES), strict=True)},
        background=float(np.median(outside)) if outside.size else None,
        noise=noise_sd(data, inside),
    )


def _three(values: NDArray[np.float64], digits: int) -> tuple[float, float, float]:
    x, y, z = (round(float(v), digits) for v in values)
    return x, y, z
