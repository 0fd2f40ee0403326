"""Trajectories of shared files agree with those pypulseq computes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from spinloom.io.pulseq_read import read_sequence
from spinloom.sequence.trajectory import trajectory


@pytest.mark.parametrize(
    "name",
    [
        "pypulseq/write_gre",
        "pypulseq/write_epi",
        "pypulseq/write_epi_se_rs",
        "pypulseq/write_tse",
        "pypulseq/write_ute",
        "pypulseq/simple_mprage150",
        "koma_read_comparison/v1.4/spiral",
    ],
)
def test_trajectory_is_that_of_pypulseq(shared_data: Path, name: str) -> None:
    """To 1e-8 of the k-space radius; 3e-6 for the TSE.

    Its gradients meet at block borders with values that differ in the sixth digit; pypulseq drops one of the two.
    """
    import pypulseq as pp

    path = str(shared_data / "pulseq_seq" / f"{name}.seq")
    other = pp.Sequence()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pypulseq has much to say about older files
        other.read(path)
        k, _, _, _, t = other.calculate_kspace()
    mine = trajectory(read_sequence(path))
    there = np.isfinite(mine.t)
    assert np.abs(mine.t[there] - t).max() < 1e-9
    assert np.abs(mine.k[there] - k.T).max() < (3e-6 if "tse" in name else 1e-8) * np.abs(k).max()
