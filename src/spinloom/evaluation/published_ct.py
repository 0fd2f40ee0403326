"""Protocols for CT numbers: SynthRAD2023, SynthRAD2025, and source 2 (MRI → CT by pix2pix).

Written from the definitions that the organisers published as code; each score is worked out here anew. Read:
functions/image_metrics.py of SynthRAD2023/metrics, image_metrics.py of SynthRAD2025/evaluation, the notebooks of source
2 (its last one, which crops and pads, by a description of it). The challenges come with a mask of the body for every
case: without one their scores are NaN, for the whole frame would be another score.
"""

from __future__ import annotations

import numpy as np

from spinloom.evaluation.frames import centred
from spinloom.evaluation.pair import Mask, Pair, Values
from spinloom.evaluation.pointwise import mae, mse, psnr
from spinloom.evaluation.protocol import Column, Protocol, Scores, mean, nothing
from spinloom.evaluation.similarity import Uniform, interior, moments, ssim, ssim_map

AIR = -1024.0
TOP_2023, TOP_2025 = 3000.0, 3071.0
SMALLEST = 97
"""Voxels along each side that five scales need; smaller images are continued at their edges."""
FRAME = (256, 256)
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def synthrad2023(pair: Pair) -> Scores:
    """MAE in the mask, unclipped [HU]; PSNR in the mask, clipped to [-1024, 3000]; SSIM with a window of 7^3, -1024
    outside of the mask, mean over the mask but for three voxels at the edges of the volume."""
    if pair.mask is None:
        return nothing(SYNTHRAD2023.columns)
    body, span = pair.mask, TOP_2023 - AIR
    x, y = np.clip(pair.x, AIR, TOP_2023), np.clip(pair.y, AIR, TOP_2023)
    values = ssim_map(np.where(body, x, AIR) - AIR, np.where(body, y, AIR) - AIR, span)
    inner = interior(values.shape, Uniform().radius)
    here = body[inner]
    return {
        "MAE": mae(pair.x, pair.y, body),
        "PSNR": psnr(x, y, span, body),
        "SSIM": float(values[inner][here].mean()) if here.any() else float("nan"),
    }


def synthrad2025(pair: Pair) -> Scores:
    """MAE and PSNR as in 2023 with a top of 3071; MS-SSIM of five scales in the mask: every scale takes luminance,
    contrast and structure to the power of its weight before the mean, and negative parts count as zero."""
    if pair.mask is None:
        return nothing(SYNTHRAD2025.columns)
    body, span = pair.mask, TOP_2025 - AIR
    x, y = np.clip(pair.x, AIR, TOP_2025), np.clip(pair.y, AIR, TOP_2025)
    return {
        "MAE": mae(pair.x, pair.y, body),
        "PSNR": psnr(x, y, span, body),
        "MS-SSIM": _scales(np.where(body, x, AIR) - AIR, np.where(body, y, AIR) - AIR, body, span),
    }


def _scales(x: Values, y: Values, body: Mask, span: float) -> float:
    missing = [max(0, SMALLEST - n) for n in y.shape]
    edges = [(m // 2, m - m // 2) for m in missing]
    x, y, inside = np.pad(x, edges, mode="edge"), np.pad(y, edges, mode="edge"), np.pad(body, edges, mode="edge")
    product = 1.0
    for weight in SCALES:
        m = moments(x, y, Uniform(), None, unbiased=True)
        C1, C2 = (0.01 * span) ** 2, (0.03 * span) ** 2
        sx, sy = np.sqrt(np.maximum(m.vx, 0)), np.sqrt(np.maximum(m.vy, 0))
        luminance = (2 * m.mx * m.my + C1) / (m.mx**2 + m.my**2 + C1)
        contrast = (2 * sx * sy + C2) / (m.vx + m.vy + C2)
        structure = (m.vxy + C2 / 2) / (sx * sy + C2 / 2)
        value = np.prod([np.maximum(part, 0) ** weight for part in (luminance, contrast, structure)], axis=0)
        inner = interior(value.shape, 3)
        here = inside[inner]
        if not here.any():
            return float("nan")
        product *= float(np.clip(value[inner][here].mean(), 0, 1))
        x, y, inside = _halved(x), _halved(y), inside[::2, ::2, ::2]
    return product


def _halved(a: Values) -> Values:
    """Every other mean of a voxel and the one before it, along all axes; before the first there is nothing."""
    for axis in range(3):
        a = np.moveaxis(a, axis, 0)
        before = np.concatenate([np.zeros_like(a[:1]), a[:-1]])
        a = np.moveaxis(((a + before) / 2)[::2], 0, axis)
    return a


def source2(pair: Pair) -> Scores:
    """Clipped to [-1000, 1000] HU, air outside of the mask if there is one, scaled to [-1, 1], every slice in the
    middle of 256 x 256 with air around it: MSE of all slices; SSIM with the range of each real slice, where it has one
    (a slice of air alone has no SSIM)."""
    body = np.ones(pair.y.shape, bool) if pair.mask is None else pair.mask
    x, y = (np.where(body, np.clip(a, -1000, 1000), -1000.0) / 1000 for a in (pair.x, pair.y))
    rows = []
    for z in range(y.shape[2]):
        a, b = (centred(v[:, :, z], FRAME, -1.0) for v in (x, y))
        span = float(np.ptp(b))
        rows.append({"MSE": mse(a, b), "SSIM": ssim(a, b, span) if span > 0 else float("nan")})
    found = mean(rows)
    error = found["MSE"]
    return {
        "MSE": error,
        "RMSE": 1000 * float(np.sqrt(error)),
        "PSNR": float(10 * np.log10(4 / error)) if error > 0 else float("inf"),
        "SSIM": found["SSIM"],
    }


UNMASKED = "no mask of the body was given, and this challenge scores inside one (--mask)"
MAE, PSNR = Column("MAE", "HU", absent=UNMASKED), Column("PSNR", "dB", more=True, absent=UNMASKED)
SSIM = Column("SSIM", more=True, absent=UNMASKED)
MS_SSIM = Column("MS-SSIM", more=True, absent=UNMASKED)

SYNTHRAD2023 = Protocol(
    "synthrad2023",
    "SynthRAD2023 challenge",
    (MAE, PSNR, SSIM),
    synthrad2023,
    "Huijben et al., Med. Image Anal. 97, 103276 (2024); SynthRAD2023/metrics, corrected in July 2023",
    HU=True,
    data_range="4024 HU (-1024 to 3000)",
    caveats=("A range of 4024 HU makes PSNR and SSIM generous: an error of 60 HU in soft tissue is 36 dB.",),
)
SYNTHRAD2025 = Protocol(
    "synthrad2025",
    "SynthRAD2025 challenge",
    (MAE, PSNR, MS_SSIM),
    synthrad2025,
    "Thummerer et al., Med. Phys. 52, e17981 (2025); SynthRAD2025/evaluation",
    HU=True,
    data_range="4095 HU (-1024 to 3071)",
    caveats=(
        "Its MS-SSIM is not Wang's: luminance enters at every scale, and powers are taken before the mean.",
        "Dice, HD95 and dose, which complete its ranking, need a segmentation network and a dose engine.",
    ),
)
SOURCE2 = Protocol(
    "source2",
    "Source 2: MRI → CT by pix2pix",
    (Column("MSE"), Column("RMSE", "HU"), Column("PSNR", "dB", more=True), Column("SSIM", more=True)),
    source2,
    "Its notebooks: images in [-1, 1], one unit is 1000 HU",
    HU=True,
    data_range="PSNR: 2000 HU; SSIM: that of each slice of the reference",
    caveats=(
        "The whole frame of 256 x 256 counts: background that any network gets right lifts every number.",
        "Without a mask, couch and noise around the body count too; with one, all around it is set to air.",
        "It averages over the slices of all subjects; here over those of each subject.",
        "Bone above 1000 HU is cut off in both images.",
    ),
)
