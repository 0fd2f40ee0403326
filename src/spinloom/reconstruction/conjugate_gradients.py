"""Conjugate gradients: A x = b for a Hermitian positive A that is only known by what it does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complexfloating]


def conjugate_gradients(
    A: Callable[[Complex], Complex], b: Complex, iterations: int, *, tolerance: float = 0.0
) -> Complex:
    """x after some iterations from 0, or once |b - A x| <= tolerance |b|.

    A  Hermitian, positive semidefinite, on arrays of b's shape

    Hestenes & Stiefel, J. Res. Natl. Bur. Stand. 49, 409 (1952).
    """
    x = np.zeros_like(b)
    residual = b.copy()
    direction = residual.copy()
    power = first = float(np.vdot(residual, residual).real)
    for _ in range(iterations):
        if power <= tolerance**2 * first or power == 0:
            break
        image = A(direction)
        step = power / max(float(np.vdot(direction, image).real), 1e-300)
        x = x + step * direction
        residual = residual - step * image
        power, before = float(np.vdot(residual, residual).real), power
        direction = residual + power / before * direction
    return x
