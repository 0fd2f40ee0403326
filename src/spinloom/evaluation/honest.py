"""The protocol of this project: one scale for both images, inside a mask, in units that mean something.

Scale: HU as they are, with a range of 2000 (air to bone); T1, T2 ... and other quantities as they are, and signal
divided by one number for both images, the 99.5th percentile of the *reference* in the mask; range: that percentile.
Mask: the given one; without, the largest connected part of the reference above Otsu's threshold, holes filled.
"""

from __future__ import annotations

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.core.masks import body, head
from spinloom.evaluation.continuity import slice_roughness
from spinloom.evaluation.multiscale import box_of, least_side, ms_ssim
from spinloom.evaluation.overlap import dice
from spinloom.evaluation.pair import Mask, Pair, Values
from spinloom.evaluation.path_length import wepl_error
from spinloom.evaluation.pointwise import mae, ncc, psnr, rmse
from spinloom.evaluation.protocol import Column, Protocol, Scores
from spinloom.evaluation.similarity import Gaussian, ssim
from spinloom.evaluation.stopping_power import STOPPING_POWER

HU_RANGE = 2000.0
BONE_HU, AIR_HU = 250.0, -200.0
LEAST = least_side(Gaussian())
NAN = float("nan")


def where(pair: Pair) -> Mask:
    """The voxels that count."""
    if pair.mask is not None:
        return pair.mask
    return body(pair.y) if pair.quantity is Quantity.HU else head(pair.y)


def scale_of(pair: Pair, mask: Mask) -> float:
    """What counts as the full range: 2000 HU, else the 99.5th percentile of the reference in the mask."""
    if pair.quantity is Quantity.HU:
        return HU_RANGE
    inside = pair.y[mask]
    top = float(np.percentile(inside, 99.5))
    return top if top > 0 else float(np.ptp(inside))


def honest(pair: Pair) -> Scores:
    """MAE, RMSE, bias, PSNR, SSIM and MS-SSIM of five scales (3D and of axial slices; Gaussian window, normalised in
    the mask), NCC, roughness through the slices (1 is right); for HU also errors in air, soft tissue and bone, and of
    beams through the body: water-equivalent paths by electron density (photons) and by stopping power (protons)."""
    mask, x, y = where(pair), pair.x, pair.y
    span = scale_of(pair, mask)
    if span == 0:
        raise InputError(f"{pair.name}: the reference is {y[mask][0]:g} all over the mask", remedy="Check the mask.")
    if pair.quantity is Quantity.SIGNAL:
        x, y, span = x / span, y / span, 1.0
    box = tuple(slice(max(0, i.min() - 5), i.max() + 6) for i in np.nonzero(mask))
    a, b, m = x[box], y[box], mask[box]
    thin = min(a.shape) < len(Gaussian().weights)
    narrow = min(a.shape[:2]) < len(Gaussian().weights)
    found = {
        "MAE": mae(x, y, mask),
        "RMSE": rmse(x, y, mask),
        "bias": float(np.mean(x[mask] - y[mask])),
        "PSNR": psnr(x, y, span, mask),
        "SSIM": NAN if thin else ssim(a, b, span, window=Gaussian(), mask=m),
        "SSIM of slices": NAN if narrow else ssim(a, b, span, window=Gaussian(), mask=m, slice_axis=2),
        **five_scales(x, y, span, mask),
        "NCC": ncc(x, y, mask) if np.ptp(x[mask]) > 0 and np.ptp(y[mask]) > 0 else NAN,
        "slice roughness": slice_roughness(x, y, mask) if mask.any(axis=(0, 1)).sum() > 1 else NAN,
    }
    if pair.quantity is Quantity.HU:
        found |= hounsfield(x, y, mask) | {"WEPL error": wepl_error(x, y, mask, pair.voxel_mm)}
        found["WEPL error of protons"] = wepl_error(x, y, mask, pair.voxel_mm, STOPPING_POWER)
    return found


def five_scales(x: Values, y: Values, span: float, mask: Mask) -> dict[str, float]:
    """MS-SSIM (3D) and its mean over axial slices; NaN where the image is too small for five scales, never fewer.

    A slice whose mask is gone at the coarsest scale (less than half of every voxel of 16 x 16) is left out.
    """
    solid = solids = NAN
    if min(x.shape) >= LEAST:
        box = box_of(mask)
        solid = _scales(x[box], y[box], span, mask[box])
    if min(x.shape[:2]) >= LEAST:
        box = box_of(np.asarray(mask.any(axis=2)))
        some = [_scales(x[box][:, :, z], y[box][:, :, z], span, mask[box][:, :, z]) for z in _holding(mask)]
        solids = float(np.nanmean(some)) if np.isfinite(some).any() else NAN
    return {"MS-SSIM": solid, "MS-SSIM of slices": solids}


def _scales(x: Values, y: Values, span: float, mask: Mask) -> float:
    try:
        return ms_ssim(x, y, span, mask=mask)
    except InputError:
        return NAN


def _holding(mask: Mask) -> list[int]:
    return [int(z) for z in np.flatnonzero(mask.any(axis=(0, 1)))]


def hounsfield(x: np.ndarray, y: np.ndarray, mask: Mask) -> dict[str, float]:
    """MAE [HU] where the reference is air, soft tissue and bone, and Dice of bone (above 250 HU)."""
    parts = {"air": y < AIR_HU, "soft": (y >= AIR_HU) & (y <= BONE_HU), "bone": y > BONE_HU}
    found = {f"MAE {name}": mae(x, y, m & mask) if (m & mask).any() else NAN for name, m in parts.items()}
    return {**found, "Dice bone": dice((x > BONE_HU) & mask, (y > BONE_HU) & mask)}


GONE = ", and some of the mask left at the coarsest"
COMMON = (
    Column("MAE"),
    Column("RMSE"),
    Column("bias", ideal=0.0),
    Column("PSNR", "dB", more=True),
    Column("SSIM", more=True),
    Column("SSIM of slices", more=True),
    Column("MS-SSIM", more=True, absent=f"five scales need {LEAST} voxels along every axis{GONE}"),
    Column("MS-SSIM of slices", more=True, absent=f"five scales need {LEAST} voxels along both axes of a slice{GONE}"),
    Column("NCC", more=True),
    Column("slice roughness", ideal=1.0),
)
HONEST = Protocol(
    "honest",
    "One scale, inside the mask",
    COMMON,
    honest,
    "This project; every definition is cited in its own module",
    data_range="the 99.5th percentile of the reference in the mask",
)
HONEST_HU = Protocol(
    "honest",
    "HU, inside the body",
    (
        *COMMON,
        Column("MAE air", "HU"),
        Column("MAE soft", "HU"),
        Column("MAE bone", "HU"),
        Column("Dice bone", more=True),
        Column("WEPL error", "mm"),
        Column("WEPL error of protons", "mm"),
    ),
    honest,
    HONEST.source,
    data_range=f"{HU_RANGE:g} HU",
)
