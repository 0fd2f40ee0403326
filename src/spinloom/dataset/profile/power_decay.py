"""T2 from magnitudes that sink into the noise: the floor is part of the model.

The mean square of a magnitude has no bias but a constant,

    <M^2> = A^2 exp(-2 TE / T2) + 2 n sigma^2,     var M^2 = 4 sigma^2 (A^2 exp(-2 TE / T2) + n sigma^2),

so with known noise the squares less 2 n sigma^2 are fitted, each weighted by its variance: A^2 is solved for at every
T2 of a grid, the best T2 is refined by golden sections (variable projection). The mean magnitude itself levels off at
the floor, and a plain fit to it finds long T2 too long.

Miller & Joseph, Magn. Reson. Imaging 11, 1051 (1993); Golub & Pereyra, SIAM J. Numer. Anal. 10, 413 (1973).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

Values = NDArray[np.float64]
GRID = np.geomspace(3e-3, 5.0, 200)
REFINEMENTS = 14


@dataclass(frozen=True, eq=False)
class Decay:
    """Of voxels (...).

    T2, T2_error   [s] and its standard error: from sigma and the slope of the model, (J^T W J)^-1
    A, A_error     signal at TE = 0
    """

    T2: Values
    T2_error: Values
    A: Values
    A_error: Values


def fit_T2_above_floor(signals: ArrayLike, TE: ArrayLike, sigma: float, n: float = 1.0) -> Decay:
    """Fit magnitudes.

    signals  (..., echoes) magnitudes;  TE (echoes,) [s], two different ones or more
    sigma    noise of one real channel, in units of the signal
    n        channels

    Raises InputError for shapes that do not fit together, numbers that are not finite and noise that is not positive.
    """
    M, t = np.asarray(signals, float), np.asarray(TE, float)
    if t.ndim != 1 or M.shape[-1:] != t.shape or len(np.unique(t)) < 2 or (t < 0).any():
        raise InputError(f"signals of shape {M.shape} at {t.size} echo times cannot be fitted", remedy="One per echo.")
    if not (np.isfinite(M).all() and np.isfinite(t).all()):
        raise InputError("signals or echo times are not finite")
    if not 0 < sigma < np.inf:
        raise InputError(f"a noise floor needs a positive sigma, got {sigma!r}")
    y = M.reshape(-1, len(t)) ** 2 - 2 * n * sigma**2
    W = 1 / (4 * sigma**2 * (np.maximum(y, 0) + n * sigma**2))
    for _ in range(3):  # weights from the fit, not from the noisy squares
        T = _best(y, W, t)
        E = np.exp(-2 * t / T[:, None])
        P = np.maximum(_amplitude(y, W, E), 0)
        W = 1 / (4 * sigma**2 * (P[:, None] * E + n * sigma**2))
    slope = P[:, None] * E * 2 * t / T[:, None] ** 2
    a, b, c = (np.sum(W * x, axis=1) for x in (E * E, E * slope, slope * slope))
    with np.errstate(divide="ignore", invalid="ignore"):
        det = a * c - b * b
        T_error, P_error = np.sqrt(a / det), np.sqrt(c / det)
        A_error = P_error / (2 * np.sqrt(P))
    shape = M.shape[:-1]
    return Decay(*(np.nan_to_num(v, nan=np.inf).reshape(shape) for v in (T, T_error, np.sqrt(P), A_error)))


def _best(y: Values, W: Values, t: Values) -> Values:
    E = np.exp(-2 * t / GRID[:, None])
    gain = (W * y) @ E.T
    T = GRID[np.argmax(np.where(gain > 0, gain, 0) ** 2 / (W @ (E * E).T), axis=1)]
    ratio = GRID[1] / GRID[0]
    low, high = T / ratio, T * ratio
    for _ in range(REFINEMENTS):
        a, b = high - (high - low) / 1.618034, low + (high - low) / 1.618034
        better = _explained(y, W, t, a) > _explained(y, W, t, b)
        low, high = np.where(better, low, a), np.where(better, b, high)
    return np.asarray((low + high) / 2)


def _explained(y: Values, W: Values, t: Values, T: Values) -> Values:
    E = np.exp(-2 * t / T[:, None])
    return np.asarray(np.maximum(np.sum(W * y * E, axis=1), 0) ** 2 / np.sum(W * E * E, axis=1))


def _amplitude(y: Values, W: Values, E: Values) -> Values:
    return np.asarray(np.sum(W * y * E, axis=1) / np.sum(W * E * E, axis=1))
