"""What is written is what is read back, and another program agrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinloom.core.encoding import Encoding
from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.io.pulseq_read import read_sequence
from spinloom.io.pulseq_write import write_sequence
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.waveforms import waveforms

us = 1e-6


def shaped_pulse() -> RF:
    """Complex steps of 10 µs, one of them zero, with offset and phase."""
    t = np.arange(40)
    signal = 300 * np.sinc((t - 19.5) / 8) * np.exp(0.1j * t)
    signal[3] = 0
    return RF(
        100 * us + np.arange(41) * 10 * us, signal, freq=-1333.5, phase=1.25, use=RFUse.EXCITATION, centre=300 * us
    )


def sequence_of_everything() -> Sequence:
    trapezoid = Gradient(np.array([0, 100, 500, 600]) * us, np.array([0, 4e5, 4e5, 0.0]))
    triangle = Gradient(np.array([20, 120, 220]) * us, np.array([0, -2e5, 0.0]))
    bridge_up = Gradient(np.array([0, 200, 600]) * us, np.array([0, 1e5, 3e5]))
    bridge_down = Gradient(np.array([0, 400, 640]) * us, np.array([3e5, 2e5, 0.0]))
    centres = np.array([0, *(np.arange(20) + 0.5), 20]) * 10 * us
    arbitrary = Gradient(50 * us + centres, 1e5 * np.sin(np.pi * centres / centres[-1]) + 1e3)
    block_pulse = RF(np.array([100, 1100]) * us, np.array([500j]), use=RFUse.REFOCUSING, centre=600 * us)
    adc = ADC(64, 5 * us, 20 * us, freq=1234.5, phase=0.75, phase_shape=np.linspace(0, 3, 64))
    return assemble(
        [
            Block(600 * us, rf=shaped_pulse(), gz=trapezoid, gx=bridge_up),
            Block(640 * us, gx=bridge_down, gy=triangle),
            Block(1200 * us, rf=block_pulse),
            Block(600 * us, gx=trapezoid, adc=adc, labels={"LIN": 5, "SLC": 1}),
            Block(600 * us, gy=arbitrary, adc=adc, labels={"LIN": 0, "SLC": 1}),
        ],
        encoding=Encoding(Grid.centred((64, 32, 3), (2.0, 4.0, 5.0))),
        protocol=Protocol(TE=5e-3, TR=20e-3, FA=0.5, bandwidth=200.0),
        name="one of each",
    )


def same_play(a: Sequence, b: Sequence) -> None:
    """Waveforms agree to the six digits of the format."""
    x, y = waveforms(a), waveforms(b)
    t = np.linspace(0, a.duration, 100_001) + 0.3 * us  # beside the steps, which rounding may move by 1e-18 s
    for axis in range(3):
        assert (len(x.gradient_t[axis]) == 0) == (len(y.gradient_t[axis]) == 0)
        if len(x.gradient_t[axis]) == 0:
            continue
        left = np.interp(t, x.gradient_t[axis], x.gradient[axis], left=0, right=0)
        right = np.interp(t, y.gradient_t[axis], y.gradient[axis], left=0, right=0)
        assert np.abs(left - right).max(initial=0.0) <= 3e-6 * np.abs(left).max(initial=1.0)
    left, right = (np.interp(t, w.rf_t, w.rf.real) + 1j * np.interp(t, w.rf_t, w.rf.imag) for w in (x, y))
    assert np.abs(left - right).max() <= 2e-5 * np.abs(left).max(initial=1.0)
    assert np.allclose(x.adc_t, y.adc_t, rtol=0, atol=1e-10)
    assert [p.use for p in x.pulses] == [p.use for p in y.pulses]
    assert np.allclose([p.centre for p in x.pulses], [p.centre for p in y.pulses], atol=1e-8)
    assert np.allclose(a.durations, b.durations, rtol=0, atol=1e-10)


def test_written_and_read_is_the_same_sequence(tmp_path: Path) -> None:
    sequence = sequence_of_everything()
    write_sequence(sequence, tmp_path / "all.seq")
    back = read_sequence(tmp_path / "all.seq")
    same_play(sequence, back)
    assert back.labels["LIN"].tolist() == [5, 0]
    assert back.labels["SLC"].tolist() == [1, 1]
    assert [r.freq for r in back.rf] == pytest.approx([-1333.5, 0])
    assert back.adc[0].freq == pytest.approx(1234.5)
    assert back.adc[0].phase_shape is not None
    assert np.allclose(back.adc[0].phase_shape, np.linspace(0, 3, 64), atol=2e-7)


def test_definitions_say_name_field_of_view_and_times(tmp_path: Path) -> None:
    write_sequence(sequence_of_everything(), tmp_path / "all.seq")
    said = read_sequence(tmp_path / "all.seq").definitions
    assert said["Name"] == "one_of_each"
    assert [float(v) for v in said["FOV"].split()] == [0.128, 0.128, 0.015]
    assert (float(said["TE"]), float(said["TR"])) == (5e-3, 20e-3)


def test_pypulseq_reads_it_and_finds_the_same_labels(tmp_path: Path) -> None:
    import pypulseq as pp

    sequence = sequence_of_everything()
    write_sequence(sequence, tmp_path / "all.seq")
    other = pp.Sequence()
    other.read(str(tmp_path / "all.seq"))
    assert len(other.block_events) == sequence.n_blocks
    assert sum(other.block_durations.values()) == pytest.approx(sequence.duration)
    labels = other.evaluate_labels(evolution="adc")
    assert labels["LIN"].tolist() == [5, 0]


@pytest.mark.parametrize(
    "name",
    [
        "pypulseq/write_epi_label",
        "pypulseq/write_mprage",
        "pypulseq/write_epi_se_rs",
        "pypulseq/simple_mprage120",
        "koma_read_comparison/v1.4/spiral",
        "koma_basic/v1.2/radial_JEMRIS",
    ],
)
def test_files_of_others_survive_a_round_trip(shared_data: Path, tmp_path: Path, name: str) -> None:
    sequence = read_sequence(shared_data / "pulseq_seq" / f"{name}.seq")
    write_sequence(sequence, tmp_path / "copy.seq")
    back = read_sequence(tmp_path / "copy.seq")
    same_play(sequence, back)
    for label, values in sequence.labels.items():
        assert np.array_equal(back.labels.get(label, np.zeros_like(values)), values)


def one_block(**events: object) -> Sequence:
    return assemble([Block(1e-3, **events)])  # type: ignore[arg-type]


OFF = {
    "pulse": one_block(rf=RF(np.array([0.0, 10.5, 20]) * us, np.array([1, 2j]))),
    "gradient": one_block(gx=Gradient(np.array([0, 103, 200]) * us, np.array([0, 1.0, 0]))),
    "dwell": one_block(adc=ADC(16, 7.8125e-6, 10 * us)),
    "ADC delay": one_block(adc=ADC(16, 10e-6, 10.4 * us)),
    "block": assemble([Block(1.004e-3)]),
}


@pytest.mark.parametrize("what", OFF)
def test_what_is_off_the_raster_is_refused_and_nothing_is_left(tmp_path: Path, what: str) -> None:
    with pytest.raises(UsageError, match="is not a multiple of"):
        write_sequence(OFF[what], tmp_path / "off.seq")
    assert list(tmp_path.iterdir()) == []


def test_names_and_labels_pulseq_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.seq"):
        write_sequence(sequence_of_everything(), tmp_path / "sequence.txt")
    with pytest.raises(UsageError, match="no blocks"):
        write_sequence(assemble([]), tmp_path / "empty.seq")


def test_fifty_thousand_blocks_are_written_in_seconds(tmp_path: Path) -> None:
    """The time follows unique events: a 3D scan of 12,500 lines."""
    import time

    pulses = [
        RF(np.array([100, 1100]) * us, np.array([250.0 + 0j]), phase=p, use=RFUse.EXCITATION, centre=600 * us)
        for p in np.linspace(0, 6, 100)
    ]
    steps = [Gradient(np.array([0, 100, 500, 600]) * us, np.array([0, a, a, 0.0])) for a in np.linspace(-1e5, 1e5, 250)]
    adc = ADC(128, 10 * us, 20 * us)
    blocks = []
    for i in range(12_500):
        lines = {"LIN": i % 250, "PAR": i // 250}
        blocks += [Block(1300 * us, rf=pulses[i % 100]), Block(600 * us, gy=steps[i % 250])]
        blocks += [Block(1500 * us, adc=adc, labels=lines), Block(600 * us, gy=steps[249 - i % 250])]
    sequence = assemble(blocks)
    began = time.perf_counter()
    write_sequence(sequence, tmp_path / "long.seq")
    assert time.perf_counter() - began < 10
    back = read_sequence(tmp_path / "long.seq")
    assert np.array_equal(back.labels["PAR"], sequence.labels["PAR"])
