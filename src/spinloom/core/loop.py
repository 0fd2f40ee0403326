"""The magnetic field of a circular loop of wire, everywhere."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray


def loop_field(r: ArrayLike, centre: ArrayLike, normal: ArrayLike, radius: float) -> NDArray[np.float64]:
    """Field of a loop of radius a per current, B / (mu0 I), by complete elliptic integrals.

        B_z   = 1 / (2 pi beta) [ K + (a^2 - rho^2 - z^2) / alpha^2 E ]
        B_rho = z / (2 pi rho beta) [ -K + (a^2 + rho^2 + z^2) / alpha^2 E ]
        alpha^2 = (a - rho)^2 + z^2,   beta^2 = (a + rho)^2 + z^2,   m = 1 - alpha^2 / beta^2

    r        (..., 3) positions [m]
    centre   (3,) of the loop [m]
    normal   (3,) its axis, along which B points in the middle
    radius   a [m]
    returns  (..., 3) [1/m]

    Smythe, Static and Dynamic Electricity, McGraw-Hill (1950), section 7.10.
    """
    points = np.ascontiguousarray(np.asarray(r, float).reshape(-1, 3))
    axis = np.asarray(normal, float) / np.linalg.norm(normal)
    field = np.empty_like(points)
    _loop(points, np.asarray(centre, float), axis, float(radius), field)
    return field.reshape(np.shape(r))


@njit(cache=True, error_model="numpy", nogil=True)
def _loop(  # pragma: no cover - compiled
    points: NDArray[np.float64],
    centre: NDArray[np.float64],
    axis: NDArray[np.float64],
    a: float,
    field: NDArray[np.float64],
) -> None:
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        h = x * axis[0] + y * axis[1] + z * axis[2]
        x, y, z = x - h * axis[0], y - h * axis[1], z - h * axis[2]
        rho = sqrt(x * x + y * y + z * z)
        alpha2 = max((a - rho) ** 2 + h * h, 1e-6 * a * a)  # the wire has a thickness
        beta2 = (a + rho) ** 2 + h * h
        K, E = _elliptic(alpha2 / beta2)
        beta = sqrt(beta2)
        along = (K + (a * a - rho * rho - h * h) / alpha2 * E) / (2 * pi * beta)
        across = 0.0
        if rho > 1e-9 * a:
            across = h / (2 * pi * rho * beta) * (-K + (a * a + rho * rho + h * h) / alpha2 * E) / rho
        field[i, 0] = along * axis[0] + across * x
        field[i, 1] = along * axis[1] + across * y
        field[i, 2] = along * axis[2] + across * z


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _elliptic(m1: float) -> tuple[float, float]:  # pragma: no cover - compiled
    """Complete elliptic integrals K and E of complementary parameter m1 = 1 - m, by the arithmetic-geometric mean.

    Abramowitz & Stegun, Handbook of Mathematical Functions (1964), section 17.6.
    """
    a, b = 1.0, sqrt(m1)
    total, power = 0.5 * (1 - m1), 0.5
    for _ in range(12):
        c = 0.5 * (a - b)
        a, b = 0.5 * (a + b), sqrt(a * b)
        power *= 2
        total += power * c * c
        if c < 1e-9:
            break
    K = pi / (2 * a)
    return K, K * (1 - total)
