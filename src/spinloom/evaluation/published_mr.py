"""Protocols for MR images: SynDiff, SelfRDB, Fast-DDPM.

Each is what a publication's own code does to its slices, worked out here anew; none of them is recommended.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinloom.evaluation.frames import padded_and_cropped
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.protocol import EXACT, PER_SUBJECT, Column, Protocol, Scores, axial, both, nothing
from spinloom.evaluation.similarity import ssim

NAN = float("nan")
PSNR, SSIM = Column("PSNR", "dB", more=True), Column("SSIM", more=True)
FRAME, CROP = 256, (152, 256)


def syndiff(pair: Pair) -> Scores:
    """Each slice divided by its own largest value, prediction and reference separately, padded to 256 x 256, cropped to
    152 (left to right) x 256; PSNR with the largest value of the prediction's crop as its peak, SSIM with a range of 1.

    Read: test.py, dataset.py of icon-lab/SynDiff. They have no code for SSIM: scikit-image's default is taken.
    """
    rows = []
    for x, y, _ in axial(pair):
        if x.max() <= 0 or y.max() <= 0:
            continue
        a, b = (padded_and_cropped(v / v.max(), FRAME, CROP) for v in (x, y))
        peak = float(a.max())
        rows.append({"PSNR": psnr(a, b, peak) if peak > 0 else NAN, "SSIM": ssim(a, b, 1.0)})
    return both(rows)


def selfrdb(pair: Pair) -> Scores:
    """Times the mask, each slice divided by its own mean, prediction and reference separately; PSNR and SSIM with the
    largest value of the reference as their range. NaN without a mask: nobody's mask is made up.

    Read: utils.py, main.py of icon-lab/SelfRDB, which prints SSIM times 100 and reads its masks from files; what made
    them is not public. Its code can also be told to take the whole frame (eval_mask off), which is not this protocol.
    """
    if pair.mask is None:
        return nothing(SELFRDB.columns)
    inside, rows = replace(pair, x=pair.x * pair.mask, y=pair.y * pair.mask), []
    for x, y, _ in axial(inside):
        a, b = np.abs(x), np.abs(y)
        if a.mean() == 0 or b.mean() == 0:
            continue
        a, b = a / a.mean(), b / b.mean()
        rows.append({"PSNR": psnr(a, b, float(b.max())), "SSIM": ssim(a, b, float(b.max()))})
    return both(rows)


def fast_ddpm(pair: Pair) -> Scores:
    """Cut to 0 ... 1 (0 to the largest value of the reference), times 255, whole slices, a range of 255.

    Read: runners/diffusion.py (sg_sample_fid: translation), functions/losses.py of mirthAI/Fast-DDPM. Translation does
    not round to eight bits; super-resolution (sr_sample_fid) does, which is seen from about 50 dB. How its volumes
    were scaled to [-1, 1] is not public. It resizes slices to 256 x 256; here they stay as they are.
    """
    top = float(pair.y.max())
    rows = []
    for x, y, _ in axial(pair):
        a, b = (255 * np.clip(v / top, 0, 1) for v in (x, y))
        rows.append({"PSNR": psnr(a, b, 255.0), "SSIM": ssim(a, b, 255.0)})
    return both(rows)


SYNDIFF = Protocol(
    "syndiff",
    "SynDiff",
    (PSNR, SSIM),
    syndiff,
    "Özbey et al., IEEE Trans. Med. Imaging 42, 3524 (2023); its test.py for PSNR (which has no SSIM)",
    HU=False,
    data_range="PSNR: the largest value of the prediction; SSIM: 1, the largest of each slice",
    caveats=(
        "Prediction and reference are divided by their own largest values: errors of scale vanish.",
        "No public code says how its SSIM was worked out: scikit-image's default with a range of 1 is taken.",
        PER_SUBJECT,
        EXACT,
    ),
)
UNMASKED = "no mask was given, and this protocol scores inside one (--mask); the whole frame would be another score"
SELFRDB = Protocol(
    "selfrdb",
    "SelfRDB",
    (
        Column("PSNR", "dB", more=True, absent=UNMASKED),
        Column("SSIM", more=True, absent=UNMASKED),
    ),
    selfrdb,
    "Arslan et al., arXiv:2405.06789; its utils.py",
    HU=False,
    data_range="the largest value of each slice of the reference, both divided by their own means",
    caveats=("Prediction and reference are divided by their own means: errors of scale vanish.", EXACT),
)
FAST_DDPM = Protocol(
    "fast-ddpm",
    "Fast-DDPM",
    (PSNR, SSIM),
    fast_ddpm,
    "Jiang et al., IEEE J. Biomed. Health Inform. (2025), arXiv:2405.14802; its runners/diffusion.py, translation",
    HU=False,
    data_range="255, the largest value of the reference",
    caveats=("Background counts, and lifts both numbers.", PER_SUBJECT, EXACT),
)
