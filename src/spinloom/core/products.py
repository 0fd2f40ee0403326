"""Matrix products whose bytes do not depend on the number of threads.

The BLAS that numpy brings sums the inner dimension in one order on one thread and in another on two, unless its length
is a multiple of 16: the unrolled part of its kernels then has no rest. So the inner dimension is padded with zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 16


def padded(n: int) -> int:
    """The next multiple of 16."""
    return -(-n // STEP) * STEP


def product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """a @ b for a (..., m, k) and b (..., k, n), with k padded by zeros."""
    k = a.shape[-1]
    if k == padded(k):
        return np.asarray(a @ b)
    wide = np.zeros((*a.shape[:-1], padded(k)), a.dtype)
    wide[..., :k] = a
    tall = np.zeros((*b.shape[:-2], padded(k), b.shape[-1]), b.dtype)
    tall[..., :k, :] = b
    return np.asarray(wide @ tall)
