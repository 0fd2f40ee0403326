"""Three complete turbo-spin-echo simulations of a brain slice by KomaMRI, from the very files it read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from spinloom.core.scanner import Scanner
from spinloom.io import read_phantom, read_sequence
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import simulate

CASES = {
    "subject45_crisp_v_242_TSE_T1w_260_720_1.0_190": 1e-3,
    "subject45_crisp_v_242_TSE_T2w_270_5850_8_510": 2e-3,
    "subject46_crisp_v_182_TSE_PD_250_4900_1_110": 1e-3,
}


@pytest.mark.filterwarnings("ignore")  # these files hold T2* > T2, as their reader says
@pytest.mark.parametrize(("case", "bound"), CASES.items(), ids=["T1w", "T2w", "PDw"])
def test_k_space_is_KomaMRIs_in_absolute_units(shared_data: Path, case: str, bound: float) -> None:
    """Relative L2 after one complex scale; the scale itself within 1e-3 of 1 and 0.01 degrees.

    What is left is KomaMRI's single precision and its 50 us steps through pulses.
    """
    folder = shared_data / "komamri_tse" / case
    phantom, sequence = read_phantom(folder / "phantom.h5"), read_sequence(folder / "sequence.seq")
    ours = simulate(phantom, sequence, Scanner(B0=1.5), method=Bloch(spins=1)).samples[0]
    with h5py.File(folder / "kspace_raw.h5") as file:
        theirs = file["raw/data"][()][:, :, 0].T
    scale = np.vdot(ours, theirs) / np.vdot(ours, ours)
    assert np.linalg.norm(theirs - scale * ours) <= bound * np.linalg.norm(theirs)
    assert abs(abs(scale) - 1) <= 1e-3
    assert abs(np.degrees(np.angle(scale))) <= 0.01
