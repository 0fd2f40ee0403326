"""Made signals as bright as their unit says: what regression draws to the mean is stretched back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]
MOST = 2.0
"""A stretch beyond this is another image."""


@dataclass(frozen=True)
class Stretch:
    """The upper half of a signal stretched until its brightest are 1.

        v <- v,                    v <= m
        v <- m + s (v - m),        v > m,     s = (1 - m) / (p - m)

    m the median and p the high percentile in the foreground: 1 is what the p of a scan is called. A mean of what could
    be is darker than that where it is bright, so that an image divided by its own p would be too bright all over.
    """

    middle: float
    factor: float

    def __call__(self, values: Volume) -> Volume:
        above = np.maximum(values - self.middle, 0)
        return (values + (self.factor - 1) * above).astype(np.float32)


AS_IT_IS = Stretch(0.0, 1.0)


def stretch(values: Volume, inside: NDArray[np.bool_], high: float) -> Stretch:
    """Of an answer (x, y, z) in shares of the percentile `high`; none where the answer is no such image."""
    found = values[inside]
    m, p = np.percentile(found, (50, high)) if found.size else (0.0, 1.0)
    if not m < min(p, 1.0):
        return AS_IT_IS
    return Stretch(float(m), float(np.clip((1 - m) / (p - m), 1 / MOST, MOST)))
