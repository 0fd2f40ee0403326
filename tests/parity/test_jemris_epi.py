"""A single-shot EPI of a column and of spheres with chemical shift, as JEMRIS and KomaMRI simulated it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from spinloom.core.scanner import Scanner
from spinloom.io import read_phantom, read_sequence
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import simulate


@pytest.mark.filterwarnings("ignore")  # Pulseq 1.2 files say nothing about units or the use of pulses
@pytest.mark.parametrize(
    ("case", "phantom", "jemris_bound"),
    [("a.column1d", "column1d.h5", 0.011), ("b.spheresCS", "sphere_chemical_shift.h5", 0.007)],
)
def test_EPI_signal_is_that_of_KomaMRI_and_JEMRIS(
    shared_data: Path, case: str, phantom: str, jemris_bound: float
) -> None:
    """0.1 % of KomaMRI's signal; JEMRIS's own residual against it is 1.1 % and 0.7 %."""
    folder = shared_data / "simulator_reference"
    sequence = read_sequence(folder / "epi_100x100_TE100_FOV230.seq")
    kspace = simulate(read_phantom(shared_data / "koma_phantoms" / phantom), sequence, Scanner(B0=1.5), method=Bloch())
    with h5py.File(folder / case / "signal_koma.mat") as file:
        koma = file["signal"][()].ravel()
    with h5py.File(folder / case / "signals.h5") as file:
        Mx, My, _ = file["signal/channels/00"][()].T
        times_ms = file["signal/times"][()]
    np.testing.assert_allclose(kspace.t.ravel() * 1e3, times_ms, atol=1e-6)
    assert residual(kspace.samples.ravel(), koma["real"] + 1j * koma["imag"]) <= 1e-3
    assert residual(kspace.samples.ravel(), Mx + 1j * My) <= jemris_bound


def residual(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Relative L2 after one complex scale."""
    scale = np.vdot(ours, theirs) / np.vdot(ours, ours)
    return float(np.linalg.norm(theirs - scale * ours) / np.linalg.norm(theirs))
