"""The motion of a KomaMRI phantom file, where it is that of a rigid body.

    /motion/motion_i/action   type Translate: dx, dy, dz [m];  Rotate: pitch, roll, yaw about x, y, z [deg], center
    /motion/motion_i/time     type TimeRange: t_start, t_end;  Periodic: period, asymmetry;
                              TimeCurve: t, t_unit, periodic, periods           [s], unit time runs from 0 to 1
    /motion/motion_i/spins    type AllSpins

    x(t) = turns one after the other, R = Rz(yaw u) Ry(roll u) Rx(pitch u), u the unit time; then all shifts

A turn is about its `center`: a place, or the centre of mass of the spins; older files, without one, mean the origin.

KomaMRI's documentation of motion and of its phantom files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.motion import RigidMotion, rotation_matrices, rotation_vectors

AGAIN = "Write the motion again with KomaMRI, or leave it out."
FloatArray = NDArray[np.float64]
LASTS_S = 600.0
"""How long a motion that repeats is followed; then the body rests."""
MOST_KNOTS = 1_000_000
STEP_RAD = np.radians(2.0)
"""Turns about more than one axis get knots this close."""


def read_motion(file: h5py.File, centre: FloatArray, path: str | os.PathLike[str]) -> tuple[RigidMotion | None, str]:
    """The motion of all spins together, and what had to be left out, in words ('' if nothing was).

    centre  mean place of the spins (3,) [m]
    """
    parts, others = [], []
    if "motion" in file and not isinstance(file["motion"], h5py.Group):
        raise InputError("'motion' is no group", file=path, remedy=AGAIN)
    for name in sorted(file["motion"]) if "motion" in file else []:
        group = file[f"motion/{name}"]
        if not isinstance(group, h5py.Group):
            raise InputError(
                f"'motion/{name}' is no group",
                file=path,
                remedy=AGAIN,
            )
        kinds = [_text(_value(group.get(key), "type", path)) for key in ("action", "time", "spins")]
        known = (
            kinds[0] in ("Translate", "Rotate")
            and kinds[1] in ("TimeRange", "Periodic", "TimeCurve")
            and (kinds[2] == "AllSpins")
        )
        if known:
            parts.append((kinds[0], group["action"], _curve(kinds[1], group["time"], path)))
        else:
            others.append(f"{name}: {kinds[0]} of {kinds[2]}")
    if others or not parts:
        return None, ", ".join(others)
    knots = np.unique(np.concatenate([knots for *_, (knots, _) in parts]))
    rotates = [action for kind, action, _ in parts if kind == "Rotate"]
    turns = [np.radians(_vector(action, ("pitch", "roll", "yaw"), path)) for action in rotates]
    if sum(np.count_nonzero(turn) for turn in turns) > 1:
        n = int(np.ceil(max(np.abs(turn).max() for turn in turns) / STEP_RAD))
        ends = np.append(np.diff(knots) / n, 0.0)
        knots = np.unique((knots[:, None] + ends[:, None] * np.arange(n)).ravel())
    if len(knots) > MOST_KNOTS:
        raise InputError(
            f"its motion repeats so fast that it would have {len(knots)} knots",
            file=path,
            remedy=AGAIN,
        )
    R, c = np.tile(np.eye(3), (len(knots), 1, 1)), np.zeros((len(knots), 3))
    for kind, action, (_, unit) in parts:
        if kind != "Rotate":
            continue
        u = unit(knots)[:, None] * np.radians(_vector(action, ("pitch", "roll", "yaw"), path))
        x, y, z = (rotation_matrices(u[:, [axis]] * np.eye(3)[axis]) for axis in range(3))
        turn = z @ y @ x
        about = _about(action, path, R @ centre + c)
        R, c = turn @ R, np.einsum("nij,nj->ni", turn, c - about) + about
    for kind, action, (_, unit) in parts:
        if kind == "Translate":
            c = c + unit(knots)[:, None] * _vector(action, ("dx", "dy", "dz"), path)
    pivot = _about(rotates[0], path, centre[None])[0] if rotates else np.zeros(3)
    pivot_mm = (float(1e3 * pivot[0]), float(1e3 * pivot[1]), float(1e3 * pivot[2]))
    return RigidMotion(knots, c - pivot + R @ pivot, _unwrapped(rotation_vectors(R)), pivot_mm), ""


def _unwrapped(v: FloatArray) -> FloatArray:
    """Rotation vectors of a turn that goes on: of the vectors that mean the same, the nearest to the one before."""
    out = v.copy()
    for i in range(1, len(v)):
        length = np.linalg.norm(v[i])
        if np.linalg.norm(v[i] - out[i - 1]) > np.pi and length > 0:
            turns = np.round(float(out[i - 1] @ v[i]) / length / (2 * np.pi) - length / (2 * np.pi))
            out[i] = v[i] * (1 + 2 * np.pi * turns / length)
    return out


def _curve(
    kind: str, group: h5py.Group, path: str | os.PathLike[str]
) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """Knots [s], and unit time at times."""
    if kind == "TimeRange":
        t, u, repeats = np.array([_number(group, k, path) for k in ("t_start", "t_end")]), np.array([0.0, 1.0]), False
    elif kind == "Periodic":
        period, asymmetry = _number(group, "period", path), _number(group, "asymmetry", path)
        t, u, repeats = np.array([0.0, period * asymmetry, period]), np.array([0.0, 1.0, 0.0]), True
    else:
        t, u = (np.asarray(_value(group, key, path), float).ravel() for key in ("t", "t_unit"))
        repeats = _text(_value(group, "periodic", path)) in ("true", "True", "1")
        lengths = np.atleast_1d(np.asarray(_value(group, "periods", path), float))
        begins = np.cumsum(lengths) - lengths
        if len(t) != len(u) or len(t) < 2:
            raise InputError(
                "the time curve of its motion has no value for every time",
                file=path,
                remedy=AGAIN,
            )
        t = (t[0] + begins[:, None] * (t[-1] - t[0]) + lengths[:, None] * (t - t[0])).ravel()
        u = np.tile(u, len(lengths))
    if len(t) < 2 or not np.isfinite([*t, *u]).all() or np.any(np.diff(t) < 0):
        raise InputError(
            "the times of its motion are not finite and increasing",
            file=path,
            remedy=AGAIN,
        )
    start, length = float(t[0]), float(t[-1] - t[0])
    if not repeats:
        return np.unique(t), lambda q: np.interp(q, t, u)
    if not length > LASTS_S / MOST_KNOTS:
        raise InputError(
            f"its motion repeats every {length:g} s",
            file=path,
            remedy=AGAIN,
        )
    n = int(np.ceil(LASTS_S / length))
    return (
        np.unique((start + t - start + length * np.arange(n)[:, None]).ravel()),
        lambda q: np.interp((q - start) % length, t - start, u),
    )


def _about(action: h5py.Group, path: str | os.PathLike[str], mass: FloatArray) -> FloatArray:
    """(n, 3) what a turn is about; mass: where the centre of mass has got to."""
    if "center" not in action and "center" not in action.attrs:
        return np.zeros((1, 3))
    value = _value(action, "center", path)
    if _text(value) == "CenterOfMass":
        return mass
    place = np.asarray(value, float).ravel()
    if place.shape != (3,) or not np.isfinite(place).all():
        raise InputError(
            "the center of a turn of its motion is no place",
            file=path,
            remedy=AGAIN,
        )
    return place[None]


def _vector(group: h5py.Group, keys: tuple[str, str, str], path: str | os.PathLike[str]) -> FloatArray:
    return np.array([_number(group, key, path) for key in keys])


def _number(group: h5py.Group, key: str, path: str | os.PathLike[str]) -> float:
    value = np.asarray(_value(group, key, path))
    if value.size != 1 or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        raise InputError(
            f"'{group.name}/{key}' is not a finite number",
            file=path,
            remedy=AGAIN,
        )
    return float(value.ravel()[0])


def _value(group: Any, key: str, path: str | os.PathLike[str]) -> Any:
    """An attribute or a small data set of a group."""
    if isinstance(group, h5py.Group):
        if key in group.attrs:
            return group.attrs[key]
        found = group.get(key)
        if isinstance(found, h5py.Dataset) and found.size is not None and found.size <= MOST_KNOTS:
            return found[()]
    raise InputError(
        f"its motion has no '{key}' where it should",
        file=path,
        remedy=AGAIN,
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
