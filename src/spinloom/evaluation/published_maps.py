"""The protocol of source 0 (weighted images → maps of T1, T2 and PD), and what its oracle reaches by the same formula.

Tissues of its maps are filled voxel by voxel with noise, which nothing can predict. The oracle knows every tissue and
writes its mean: on one scale (`honest` of the floor tissue-mean) nothing has less squared error.

Read: Fast-DDPM_for_phantoms/evaluation.py of its repository. Its slices 100 to 199 of one subject are all axial slices
that hold something here.
"""

from __future__ import annotations

import numpy as np

from spinloom.evaluation.pair import Pair, Values
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.protocol import EXACT, Column, Protocol, Scores, axial, both
from spinloom.evaluation.similarity import ssim

NAN = float("nan")


def source0(pair: Pair) -> Scores:
    """PSNR of slices that are each stretched to 0 ... 255 by themselves; SSIM of scikit-image (uniform window of 7^2)
    with a range taken from the prediction, max - |min|; with labels, the same of the oracle."""
    ceiling = {"PSNR": NAN, "SSIM": NAN} if pair.labels is None else _scores(pair, oracle(pair.y, pair.labels))
    return {**_scores(pair, pair.x), **{f"{name} of oracle": value for name, value in ceiling.items()}}


def oracle(y: Values, labels: np.ndarray) -> Values:
    """The mean of the reference over each label: a perfect segmentation and uniform tissues.

    y, labels  (nx, ny, nz); label 0 counts as one, too
    """
    which = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    means = np.bincount(which.ravel(), weights=y.ravel()) / np.bincount(which.ravel())
    return np.asarray(means[which])


def _scores(pair: Pair, prediction: Values) -> dict[str, float]:
    rows = []
    for x, y, _ in axial(pair, prediction):
        span = float(x.max() - abs(x.min()))
        alike = ssim(x, y, span) if span > 0 else NAN
        rows.append({"PSNR": psnr(_stretched(x), _stretched(y), 255.0) if np.ptp(x) > 0 else NAN, "SSIM": alike})
    return both(rows)


def _stretched(a: Values) -> Values:
    return np.asarray(255 * (a - a.min()) / np.ptp(a))


UNTOLD = "the oracle writes the mean of each tissue, and no label map says which is where (--labels)"
SOURCE0 = Protocol(
    "source0",
    "Source 0: phantoms by Fast-DDPM and cGAN",
    (
        Column("PSNR", "dB", more=True),
        Column("SSIM", more=True),
        Column("PSNR of oracle", "dB", more=True, absent=UNTOLD),
        Column("SSIM of oracle", more=True, absent=UNTOLD),
    ),
    source0,
    "Its evaluation.py",
    HU=False,
    data_range="PSNR: 255, each slice stretched by itself; SSIM: max - |min| of the prediction",
    caveats=(
        "Both images are stretched separately: a map wrong by a factor of two scores as if it were right.",
        "The range of SSIM is taken from the prediction.",
        "Stretching hurts its oracle, too, which is no ceiling: that is the floor tissue-mean under honest.",
        EXACT,
    ),
)
