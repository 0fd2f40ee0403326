"""The discrete Fourier transform of an image along some axes, k = 0 in the middle, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complexfloating[Any, Any]]


def to_kspace(data: NDArray[Any], axes: tuple[int, ...]) -> Complex:
    """S_k = sum_x s_x exp(-2 pi i k x / n), k from -(n // 2)."""
    return np.asarray(np.fft.fftshift(np.fft.fftn(data, axes=axes), axes=axes))


def to_image(kspace: Complex, axes: tuple[int, ...]) -> Complex:
    """s_x = 1/n sum_k S_k exp(2 pi i k x / n)."""
    return np.asarray(np.fft.ifftn(np.fft.ifftshift(kspace, axes=axes), axes=axes))


def along(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """(n,) as an array that multiplies (x, y, z) along an axis."""
    shape = [1, 1, 1]
    shape[axis] = -1
    return values.reshape(shape)


def lines(n: int) -> NDArray[np.int64]:
    """k = -(n // 2) ... of n samples."""
    return np.arange(n) - n // 2
