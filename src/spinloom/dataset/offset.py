"""CT numbers that were stored with 1024 added, and those of which nobody can say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity

NO_AIR_HU = -200.0
"""A CT without any number below this shows no air, not even around the patient."""
DENSE_HU = 500.0
SHIFTED_HU = (900.0, 1150.0)
"""Fat to muscle (-110 to 60 HU) with 1000 or 1024 added. Of bone above 500 HU only about a quarter lies here."""
MOST_SHIFTED = 0.6
DOUBT = "no CT number is below -200: the air was taken away, or the numbers have an offset"


def require_no_offset(image: Image, file: object) -> None:
    """Raises InputError for CT numbers none of which is air, and whose soft tissue stands near 1000 instead of 0."""
    if not without_air(image):
        return
    values = np.asarray(image.data, float)
    dense = values[values > DENSE_HU]
    low, high = SHIFTED_HU
    share = float(np.mean((dense >= low) & (dense <= high))) if dense.size else 0.0
    if share > MOST_SHIFTED and dense.size > 1e-3 * image.data.size:
        raise InputError(
            f"is no CT in HU: nothing is below {float(image.data.min()):g}, and soft tissue stands near "
            f"{float(np.median(dense)):.4g} instead of 0: stored with an offset of 1000 or 1024",
            file=str(file),
            remedy="Subtract it, or set the file's intercept to -1024.",
        )


def doubt(image: Image) -> str:
    """What to know of CT numbers that may be right or wrong; "": nothing."""
    return DOUBT if without_air(image) else ""


def without_air(image: Image) -> bool:
    return image.quantity is Quantity.HU and float(_least(image.data)) > NO_AIR_HU


def _least(data: NDArray[np.generic]) -> float:
    finite = data[np.isfinite(data)]
    return float(finite.min()) if finite.size else 0.0
