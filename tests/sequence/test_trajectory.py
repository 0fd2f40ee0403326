"""k is the area of the gradients since the excitation, turned round by refocusing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import assemble
from spinloom.sequence.trajectory import integral, trajectory

ms = 1e-3


def pulse(use: RFUse) -> RF:
    return RF(np.array([0.0, 1 * ms]), np.array([250.0 + 0j]), use=use, centre=0.5 * ms)


def flat(amplitude: float, length: float = 2 * ms) -> Gradient:
    """Constant from the first to the last instant: steps at both ends."""
    return Gradient(np.array([0.0, length]), np.array([amplitude, amplitude]))


EXCITE, REFOCUS = pulse(RFUse.EXCITATION), pulse(RFUse.REFOCUSING)
ADC4 = ADC(4, 0.5 * ms)  # samples at 0.25, 0.75, 1.25, 1.75 ms


def test_constant_gradient_after_excitation_is_a_straight_line() -> None:
    path = trajectory(assemble([Block(1 * ms, rf=EXCITE), Block(2 * ms, gx=flat(1000.0), adc=ADC4)]))
    assert np.allclose(path.k[0, :, 0], 1000 * np.array([0.25, 0.75, 1.25, 1.75]) * ms)
    assert np.allclose(path.k[0, :, 1:], 0)
    assert np.allclose(path.t[0], 1 * ms + ADC4.times)
    assert np.allclose(path.t_excitation[0], 0.5 * ms + ADC4.times)


def test_half_the_slice_gradient_counts_from_the_centre_of_the_pulse() -> None:
    path = trajectory(assemble([Block(1 * ms, rf=EXCITE, gz=flat(4000.0, 1 * ms)), Block(2 * ms, adc=ADC4)]))
    assert np.allclose(path.k[0, :, 2], 4000 * 0.5 * ms)


def test_refocusing_turns_k_round_and_equal_areas_on_both_sides_cancel() -> None:
    blocks = [Block(1 * ms, rf=EXCITE), Block(2 * ms, gx=flat(700.0)), Block(1 * ms, rf=REFOCUS, gz=flat(9e3, 1 * ms))]
    path = trajectory(assemble([*blocks, Block(2 * ms, gx=flat(700.0), adc=ADC4)]))
    assert np.allclose(path.k[0, :, 0], 700 * (ADC4.times - 2 * ms))
    assert np.allclose(path.k[0, :, 2], 0, atol=1e-12)  # crushers: half before, half after


def test_every_excitation_starts_anew() -> None:
    blocks = [Block(1 * ms, rf=EXCITE), Block(2 * ms, gx=flat(123.0), gy=flat(45.0)), Block(1 * ms, rf=EXCITE)]
    path = trajectory(assemble([*blocks, Block(2 * ms, adc=ADC4)]))
    assert np.allclose(path.k, 0, atol=1e-12)


@pytest.mark.parametrize("use", [RFUse.INVERSION, RFUse.SATURATION, RFUse.PREPARATION, RFUse.OTHER])
def test_pulses_that_prepare_leave_k_alone(use: RFUse) -> None:
    blocks = [Block(1 * ms, rf=EXCITE), Block(2 * ms, gx=flat(100.0)), Block(1 * ms, rf=pulse(use))]
    path = trajectory(assemble([*blocks, Block(2 * ms, adc=ADC4)]))
    assert np.allclose(path.k[0, :, 0], 0.2)
    assert np.allclose(path.t_excitation[0], 3.5 * ms + ADC4.times)


def test_a_pulse_inside_a_readout_counts_from_its_centre_on() -> None:
    late = RF(np.array([0.9, 1.1]) * ms, np.array([1.0 + 0j]), use=RFUse.EXCITATION, centre=1 * ms)
    path = trajectory(assemble([Block(1 * ms, rf=EXCITE), Block(2 * ms, rf=late, gx=flat(1000.0), adc=ADC4)]))
    assert np.allclose(path.k[0, :, 0], [0.25, 0.75, 0.25, 0.75])


def test_readouts_of_different_length_are_padded_with_nan() -> None:
    path = trajectory(
        assemble([Block(1 * ms, rf=EXCITE), Block(2 * ms, adc=ADC4), Block(2 * ms, gx=flat(1.0), adc=ADC(2, 1 * ms))])
    )
    assert path.n_samples.tolist() == [4, 2]
    assert np.isnan(path.k[1, 2:]).all()
    assert np.isnan(path.t[1, 2:]).all()
    assert np.isfinite(path.k[1, :2]).all()


def test_before_the_first_excitation_there_is_no_echo_time() -> None:
    path = trajectory(assemble([Block(2 * ms, adc=ADC4)]))
    assert np.isnan(path.t_excitation).all()
    assert np.allclose(path.k, 0)


def test_a_sequence_without_readouts_has_an_empty_trajectory() -> None:
    assert trajectory(assemble([Block(1 * ms, rf=EXCITE)])).k.shape == (0, 0, 3)


@given(
    st.lists(st.floats(0.1, 2.0), min_size=1, max_size=6),
    st.lists(st.floats(-5.0, 5.0), min_size=7, max_size=7),
    st.floats(0.0, 1.0),
)
def test_integral_is_the_area_under_the_line(steps: list[float], g: list[float], part: float) -> None:
    knots = np.concatenate([[0.3], 0.3 + np.cumsum(steps)])
    gradient = Gradient(knots, np.array(g[: len(knots)]))
    t = 0.3 + part * (knots[-1] - 0.3)
    area, _ = quad(lambda x: np.interp(x, gradient.t, gradient.g), 0.3, t, points=knots[knots < t], limit=200)
    assert integral(gradient, np.array(t)) == pytest.approx(area, abs=1e-7)
    assert integral(gradient, np.array(knots[-1] + 1)) == pytest.approx(gradient.area)
    assert integral(gradient, np.array(0.0)) == 0
