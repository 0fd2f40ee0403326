"""A single-shot EPI of a brain that moves at a constant velocity, as KomaMRI and JEMRIS simulated it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from spinloom.core.motion import RigidMotion, rotation_matrices
from spinloom.core.scanner import Scanner
from spinloom.io import read_phantom, read_sequence
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import simulate

VELOCITY = 0.1  # [m/s] along y, in both


@pytest.mark.filterwarnings("ignore")  # Pulseq 1.2 files say nothing about units or the use of pulses
def test_EPI_signal_of_a_moving_brain_is_that_of_KomaMRI_and_JEMRIS(shared_data: Path) -> None:
    """0.02 % of KomaMRI's signal; 0.7 % of JEMRIS's, which is its residual against KomaMRI, and in phase with it.

    KomaMRI sums G y by the trapezoidal rule between the knots of the gradients, so that a ramp of slope s and length h
    is off by v s h^3 / 6 turns. That cancels in symmetric blips, not in the y prewinder (up in 370 us, down in 50 us to
    a knot of x and 320 us to its end): its phase stays 0.169 degrees behind.
    """
    folder = shared_data / "simulator_reference"
    sequence = read_sequence(folder / "epi_100x100_TE100_FOV230.seq")
    brain = read_phantom(shared_data / "koma_phantoms" / "brain.h5")
    trajectory = np.loadtxt(shared_data / "koma_phantoms" / "motion_jemris.dat", skiprows=1)
    motion = RigidMotion(trajectory[:, 0] * 1e-3, trajectory[:, 1:4] * 1e-3, np.radians(trajectory[:, 4:7]))
    np.testing.assert_allclose(motion.translation, motion.t[:, None] * [0, VELOCITY, 0], atol=1e-12)
    ours = simulate(replace(brain, motion=motion), sequence, Scanner(B0=1.5), method=Bloch()).samples.ravel()
    with h5py.File(folder / "d.brain_motion" / "signal_koma.mat") as file:
        stored = file["signal"][()].ravel()
    with h5py.File(folder / "d.brain_motion" / "signals.h5") as file:
        Mx, My, _ = file["signal/channels/00"][()].T
    koma, koma_phase = compared(ours, stored["real"] + 1j * stored["imag"])
    jemris, jemris_phase = compared(ours, Mx + 1j * My)
    assert koma <= 2e-4
    assert jemris <= 0.007
    slope = 587544.1 / 370e-6
    behind = VELOCITY * slope * (370e-6**3 - 50e-6**3 - 320e-6**3) / 6
    assert koma_phase == pytest.approx(-360 * behind, abs=1e-3)
    assert jemris_phase == pytest.approx(0, abs=0.01)
    still, _ = compared(
        simulate(brain, sequence, Scanner(B0=1.5), method=Bloch()).samples.ravel(), stored["real"] + 1j * stored["imag"]
    )
    assert still > 0.5


def compared(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Relative L2 after one complex scale, and the scale's phase [deg]."""
    scale = np.vdot(ours, theirs) / np.vdot(ours, ours)
    return float(np.linalg.norm(theirs - scale * ours) / np.linalg.norm(theirs)), float(np.degrees(np.angle(scale)))


def test_motion_of_a_KomaMRI_phantom_file_is_read(shared_data: Path) -> None:
    """Turning 45 degrees about z and back every second, and 2 cm along y in the first half second, as the file says."""
    motion = read_phantom(shared_data / "koma_phantoms" / "brain_motion.phantom").motion
    assert motion is not None
    assert motion.pivot_mm == (0.0, 0.0, 0.0)
    t = np.array([0.0, 0.1, 0.25, 0.5, 0.6, 1.0, 1.25])
    translation, rotation = motion.at(t)
    np.testing.assert_allclose(translation[:, 1], 0.02 * np.minimum(t / 0.5, 1), atol=1e-12)
    np.testing.assert_allclose(np.degrees(rotation[:, 2]), [0, 9, 22.5, 45, 36, 0, 22.5], atol=1e-9)
    quarter = rotation_matrices(rotation[3]) @ [1, 0, 0]
    np.testing.assert_allclose(quarter, [np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-9)
