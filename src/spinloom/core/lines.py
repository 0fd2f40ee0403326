"""Whether readouts are straight, evenly sampled lines along one axis of k-space: the Cartesian case."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def straight(k: NDArray[np.float64], axis: int, tolerance: float = 1e-2) -> bool:
    """True if k changes along one axis only, in even steps, within every readout.

    k          (readout, sample, 3) [1/m]; padding is NaN, at the end of a readout
    axis       the axis (0, 1, 2) that may change
    tolerance  [1/m]; 0.01/m over a head is a thousandth of a turn
    """
    last = np.sum(~np.isnan(k[..., axis]), axis=1) - 1
    rows = np.arange(len(k))
    for d in range(3):
        along = k[..., d]
        span = along[rows, last] - along[:, 0]
        if d != axis and np.max(np.abs(span)) > tolerance:
            return False
        even = along[:, :1] + np.arange(k.shape[1]) * (span / np.maximum(last, 1))[:, None]
        if np.nanmax(np.abs(along - even)) > tolerance:
            return False
    return True
