"""How a floor does: PSNR and SSIM as the results page defines them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.image import Image
from spinloom.evaluation.floors.example import Mask, scale_of
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.similarity import ssim_map


@dataclass(frozen=True)
class FloorScore:
    """psnr [dB], ssim [1]."""

    psnr: float
    ssim: float


def relative_score(prediction: Image, reference: Image, inside: Mask, *, unit: float | None = None) -> FloorScore:
    """Scores of a prediction, range 1.

        x = prediction / unit,   y = reference / scale(reference)

    in the mask; SSIM with a uniform window of 7 voxels, its map averaged over the mask, both images 0 beyond it.

    unit  what the prediction is in multiples of: the scale it was fitted to (a signal's scale is anybody's, so neither
          image is fitted to the other). None: the reference's scale, for a prediction in the reference's unit
    """
    own = scale_of(reference, inside)
    y = np.where(inside, np.asarray(reference.data, float) / own, 0)
    x = np.where(inside, np.asarray(prediction.data, float) / (own if unit is None else unit), 0)
    return FloorScore(psnr(x, y, 1.0, inside), float(ssim_map(x, y, 1.0)[inside].mean()))
