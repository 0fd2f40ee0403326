"""Matrix products whose bytes do not depend on the number of threads.

A BLAS may sum the inner dimension in one order on one thread and in another on two. So every product is cut into fixed
blocks of columns, each is worked out on one thread of the BLAS, and blocks go to threads of our own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.cores import available_cores, own_threads

COLUMNS = 512
WORTH_THREADS = 2**23
"""Multiply-adds from which on threads pay for themselves."""


def product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """a @ b for a (..., m, k) and b (..., k, n)."""
    n = b.shape[-1]
    blocks = [slice(j, j + COLUMNS) for j in range(0, n, COLUMNS)]
    with own_threads():
        if len(blocks) < 2:
            return np.asarray(a @ b)
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        out = np.empty((*batch, a.shape[-2], n), np.result_type(a, b))

        def work(columns: slice) -> None:
            out[..., columns] = a @ b[..., columns]

        if out.size * a.shape[-1] < WORTH_THREADS:
            for columns in blocks:
                work(columns)
        else:
            with ThreadPoolExecutor(min(available_cores(), len(blocks))) as pool:
                list(pool.map(work, blocks))
        return out


def padded(n: int) -> int:
    """The next multiple of 16: the unrolled part of a kernel then has no rest, which is faster."""
    return -(-n // 16) * 16
