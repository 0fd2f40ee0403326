"""Is this number what it is said to be? Units that are plainly wrong are refused with the likely right one."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity

TIMES = (Quantity.T1, Quantity.T2, Quantity.T2STAR, Quantity.T2PRIME)
MAY_BE_ZERO = (Quantity.DB0, Quantity.CHI, Quantity.D, Quantity.FRACTION)
LONGEST_MEDIAN_S = 20.0
SHORTEST_MEDIAN_S = 1e-5


def require_plausible(values: NDArray[Any], quantity: Quantity, path: str | os.PathLike[str]) -> None:
    """Refuse values that cannot be `quantity` in its SI unit; medians are over the voxels that are not 0.

    T1, T2 ...  [s]: a median above 20 is ms, below 1e-5 is something else; negative times do not exist
    PD          water = 1: a median above 5 is percent or arbitrary units
    B1          relative: a median above 5 is percent
    HU          within 0 .. 1 is rescaled; nothing below -200 is an image without air or with an offset of 1024
    dB0         [Hz]: all within 1e-3 is tesla or ppm
    fractions   0 .. 1
    """
    if quantity is Quantity.LABEL:
        return
    if not np.any(values):
        if quantity not in MAY_BE_ZERO:
            warnings.warn(f"{path}: every voxel is 0.", stacklevel=4)
        return
    if quantity is Quantity.SIGNAL:
        return
    if values.dtype.kind == "c":
        raise InputError(
            f"holds complex numbers, {quantity.value} was expected", file=path, remedy="Take the magnitude first."
        )
    inside = values[values != 0]
    low, median, high = (float(v) for v in (inside.min(), np.median(inside), inside.max()))
    if quantity in TIMES:
        name = quantity.value.split()[0]
        if low < 0:
            raise InputError(
                f"{name} map holds negative times (down to {low:.3g})",
                file=path,
                remedy="Set them to 0, which means no tissue.",
            )
        if median > LONGEST_MEDIAN_S:
            raise InputError(
                f"{name} map has median {median:.4g}, which looks like ms; seconds were expected",
                file=path,
                remedy="Divide it by 1000.",
            )
        if median < SHORTEST_MEDIAN_S:
            raise InputError(
                f"{name} map has median {median:.2g} s", file=path, remedy="Give seconds, not a rate or minutes."
            )
    elif quantity is Quantity.PD and (low < 0 or median > 5):
        raise InputError(
            f"PD map has median {median:.4g} and minimum {low:.3g}; water = 1 was expected",
            file=path,
            remedy="Divide it by 100 if it is percent, or by its value in CSF.",
        )
    elif quantity is Quantity.B1 and (low < 0 or median > 5):
        raise InputError(
            f"B1 map has median {median:.4g}, which looks like percent; 1 = nominal was expected",
            file=path,
            remedy="Divide it by 100.",
        )
    elif quantity is Quantity.FRACTION and (low < 0 or high > 1 + 1e-6):
        raise InputError(
            f"fractions run from {low:.3g} to {high:.3g}; 0 to 1 was expected",
            file=path,
            remedy="Divide by the full value.",
        )
    elif quantity is Quantity.DB0 and max(abs(low), abs(high)) < 1e-3:
        raise InputError(
            f"field map stays within {max(abs(low), abs(high)):.2g} Hz, which looks like tesla",
            file=path,
            remedy="Convert it to Hz.",
        )
    elif quantity is Quantity.HU:
        if low >= 0 and high <= 1:
            raise InputError(
                "CT numbers lie within 0 and 1, so they were rescaled; HU was expected",
                file=path,
                remedy="Undo the scaling, e.g. HU = 2000 x - 1000 for a window of -1000 to 1000.",
            )
        if low > -200:
            warnings.warn(
                f"{path}: no CT number is below -200; is it stored with an offset? Then subtract it (often 1024).",
                stacklevel=4,
            )
