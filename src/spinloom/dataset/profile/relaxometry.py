"""T1 from images at several inversion times, T2 from images at several echo times; PD and uncertainties with them.

    S(TI) = A (1 - c exp(-TI / T1)),   c = 2 for a perfect inversion and TR >> T1
    S(TE) = A exp(-TE / T2)

A (and A c) enter linearly: for every T on a grid they are solved for, and the T of the least residual is refined by
golden sections (variable projection: Golub & Pereyra, SIAM J. Numer. Anal. 10, 413, 1973). Errors are those of the
linearised fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

Values = NDArray[np.float64]
GRID = np.geomspace(5e-3, 8.0, 240)
REFINEMENTS = 12


@dataclass(frozen=True, eq=False)
class Fit:
    """Of voxels (...).

    T        T1 or T2 [s];  T_error  its standard error [s]
    A        signal at t = 0 or without inversion;  c  of an inversion, 0 for a decay
    residual root mean square, in units of the signal
    """

    T: Values
    T_error: Values
    A: Values
    c: Values
    residual: Values


def fit_T1(signals: ArrayLike, TI: ArrayLike) -> Fit:
    """signals (..., n) signed, TI (n,) [s], n of 4 or more. Raises InputError for fewer or unfit times."""
    return _fit(signals, TI, offset=True)


def fit_T2(signals: ArrayLike, TE: ArrayLike) -> Fit:
    """signals (..., n), TE (n,) [s], n of 3 or more. Raises InputError for fewer or unfit times."""
    return _fit(signals, TE, offset=False)


def _fit(signals: ArrayLike, times: ArrayLike, *, offset: bool) -> Fit:
    t = np.asarray(times, float)
    S = np.asarray(signals, float)
    unknowns = 3 if offset else 2
    if t.ndim != 1 or S.shape[-1:] != t.shape or len(np.unique(t)) < unknowns + 1 or (t < 0).any():
        raise InputError(
            f"signals of shape {S.shape} at {t.size} times cannot be fitted",
            remedy=f"{unknowns + 1} or more different times are needed, one for each image.",
        )
    if not np.isfinite(S).all():
        raise InputError("signals hold numbers that are not finite")
    y = S.reshape(-1, len(t))
    T = GRID[np.argmin(np.stack([_residual(y, t, np.full(len(y), g), offset)[0] for g in GRID]), axis=0)]
    ratio = GRID[1] / GRID[0]
    low, high = T / ratio, T * ratio
    for _ in range(REFINEMENTS):  # golden section: safe where Newton is not
        a, b = high - (high - low) / 1.618034, low + (high - low) / 1.618034
        better = _residual(y, t, a, offset)[0] < _residual(y, t, b, offset)[0]
        low, high = np.where(better, low, a), np.where(better, b, high)
    T = (low + high) / 2
    square, x = _residual(y, t, T, offset)
    freedom = max(len(t) - unknowns, 1)
    error = np.sqrt(square / freedom) * np.sqrt(_variance(t, T, x, offset))
    shape = S.shape[:-1]
    A, c = (x[:, 0], -x[:, 1] / np.where(x[:, 0] == 0, 1, x[:, 0])) if offset else (x[:, 0], np.zeros(len(x)))
    return Fit(*(v.reshape(shape) for v in (T, error, A, c, np.sqrt(square / len(t)))))


def _basis(t: Values, T: Values, offset: bool) -> Values:
    """(voxels, times, 1 or 2)."""
    decay = np.exp(-t / T[:, None])[..., None]
    return np.concatenate([np.ones_like(decay), decay], axis=2) if offset else decay


def _residual(y: Values, t: Values, T: Values, offset: bool) -> tuple[Values, Values]:
    B = _basis(t, T, offset)
    G = np.einsum("vti,vtj->vij", B, B) + 1e-12 * np.eye(B.shape[2])
    x = np.linalg.solve(G, np.einsum("vti,vt->vi", B, y)[..., None])[..., 0]
    return np.sum((y - np.einsum("vti,vi->vt", B, x)) ** 2, axis=1), x


def _variance(t: Values, T: Values, x: Values, offset: bool) -> Values:
    """Of T for noise of variance 1: the last entry of (J^T J)^-1."""
    B = _basis(t, T, offset)
    slope = x[:, -1:] * np.exp(-t / T[:, None]) * t / T[:, None] ** 2
    J = np.concatenate([B, slope[..., None]], axis=2)
    G = np.einsum("vti,vtj->vij", J, J)
    size = np.sqrt(np.maximum(np.einsum("vii->vi", G), 1e-300))
    scaled = G / size[:, :, None] / size[:, None, :] + 1e-12 * np.eye(G.shape[1])
    return np.asarray(np.linalg.inv(scaled)[:, -1, -1] / size[:, -1] ** 2)
