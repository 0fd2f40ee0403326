"""Waveforms are what the events say, at the time of their block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinloom.io.pulseq_read import read_sequence
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import assemble
from spinloom.sequence.waveforms import first_repetition, staircase, waveforms

ms = 1e-3


def pulse(use: RFUse = RFUse.EXCITATION, **more: float) -> RF:
    return RF(np.array([1.0, 2, 3]) * ms, np.array([100, 50j]), use=use, centre=2 * ms, **more)


RAMP = Gradient(np.array([1.0, 3.0]) * ms, np.array([10.0, 30.0]))


def test_gradient_is_linear_between_knots_and_zero_outside() -> None:
    w = waveforms(assemble([Block(4 * ms), Block(4 * ms, gy=RAMP)]))
    at = np.array([4.5, 5.5, 6.0, 7.5]) * ms
    assert np.interp(at, w.gradient_t[1], w.gradient[1], left=0, right=0) == pytest.approx([0, 15, 20, 0])
    assert len(w.gradient_t[0]) == 0


def test_pulse_is_a_staircase() -> None:
    t, b1 = staircase(pulse(phase=0.5))
    assert t == pytest.approx(np.array([1, 1, 2, 2, 3, 3]) * ms)
    assert b1 == pytest.approx(np.array([0, 100, 100, 50j, 50j, 0]) * np.exp(0.5j))


def test_offset_turns_the_pulse_from_its_start_on() -> None:
    """B1(t) = signal exp(i (phase + 2 pi freq (t - start))), between the points drawn too: chords miss by 0.1² / 8."""
    t, b1 = staircase(pulse(freq=700.0, phase=0.5))
    at = np.linspace(1.01, 2.99, 500) * ms
    drawn = np.interp(at, t, b1)
    exact = np.where(at < 2 * ms, 100, 50j) * np.exp(1j * (0.5 + 2 * np.pi * 700 * (at - 1 * ms)))
    assert np.abs(drawn - exact).max() < 100 * 0.1**2 / 7


def test_readouts_pulses_and_borders_are_placed_in_time() -> None:
    w = waveforms(assemble([Block(4 * ms, rf=pulse()), Block(4 * ms, adc=ADC(2, 1 * ms, 0.5 * ms))]))
    assert w.adc[0] == pytest.approx([4.5 * ms, 6.5 * ms])
    assert w.adc_t == pytest.approx([5 * ms, 6 * ms])
    assert (w.pulses[0].centre, w.pulses[0].use) == (2 * ms, RFUse.EXCITATION)
    assert w.borders == pytest.approx([0, 4 * ms])


def test_only_blocks_that_overlap_the_interval_are_shown() -> None:
    sequence = assemble([Block(4 * ms, rf=pulse()), Block(4 * ms, gx=RAMP), Block(4 * ms, rf=pulse())])
    w = waveforms(sequence, 4 * ms, 8 * ms)
    assert len(w.pulses) == 0
    assert len(w.gradient_t[0]) == 4


def test_a_repetition_runs_from_inversion_to_inversion_or_from_excitation_to_excitation() -> None:
    read = Block(4 * ms, adc=ADC(2, 1 * ms))
    excite, invert = Block(4 * ms, rf=pulse()), Block(4 * ms, rf=pulse(RFUse.INVERSION))
    assert first_repetition(assemble([excite, excite, read, excite, read])) == pytest.approx((4 * ms, 12 * ms))
    prepared = [invert, excite, read, excite, read, invert, excite, read]
    assert first_repetition(assemble(prepared)) == pytest.approx((0, 20 * ms))
    assert first_repetition(assemble([excite, read])) == pytest.approx((0, 8 * ms))


def test_dummy_repetitions_are_passed_over(shared_data: Path) -> None:
    """Eight dummies of 4.9 s come before the first readout."""
    folder = shared_data / "komamri_tse" / "subject46_crisp_v_182_TSE_PD_250_4900_1_110"
    start, stop = first_repetition(read_sequence(folder / "sequence.seq"))
    assert start == pytest.approx(8 * 4.9, abs=1e-3)
    assert stop - start == pytest.approx(4.9)


def test_gradients_that_meet_at_a_border_are_one_line() -> None:
    up, down = (
        Gradient(np.array([0.0, 4]) * ms, np.array([0.0, 8])),
        Gradient(np.array([0.0, 4]) * ms, np.array([8.0, 0])),
    )
    w = waveforms(assemble([Block(4 * ms, gz=up), Block(4 * ms, gz=down)]))
    assert np.interp(np.array([3.9999, 4, 4.0001]) * ms, w.gradient_t[2], w.gradient[2]) == pytest.approx(
        [8, 8, 8], abs=1e-3
    )
    assert (w.gradient[2][1:-1] >= 0).all()
    assert np.flatnonzero(w.gradient[2] == 0).tolist() == [0, 1, 4, 5]
