"""How well two contrasts of one subject lie on each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask, union
from spinloom.core.resample import covered, resample
from spinloom.dataset.register_quality import correlation

BINS = 64
LEAST_COVERED = 0.3
"""Images that share less space than this are not compared."""


@dataclass(frozen=True)
class Agreement:
    """Of two images of one subject at one visit, where either shows the subject.

    one_grid    whether they have the same voxels; if not, the second was put on the first's grid by the affines
    NCC         normalised cross-correlation, -1 to 1
    NMI         normalised mutual information, (H(a) + H(b)) / H(a, b): 1 if they know nothing of each other, at most 2
    boundaries  mean squared cosine between gradients: 1 if all edges run alike, 1/3 for unrelated images
    dice        overlap of the two subjects' masks, 0 to 1

    Studholme, Hill, Hawkes, Pattern Recognit. 32, 71 (1999); Haber, Modersitzki, MICCAI LNCS 4191, 726 (2006).
    """

    subject: str
    session: str | None
    first: str
    second: str
    one_grid: bool
    NCC: float | None = None
    NMI: float | None = None
    boundaries: float | None = None
    dice: float | None = None


def agreement(of: Agreement, first: Image, second: Image, masks: tuple[Mask, Mask]) -> Agreement:
    """The numbers filled in; None where the two images share too little space.

    of      which images they are
    masks   where each shows the subject
    """
    other, where = second, masks[1]
    if not of.one_grid:
        if covered(second, first.grid) < LEAST_COVERED:
            return of
        other = resample(second, first.grid)
        where = resample(Image(masks[1], second.affine, Quantity.LABEL), first.grid).data.astype(bool)
    either = union(masks[0], where)
    if not either.any():
        return of
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(either))
    a, b = (np.nan_to_num(np.asarray(i.data[box], np.float32)) for i in (first, other))
    inside = either[box]
    return replace(
        of,
        NCC=round(correlation(a[inside], b[inside]), 4),
        NMI=round(normalised_mutual_information(a[inside], b[inside]), 4),
        boundaries=round(boundary_agreement(a, b, inside), 4),
        dice=round(float(2 * (masks[0] & where).sum() / max(1, masks[0].sum() + where.sum())), 4),
    )


def normalised_mutual_information(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """(H(a) + H(b)) / H(a, b) of two lists of values, 64 x 64 bins between the 0.5 and 99.5 percentiles."""
    joint = np.histogram2d(_bins(a), _bins(b), bins=BINS, range=((0, BINS), (0, BINS)))[0] / max(1, a.size)
    both = _entropy(joint.ravel())
    return (_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / both if both > 0 else 1.0


def boundary_agreement(a: NDArray[np.float32], b: NDArray[np.float32], inside: Mask) -> float:
    """sum w cos^2 / sum w of the angle between gradients, w = |grad a| |grad b|, volumes smoothed by a voxel."""
    axes = [axis for axis, n in enumerate(a.shape) if n > 1]
    dot, aa, bb = (np.zeros(a.shape, np.float32) for _ in range(3))
    for axis in axes:
        da, db = (np.gradient(gaussian_filter(v, 1.0), axis=axis) for v in (a, b))
        dot, aa, bb = dot + da * db, aa + da**2, bb + db**2
    w = np.sqrt(aa[inside].astype(float) * bb[inside])
    total = float(w.sum())
    return float((dot[inside].astype(float) ** 2 / np.maximum(w, 1e-30)).sum()) / total if total > 0 else 0.0


def _bins(values: NDArray[np.generic]) -> NDArray[np.float64]:
    v = np.asarray(values, float).ravel()
    low, high = np.percentile(v, (0.5, 99.5))
    return np.clip((v - low) / (high - low or 1.0) * BINS, 0, BINS - 1e-6)


def _entropy(p: NDArray[np.float64]) -> float:
    seen = p[p > 0]
    return float(-(seen * np.log(seen)).sum())
