"""Motion in KomaMRI's phantom files: R = Rz(yaw) Ry(roll) Rx(pitch) about a centre, then shifts, over unit time."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.motion import RigidMotion, rotation_matrices
from spinloom.io import read_phantom
from spinloom.phantom.phantom import Phantom

PLACES = np.array([[0.0, 0.0, 0.0], [0.01, 0.0, 0.0], [0.0, 0.02, 0.0], [0.01, 0.02, 0.004]])
Attributes = dict[str, object]


def write(path: Path, *motions: tuple[Attributes, Attributes, str]) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["Ns"] = len(PLACES)
        for axis, values in zip("xyz", PLACES.T, strict=True):
            file[f"position/{axis}"] = values
        for key, value in (("ρ", 1.0), ("T1", 1.0), ("T2", 0.1), ("T2s", 0.1)):
            file[f"contrast/{key}"] = np.full(len(PLACES), value)
        for i, (action, time, spins) in enumerate(motions, 1):
            for name, attributes in (("action", action), ("time", time), ("spins", {"type": spins})):
                group = file.create_group(f"motion/motion_{i}/{name}")
                for key, value in attributes.items():
                    if isinstance(value, list):
                        group[key] = value
                    else:
                        group.attrs[key] = value
    return path


def read(path: Path) -> Phantom:
    return read_phantom(path)


def moved(motion: RigidMotion, t: float) -> np.ndarray:
    d, turn = motion.at(t)
    p = 1e-3 * np.array(motion.pivot_mm)
    return (PLACES - p) @ rotation_matrices(turn).T + p + d


def axis_turn(axis: int, degrees: float) -> np.ndarray:
    return rotation_matrices(np.radians(degrees) * np.eye(3)[axis])


@pytest.mark.parametrize("center", [None, "CenterOfMass", [0.03, -0.01, 0.02]])
def test_turns_about_three_axes_and_a_shift(tmp_path: Path, center: object) -> None:
    turn: Attributes = {"type": "Rotate", "pitch": 20.0, "roll": -35.0, "yaw": 60.0}
    if center is not None:
        turn["center"] = center
    ramp: Attributes = {"type": "TimeRange", "t_start": 0.2, "t_end": 0.7}
    shift: Attributes = {"type": "Translate", "dx": 0.001, "dy": 0.0, "dz": -0.004}
    path = write(tmp_path / "a.phantom", (turn, ramp, "AllSpins"), (shift, ramp, "AllSpins"))
    motion = read(path).motion
    assert motion is not None
    about = {"CenterOfMass": PLACES.mean(axis=0)}.get(str(center), np.array(center or [0.0, 0.0, 0.0]))  # type: ignore[arg-type]
    for t in (0.0, 0.25, 0.43, 0.7, 2.0):
        u = np.clip((t - 0.2) / 0.5, 0, 1)
        R = axis_turn(2, 60 * u) @ axis_turn(1, -35 * u) @ axis_turn(0, 20 * u)
        expected = (PLACES - about) @ R.T + about + u * np.array([0.001, 0, -0.004])
        np.testing.assert_allclose(moved(motion, t), expected, atol=1e-5)


def test_a_time_curve_repeats_with_its_periods(tmp_path: Path) -> None:
    """Periods 1 and 2 of a rise of 0.1 s and a fall of 0.3 s: 0.4 s, then 0.8 s, and again."""
    curve: Attributes = {
        "type": "TimeCurve",
        "t": [0.0, 0.1, 0.4],
        "t_unit": [0.0, 1.0, 0.0],
        "periodic": "true",
        "periods": [1.0, 2.0],
    }
    shift: Attributes = {"type": "Translate", "dx": 0.01, "dy": 0.0, "dz": 0.0}
    motion = read(write(tmp_path / "a.phantom", (shift, curve, "AllSpins"))).motion
    assert motion is not None
    x = motion.at([0.05, 0.1, 0.4, 0.5, 0.6, 1.2, 1.3])[0][:, 0]
    np.testing.assert_allclose(x, 0.01 * np.array([0.5, 1, 0, 0.5, 1, 0, 1]), atol=1e-9)


def test_a_motion_that_is_not_rigid_is_left_out_and_named(tmp_path: Path) -> None:
    ramp: Attributes = {"type": "TimeRange", "t_start": 0.0, "t_end": 1.0}
    path = write(tmp_path / "a.phantom", ({"type": "HeartBeat"}, ramp, "AllSpins"))
    with pytest.warns(UserWarning, match=r"motion_1: HeartBeat of AllSpins\) is left out"):
        assert read(path).motion is None


@pytest.mark.parametrize(
    ("action", "time"),
    [
        (
            {"type": "Translate", "dx": np.nan, "dy": 0.0, "dz": 0.0},
            {"type": "TimeRange", "t_start": 0.0, "t_end": 1.0},
        ),
        ({"type": "Translate", "dx": 0.1, "dy": 0.0}, {"type": "TimeRange", "t_start": 0.0, "t_end": 1.0}),
        ({"type": "Translate", "dx": 0.1, "dy": 0.0, "dz": 0.0}, {"type": "TimeRange", "t_start": 2.0, "t_end": 1.0}),
        (
            {"type": "Translate", "dx": 0.1, "dy": 0.0, "dz": 0.0},
            {"type": "Periodic", "period": 1e-9, "asymmetry": 0.5},
        ),
        ({"dx": 0.1}, {"type": "TimeRange"}),
        (
            {"type": "Rotate", "pitch": 0.0, "roll": 0.0, "yaw": 1.0, "center": [0.0, 1.0]},
            {"type": "TimeRange", "t_start": 0.0, "t_end": 1.0},
        ),
    ],
)
def test_a_damaged_motion_is_refused(tmp_path: Path, action: Attributes, time: Attributes) -> None:
    with pytest.raises(InputError, match=r"a\.phantom"):
        read(write(tmp_path / "a.phantom", (action, time, "AllSpins")))
