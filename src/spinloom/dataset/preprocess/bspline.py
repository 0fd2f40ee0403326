"""Smooth fields from scattered voxels: cubic B-splines on a coarse lattice, axis by axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def basis(n: int, elements: int) -> Array:
    """(n, elements + 3) weights of the control points at n voxels spread evenly over a number of mesh elements.

    Every row sums to 1; a uniform cubic B-spline, so at most four weights of a row are not 0.
    """
    t = np.linspace(0, elements, n) if n > 1 else np.array([elements / 2])
    first = np.minimum(t.astype(int), elements - 1)
    u = t - first
    w = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    out = np.zeros((n, elements + 3))
    for k in range(4):
        out[np.arange(n), first + k] = w[k]
    return out


def approximate(values: Array, weights: Array, elements: tuple[int, int, int]) -> Array:
    """Control points (elements + 3 along each axis) of a smooth field near some values where they count:

        phi_c = sum w_c^2 (w_c z / S) / sum w_c^2,   S = sum_c w_c^2   (sums over voxels with their weights)

    values, weights  (x, y, z); weights 0 where a value does not count
    elements         (3,) of the lattice

    Each point is met as if alone, so the field overshoots; what is left is for the next round of whoever iterates.
    Lee, Wolberg, Shin, IEEE Trans. Vis. Comput. Graph. 3, 228 (1997), equation 5.
    """
    axes = [basis(n, e) for n, e in zip(values.shape, elements, strict=True)]
    total = _outer(*[(B**2).sum(1) for B in axes])
    above = _project(values * weights / total, [B**3 for B in axes])
    below = _project(weights, [B**2 for B in axes])
    return np.divide(above, below, out=np.zeros_like(above), where=below > 1e-12)


def evaluate(control: Array, shape: tuple[int, int, int]) -> Array:
    """(x, y, z) the field of control points (cx, cy, cz) over a whole grid."""
    elements = [n - 3 for n in control.shape]
    field = control
    for n, e in zip(shape, elements, strict=True):
        field = np.tensordot(field, basis(n, e), axes=(0, 1))
    return field


def refine(control: Array, elements: tuple[int, int, int]) -> Array:
    """The same field on a lattice of twice as many elements along some axes, exactly.

    elements  (3,) wanted: those of `control`, or twice as many
    """
    field = control
    for e in elements:
        have = field.shape[0] - 3
        field = np.tensordot(field, _halved(have) if e == 2 * have else np.eye(have + 3), axes=(0, 1))
    return field


def _halved(elements: int) -> Array:
    """(2 elements + 3, elements + 3): knots put midway; cubic, weights 1/8 (4, 4) and 1/8 (1, 6, 1)."""
    out = np.zeros((2 * elements + 3, elements + 3))
    for row in range(len(out)):
        at, odd = divmod(row, 2)
        for k, w in enumerate((1, 6, 1) if odd else (4, 4)):
            out[row, at + k] += w / 8
    return out


def _project(values: Array, axes: list[Array]) -> Array:
    for B in axes:
        values = np.tensordot(values, B, axes=(0, 0))
    return values


def _outer(x: Array, y: Array, z: Array) -> Array:
    return x[:, None, None] * y[None, :, None] * z[None, None, :]
