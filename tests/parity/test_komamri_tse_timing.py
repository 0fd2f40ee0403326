"""Our turbo spin echo with the settings of the stored KomaMRI cases has the timing of their Pulseq files."""

from __future__ import annotations

import json
from math import pi
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.scanner import Limits
from spinloom.io.pulseq_read import read_sequence
from spinloom.sequence.protocols import Pulses, turbo_spin_echo
from spinloom.sequence.sequence import NONE, Sequence

RASTER = 10e-6
CASES = {
    "subject45_crisp_v_242_TSE_T1w_260_720_1.0_190": 9.43e-3,
    "subject45_crisp_v_242_TSE_T2w_270_5850_8_510": 7.81e-3,
    "subject46_crisp_v_182_TSE_PD_250_4900_1_110": 13.26e-3,
}
"""Echo spacing from refocusing to refocusing pulse in the file (the ES of parameters.json leaves out the crushers)."""


def pulse_times(sequence: Sequence) -> np.ndarray:
    has = sequence.blocks[:, 0] != NONE
    middles = np.array([(rf.edges[0] + rf.edges[-1]) / 2 for rf in sequence.rf])
    return sequence.block_starts[has] + middles[sequence.blocks[has, 0]]


def window_times(sequence: Sequence) -> np.ndarray:
    at = sequence.readout_blocks
    middles = np.array([a.delay + a.n_samples * a.dwell / 2 for a in sequence.adc])
    return sequence.block_starts[at] + middles[sequence.blocks[at, 4]]


@pytest.mark.parametrize("case", CASES)
def test_echo_times_pulses_and_TR_are_those_of_the_stored_file(shared_data: Path, case: str) -> None:
    folder = shared_data / "komamri_tse" / case
    theirs = read_sequence(folder / "sequence.seq")
    p = json.loads((folder / "parameters.json").read_text())
    ETL, effective, spacing = int(p["ETL"]), int(p["N_TE"]), CASES[case]
    ours = turbo_spin_echo(
        TE=effective * spacing,
        TR=p["TR"],
        ETL=ETL,
        echo_spacing=spacing,
        FA=p["FA"] * pi / 180,
        refocus_FA=p["RA"] * pi / 180,
        bandwidth=p["BW_pixel"],
        FOV=(p["FoV_f"], p["FoV_p"]),
        matrix=(int(p["Nf"]), int(p["Np"])),
        slice_thickness=p["sl_thkn"],
        n_dummies=p["D_scans"],
        oversampling=1,
        crusher_cycles=3.68,
        pulses=Pulses(
            excitation_duration=p["t_ex"],
            refocus_duration=p["t_ref"],
            excitation_time_bandwidth=p["t_BW_product_ex"],
            refocus_time_bandwidth=p["t_BW_product_ref"],
            apodisation=p["apodization"],
        ),
        limits=Limits(max_gradient=37.8e-3, max_slew=150.0),  # theirs says 121 T/m/s, its crushers slew at 148
    )
    assert ours.protocol is not None
    assert ours.protocol.TE == pytest.approx(effective * spacing, abs=1e-9)
    assert ours.protocol.bandwidth == pytest.approx(p["BW_pixel"], rel=0.02)
    assert ours.n_readouts == theirs.n_readouts

    # Pulses and readouts of every repetition, from its excitation. Their excitation is 10 us late: not quite CPMG.
    per_shot = ETL + 1
    mine, stored = (pulse_times(s).reshape(-1, per_shot) for s in (ours, theirs))
    assert mine.shape == stored.shape
    assert np.diff(mine[:, 0]) == pytest.approx(p["TR"], abs=1e-9)
    assert np.diff(stored[:, 0]) == pytest.approx(p["TR"], abs=1.001 * RASTER)
    assert mine - mine[:, :1] == pytest.approx(stored - stored[:, :1], abs=1.001 * RASTER)
    assert np.diff(mine[:, 1:]) == pytest.approx(np.diff(stored[:, 1:]), abs=1e-7)
    first = mine[p["D_scans"], 0], stored[p["D_scans"], 0]
    echo = [window_times(s)[0] - t for s, t in zip((ours, theirs), first, strict=True)]
    assert echo[0] == pytest.approx(echo[1], abs=1.001 * RASTER)
    assert echo[0] == pytest.approx(spacing, abs=1e-9)

    # Excitation and refocusing pulses: length, flip angle, shape, slice gradient
    for k in (0, 1):
        i, j = (int(np.flatnonzero(s.blocks[:, 0] != NONE)[k]) for s in (ours, theirs))
        a, b = ours.rf[ours.blocks[i, 0]], theirs.rf[theirs.blocks[j, 0]]
        assert a.edges[-1] - a.edges[0] == pytest.approx(b.edges[-1] - b.edges[0], abs=1.01e-6)
        assert a.flip_angle == pytest.approx(b.flip_angle, rel=1e-3)
        inside = (a.edges[1:] + a.edges[:-1]) / 2 - a.edges[0]
        middle = (b.edges[1:] + b.edges[:-1]) / 2 - b.edges[0]
        envelope = np.interp(inside, middle, np.abs(b.signal))
        assert np.abs(a.signal) == pytest.approx(envelope, abs=5e-3 * float(np.abs(b.signal).max()))
        G, H = (s.block(n).gz for s, n in ((ours, i), (theirs, j)))
        assert G is not None
        assert H is not None
        assert np.interp(a.centre, G.t, G.g) == pytest.approx(np.interp(b.centre, H.t, H.g), rel=1e-4)
