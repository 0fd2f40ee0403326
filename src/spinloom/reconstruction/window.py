"""Apodisation of k-space: less Gibbs ringing and noise for a wider point spread."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Window = Callable[[Floats], Floats]
"""Weight over |k| / k_max in [0, 1] along each axis."""


def hann(q: Floats) -> Floats:
    """w = ½ + ½ cos πq. Harris, Proc. IEEE 66, 51 (1978)."""
    return 0.5 + 0.5 * np.cos(np.pi * q)


def hamming(q: Floats) -> Floats:
    """w = 0.54 + 0.46 cos πq. Harris, Proc. IEEE 66, 51 (1978)."""
    return 0.54 + 0.46 * np.cos(np.pi * q)
