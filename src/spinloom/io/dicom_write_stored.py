"""Values of an image → whole numbers of 16 bits, their scale and unit: HU, signal, and maps of relaxation times.

DICOM PS3.3 C.7.6.16.2.11 (real world values), C.8.2.1 (CT), C.8.3.1.1.1 (MR: kinds of map), C.11.1 (rescale).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.units import ms

LEAST, MOST = -(2**15), 2**15 - 1
AIR = -1024
"""The usual intercept of CT: what scanners store of air is about 0."""
DECIMALS = (1.0, 0.1, 0.01, 0.001, 0.0001)
"""Steps that are tried before values are rounded: integers, and maps that were rounded before."""


@dataclass(frozen=True)
class Kind:
    """How DICOM keeps a quantity.

    name  for people;  word  third value of the image's type
    unit  of the values in ours: value = ours / unit;  code, meaning  of that unit in UCUM, "" if it has none
    """

    name: str
    word: str
    unit: float = 1.0
    code: str = ""
    meaning: str = ""


KINDS = {
    Quantity.HU: Kind("CT number [HU]", "AXIAL"),
    Quantity.SIGNAL: Kind("MR signal", "OTHER"),
    Quantity.T1: Kind("T1 map [ms]", "T1 MAP", ms, "ms", "millisecond"),
    Quantity.T2: Kind("T2 map [ms]", "T2 MAP", ms, "ms", "millisecond"),
    Quantity.T2STAR: Kind("T2star map [ms]", "OTHER", ms, "ms", "millisecond"),
    Quantity.T2PRIME: Kind("T2prime map [ms]", "OTHER", ms, "ms", "millisecond"),
    Quantity.PD: Kind("proton density map [water = 1]", "DENSITY MAP", 1.0, "1", "no units"),
}


@dataclass(frozen=True, eq=False)
class Stored:
    """value = slope stored + intercept.

    stored  (x, y, z) int16;  window  centre and width of the values;  rounding  in words
    """

    stored: NDArray[np.int16]
    slope: float
    intercept: float
    window: tuple[float, float]
    rounding: str


def stored(image: Image) -> Stored:
    """The image as whole numbers of 16 bits.

        HU       slope 1, intercept -1024 (0 if values are above 31743); rounded to whole HU
        others   intercept 0, so that nothing stays nothing; slope 1, 0.1 ... 0.0001 if that keeps every value as it
                 is (to the precision of float32), else the largest magnitude / 32767

    Raises InputError for values that are complex, NaN, infinite, or HU beyond 16 bits, and for other quantities.
    """
    if image.quantity not in KINDS:
        raise InputError(
            f"an image of {image.quantity.value} has no place in an MR or CT series", remedy="Write it as NIfTI."
        )
    if image.data.dtype.kind not in "iufb" or 0 in image.data.shape:
        raise InputError(
            f"an image of {image.data.dtype} and shape {image.data.shape} cannot be written as DICOM",
            remedy="Give real numbers: the magnitude, for one.",
        )
    if not np.isfinite(image.data).all():
        raise InputError("the image holds NaN or infinite values", remedy="Set them to a number first.")
    if image.quantity is Quantity.HU:
        return _hounsfield(image.data)
    return _scaled(image.data.astype(np.float64) / KINDS[image.quantity].unit)


def _hounsfield(values: NDArray[Any]) -> Stored:
    whole = np.rint(values)
    if whole.min() < LEAST or whole.max() > MOST:
        raise InputError(
            f"the image goes from {whole.min():.0f} to {whole.max():.0f} HU, beyond 16 bits",
            remedy="Are these HU? Clip them, or correct their scale.",
        )
    intercept = AIR if whole.max() - AIR <= MOST else 0
    kept = bool((whole == values).all())
    return Stored(
        (whole - intercept).astype(np.int16), 1.0, intercept, (40.0, 400.0),
        "stored losslessly" if kept else "rounded to whole HU",
    )  # fmt: skip


def _scaled(values: NDArray[Any]) -> Stored:
    largest = float(np.abs(values).max())
    slope = next((s for s in DECIMALS if largest / s <= MOST and _keeps(values, s)), None)
    rounding = "stored losslessly"
    if slope is None:
        slope = _six_digits_up(largest / MOST)
        rounding = f"rounded to multiples of {slope:g}"
    low, high = np.percentile(values, [1, 99])
    width = max(float(f"{high - low:.4g}"), slope)
    return Stored(
        np.rint(values / slope).astype(np.int16), slope, 0.0, (float(f"{(low + high) / 2:.4g}"), width), rounding
    )


def _keeps(values: NDArray[Any], step: float) -> bool:
    again = np.rint(values / step) * step
    return bool((np.abs(again - values) <= np.finfo(np.float32).eps * np.abs(values)).all())


def _six_digits_up(value: float) -> float:
    """Not below value, and short enough for a decimal string."""
    rounded = float(f"{value:.5e}")
    return rounded if rounded >= value else float(f"{value * (1 + 1e-5):.5e}")
