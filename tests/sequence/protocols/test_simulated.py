"""Bloch's equations confirm the signs: slices, lines and phases are where the encoding says, and echoes are real."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence import protocols
from spinloom.sequence.protocols import Orientation
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import simulate

PLACE_MM = (6.0, -10.0, 5.0)
"""Where the one voxel of the phantom, 1 mm wide, lies: right, posterior, superior of the isocentre."""

TWO_D = {"FOV": (0.064, 0.064), "matrix": (16, 16), "slices": 3, "slice_thickness": 4e-3, "slice_gap": 1e-3}
CASES: dict[str, Callable[[], Sequence]] = {
    "spin_echo": lambda: protocols.spin_echo(TE=20e-3, TR=0.8, n_dummies=1, **TWO_D),  # type: ignore[arg-type]
    "turbo_spin_echo": lambda: protocols.turbo_spin_echo(TE=30e-3, TR=0.8, ETL=5, refocus_FA=np.pi, **TWO_D),  # type: ignore[arg-type]
    "flair": lambda: protocols.flair(TE=30e-3, TR=2.0, TI=0.6, ETL=4, **TWO_D),
    "spoiled_gre": lambda: protocols.spoiled_gre(TR=0.5, n_dummies=3, **TWO_D),  # type: ignore[arg-type]
    "bssfp": lambda: protocols.bssfp(TR=8e-3, n_dummies=100, **TWO_D),  # type: ignore[arg-type]
    "epi": lambda: protocols.epi(TR=1.0, n_dummies=0, **TWO_D),  # type: ignore[arg-type]
    "epi_spin_echo": lambda: protocols.epi(TR=1.0, n_dummies=0, spin_echo=True, **TWO_D),  # type: ignore[arg-type]
    "spoiled_gre_3d": lambda: protocols.spoiled_gre(FOV=(0.064, 0.064, 0.04), matrix=(16, 16, 8), TR=0.1, n_dummies=5),
    "mprage": lambda: protocols.mprage(FOV=(0.064, 0.064, 0.064), matrix=(16, 16, 16), TR=0.8, TI=0.4),
}


def scan(sequence: Sequence) -> KSpace:
    grid = Grid.centred((1, 1, 1), 1.0, PLACE_MM)
    one = np.ones((1, 1, 1), np.float32)
    dot = Phantom(grid, one, 0.3 * one, 0.1 * one, B0=3.0)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*spins.*", category=UserWarning
        )  # too few for the sum of all spoilers
        return simulate(dot, sequence, Scanner(isocentre_mm=(0.0, 0.0, 0.0)), method=Bloch(spins=(3, 1, 29)), seed=0)


@pytest.mark.parametrize("name", CASES)
def test_a_small_voxel_gives_a_real_positive_signal_once_its_place_is_taken_out_of_the_phase(name: str) -> None:
    """S(k) exp(+2 pi i k . r) of one voxel is its signal: real and positive by the choice of pulse phases."""
    kspace = scan(CASES[name]())
    r = np.array(PLACE_MM) * 1e-3
    signal = kspace.samples[0] * np.exp(2j * np.pi * np.einsum("rsa,a->rs", kspace.k, r))
    if "SLC" in kspace.labels:  # slices at -5, 0 and 5 mm: only the last holds the point
        held = kspace.labels["SLC"] == 2
        assert np.abs(signal[~held]).max() < 0.1 * np.abs(signal[held]).max()
        signal = signal[held]
    mean = signal.mean()
    assert mean.real > 0.05
    assert abs(mean.imag) < 0.05 * mean.real


def test_a_sagittal_slice_is_selected_along_the_right_left_axis() -> None:
    sequence = protocols.spin_echo(
        TE=20e-3,
        TR=0.8,
        n_dummies=0,
        FOV=(0.064, 0.064),
        matrix=(16, 4),
        slices=3,
        slice_thickness=4e-3,
        slice_gap=2e-3,
        orientation=Orientation.SAGITTAL,
    )
    kspace = scan(sequence)
    strength = [np.abs(kspace.samples[0, kspace.labels["SLC"] == s]).mean() for s in range(3)]
    assert strength[2] > 10 * max(strength[:2])  # slices at x = -6, 0, 6 mm; the point is at 6
