"""A complex matrix product on one thread, for matrices so small that a library spends its time on its threads."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Samples = NDArray[np.complex64]

WIDE = 128  # floats of a row at a time
_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}


def small_product(a: Samples, b: Samples, out: Samples) -> None:
    """out (m, n) = a (m, k) @ b (k, n), k a multiple of 8; always the same bytes."""
    real, imag = np.ascontiguousarray(a.real), np.ascontiguousarray(a.imag)
    _multiply(real, imag, b.view(np.float32), out.view(np.float32))


@njit(**_FAST)
def _multiply(real, imag, b, out):  # type: ignore[no-untyped-def]
    m, k = real.shape
    n = b.shape[1]
    sums = np.zeros(2 * WIDE, np.float32)  # real(a) b, then imag(a) b, b as pairs of floats
    block = np.zeros((k, WIDE), np.float32)
    for first in range(0, n, WIDE):
        width = min(WIDE, n - first)
        for x in range(k):
            for s in range(width):
                block[x, s] = b[x, first + s]
        for r in range(m):
            sums[:] = 0.0
            for x in range(0, k, 8):
                _add(sums, block[x : x + 8], real[r, x : x + 8], imag[r, x : x + 8])
            row = out[r]
            for s in range(0, width, 2):
                row[first + s] = sums[s] - sums[WIDE + s + 1]
                row[first + s + 1] = sums[s + 1] + sums[WIDE + s]


@njit(**_FAST)
def _add(sums, b, real, imag):  # type: ignore[no-untyped-def]
    c0, c1, c2, c3, c4, c5, c6, c7 = real[0], real[1], real[2], real[3], real[4], real[5], real[6], real[7]
    d0, d1, d2, d3, d4, d5, d6, d7 = imag[0], imag[1], imag[2], imag[3], imag[4], imag[5], imag[6], imag[7]
    for s in range(WIDE):
        b0, b1, b2, b3, b4, b5, b6, b7 = b[0, s], b[1, s], b[2, s], b[3, s], b[4, s], b[5, s], b[6, s], b[7, s]
        sums[s] += (c0 * b0 + c1 * b1 + c2 * b2 + c3 * b3) + (c4 * b4 + c5 * b5 + c6 * b6 + c7 * b7)
        sums[s + WIDE] += (d0 * b0 + d1 * b1 + d2 * b2 + d3 * b3) + (d4 * b4 + d5 * b5 + d6 * b6 + d7 * b7)
