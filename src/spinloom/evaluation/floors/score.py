"""How a floor does: PSNR and SSIM of two images whose units are anybody's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import require_positive
from spinloom.core.image import Image
from spinloom.evaluation.floors.example import Mask
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.similarity import ssim_map


@dataclass(frozen=True)
class FloorScore:
    """psnr [dB], ssim [1]."""

    psnr: float
    ssim: float


def relative_score(
    prediction: Image, reference: Image, inside: Mask, *, reference_unit: float, prediction_unit: float | None = None
) -> FloorScore:
    """PSNR inside, and the mean inside of the 3D SSIM map (uniform window of 7 voxels), both with a range of 1, of

        x = prediction / prediction_unit,   y = reference / reference_unit

    inside           (x, y, z) where it counts; the windows of SSIM see beyond it
    reference_unit   e.g. a percentile of the reference
    prediction_unit  None: the reference's, for a prediction in the reference's unit. A floor fitted to other subjects
                     predicts in multiples of *their* scale, and that is its unit: nothing is fitted to the answer

    Raises InputError for images of different shapes, an empty mask, or values that are not finite.
    """
    unit = reference_unit if prediction_unit is None else prediction_unit
    require_positive("relative_score", reference_unit=reference_unit, prediction_unit=unit)
    x = np.asarray(prediction.data, float) / unit
    y = np.asarray(reference.data, float) / reference_unit
    return FloorScore(psnr(x, y, 1.0, inside), float(ssim_map(x, y, 1.0)[inside].mean()))
