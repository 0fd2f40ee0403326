"""How heads and bodies move: drawn motions for data sets, each from its own seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.motion import RigidMotion
from spinloom.core.rng import stream

PER_PERIOD = 32
Vector = tuple[float, float, float]


def sway(
    duration: float,
    *,
    period: float,
    translation: Vector = (0.0, 0.0, 0.0),
    rotation: Vector = (0.0, 0.0, 0.0),
    start: float = 0.0,
    pivot_mm: Vector | None = None,
) -> RigidMotion:
    """A steady swing, as of breathing (translation) or nodding (rotation about the neck).

        d(t), rotation(t) = amplitude x sin(2 pi (t / period + start))

    sampled 32 times a period, between which it is straight (within 0.5 % of the amplitude).

    duration     of the scan [s]
    period       [s]
    translation  amplitude [m];  rotation  amplitude, rotation vector [rad]
    start        phase at t = 0 in periods
    pivot_mm     world position turned about; None: the isocentre
    """
    if not (duration > 0 and period > 0):
        raise UsageError(f"a motion of {duration!r} s with a period of {period!r} s", remedy="Both must be positive.")
    t = np.linspace(0, duration, 1 + int(np.ceil(duration / period * PER_PERIOD)))
    swing = np.sin(2 * np.pi * (t / period + start))[:, None]
    return RigidMotion(t, swing * np.array(translation), swing * np.array(rotation), pivot_mm)


def random_walk(
    times: NDArray[np.float64],
    *,
    translation: float,
    rotation: float,
    seed: int,
    pivot_mm: Vector | None = None,
    held: bool = False,
) -> RigidMotion:
    """A head that drifts: independent normal steps along and about every axis, from where the phantom lies.

        d(t_(i+1)) - d(t_i) ~ N(0, sigma^2 (t_(i+1) - t_i) / (t_n - t_0)),   so that sigma is the deviation at the end

    times        knots (n,) [s], at least two
    translation  sigma per axis at the last knot [m];  rotation  the same [rad]
    pivot_mm, held  as in RigidMotion
    """
    t = np.asarray(times, float)
    if t.ndim != 1 or len(t) < 2:
        raise UsageError("a random walk needs at least two times", remedy="Give the times of its steps [s].")
    rng = stream(seed, "motion")
    share = np.sqrt(np.maximum(np.diff(t), 0) / (t[-1] - t[0]))[:, None]
    steps = rng.standard_normal((len(t) - 1, 6)) * share
    walk = np.concatenate([np.zeros((1, 6)), np.cumsum(steps, axis=0)])
    return RigidMotion(t, translation * walk[:, :3], rotation * walk[:, 3:], pivot_mm, held)
