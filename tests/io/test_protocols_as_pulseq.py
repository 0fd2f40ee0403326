"""Every protocol can be written as a Pulseq file and reads back with the same times, pulses and moments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spinloom.io.pulseq_read import read_sequence
from spinloom.io.pulseq_write import write_sequence
from spinloom.sequence import protocols
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory

SMALL = {"FOV": (0.2, 0.16), "matrix": (32, 24), "slices": 2, "slice_thickness": 5e-3}
CASES: dict[str, Callable[[], Sequence]] = {
    "spin_echo": lambda: protocols.spin_echo(TE=20.01e-3, TR=0.5, **SMALL),  # type: ignore[arg-type]
    "inversion_recovery": lambda: protocols.inversion_recovery(TE=15e-3, TR=1.0, TI=0.3, **SMALL),
    "turbo_spin_echo": lambda: protocols.turbo_spin_echo(TE=60e-3, TR=0.8, ETL=7, **SMALL),  # type: ignore[arg-type]
    "flair": lambda: protocols.flair(TE=60e-3, TR=3.0, TI=1.0, ETL=6, **SMALL),
    "spoiled_gre": lambda: protocols.spoiled_gre(TR=0.1, **SMALL),  # type: ignore[arg-type]
    "multi_echo_gre": lambda: protocols.multi_echo_gre(TR=0.1, **SMALL),
    "mprage": lambda: protocols.mprage(FOV=(0.2, 0.16, 0.1), matrix=(32, 24, 10), TR=0.9, TI=0.5),
    "bssfp": lambda: protocols.bssfp(**SMALL),  # type: ignore[arg-type]
    "epi": lambda: protocols.epi(spin_echo=True, **SMALL),  # type: ignore[arg-type]
    "radial_gre": lambda: protocols.radial_gre(matrix=32, n_spokes=21),
    "spiral_gre": lambda: protocols.spiral_gre(matrix=48, n_interleaves=6),
}


@pytest.mark.parametrize("name", CASES)
def test_a_protocol_survives_the_trip_through_a_pulseq_file(name: str, tmp_path: Path) -> None:
    ours = CASES[name]()
    write_sequence(ours, tmp_path / "scan.seq")
    read = read_sequence(tmp_path / "scan.seq")
    assert read.durations == pytest.approx(ours.durations, abs=1e-9)
    assert read.labels["LIN"].tolist() == ours.labels["LIN"].tolist()
    assert float(read.definitions["TE"]) == pytest.approx(ours.protocol.TE, abs=1e-8)  # type: ignore[union-attr]
    a, b = trajectory(ours), trajectory(read)
    assert np.nanmax(np.abs(a.t - b.t)) < 1e-6
    assert np.nanmax(np.abs(a.k - b.k)) < 1e-3 * np.nanmax(np.abs(a.k))
    assert [p.use for p in read.rf] == [p.use for p in ours.rf]
