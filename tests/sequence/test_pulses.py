"""Pulses turn by their flip angle, invert over their bandwidth, and keep their phase at the centre of any slice."""

from __future__ import annotations

from math import cos, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import RF
from spinloom.sequence.pulses import (
    hard,
    hyperbolic_secant,
    longitudinal_after,
    retuned,
    select,
    select_within,
    windowed_sinc,
)

LIMITS = Limits()
deg = pi / 180


def sinc(FA: float = 90 * deg, duration: float = 2.56e-3, **settings: float) -> RF:
    shape = {"time_bandwidth": 4.0, "apodisation": 0.46, **settings}
    return windowed_sinc(FA, duration, limits=LIMITS, **shape)


@given(st.floats(1, 180), st.integers(100, 400))
@settings(max_examples=40, deadline=None)
def test_flip_angles_integrate_to_FA(FA_deg: float, steps: int) -> None:
    assert sinc(FA_deg * deg, max(steps, 240) * 1e-5).flip_angle == pytest.approx(FA_deg * deg, rel=1e-9)
    assert hard(FA_deg * deg, steps * 1e-5, limits=LIMITS).flip_angle == pytest.approx(FA_deg * deg, rel=1e-9)


@given(st.floats(1, 179))
@settings(max_examples=20, deadline=None)
def test_on_resonance_a_pulse_leaves_cos_FA(FA_deg: float) -> None:
    assert longitudinal_after(sinc(FA_deg * deg)) == pytest.approx(cos(FA_deg * deg), abs=1e-9)
    assert longitudinal_after(hard(FA_deg * deg, 1e-3, limits=LIMITS), B1=0.5) == pytest.approx(
        cos(FA_deg / 2 * deg), abs=1e-9
    )


def test_a_hard_pulse_off_resonance_turns_about_the_effective_field() -> None:
    b1, dB0, T = 250.0, 400.0, 1e-3
    size = np.hypot(b1, dB0)
    exact = 1 - 2 * (b1 / size) ** 2 * np.sin(pi * size * T) ** 2  # Rabi's formula
    assert longitudinal_after(hard(2 * pi * b1 * T, T, limits=LIMITS), dB0=dB0) == pytest.approx(exact, abs=1e-9)


def test_a_windowed_sinc_is_the_window_times_the_sinc() -> None:
    rf = sinc(time_bandwidth=3.8, apodisation=0.27)
    t = (rf.edges[1:] + rf.edges[:-1]) / 2 - rf.centre
    T = rf.edges[-1] - rf.edges[0]
    shape = (0.73 + 0.27 * np.cos(2 * pi * t / T)) * np.sinc(3.8 * t / T)
    assert rf.signal.real / rf.signal.real.max() == pytest.approx(shape / shape.max(), abs=1e-9)


def test_a_sinc_pulse_selects_its_bandwidth() -> None:
    rf = sinc(30 * deg, time_bandwidth=8.0)
    half = 8.0 / 2.56e-3 / 2
    inside = [1 - longitudinal_after(rf, dB0=f * half) for f in (0.0, 0.5)]
    outside = [1 - longitudinal_after(rf, dB0=f * half) for f in (1.6, 3.0)]
    assert inside == pytest.approx([1 - cos(30 * deg)] * 2, rel=0.03)
    assert max(outside) < 1e-3 * inside[0]


@pytest.mark.parametrize("B1", [0.7, 1.0, 1.4])
def test_a_hyperbolic_secant_inverts_whatever_the_transmit_field(B1: float) -> None:
    assert longitudinal_after(hyperbolic_secant(10.24e-3, limits=LIMITS), B1=B1) < -0.99


def test_a_hyperbolic_secant_inverts_within_mu_beta_over_pi_and_not_outside() -> None:
    rf, bandwidth = hyperbolic_secant(10.24e-3, limits=LIMITS), 4.9 * 800 / pi
    assert longitudinal_after(rf, dB0=0.35 * bandwidth) < -0.95
    assert longitudinal_after(rf, dB0=0.8 * bandwidth) > 0.95


@given(st.floats(-5000, 5000), st.floats(0, 6.28))
@settings(max_examples=30, deadline=None)
def test_the_phase_at_the_centre_is_the_same_for_every_slice(freq: float, phase: float) -> None:
    rf = retuned(sinc(), freq=freq, phase=phase)
    at_centre = rf.phase + 2 * pi * rf.freq * (rf.centre - rf.edges[0])
    assert np.exp(1j * at_centre) == pytest.approx(np.exp(1j * phase), abs=1e-6)
    assert np.exp(1j * retuned(rf, freq=0.0).phase) == pytest.approx(np.exp(1j * phase), abs=1e-6)
    assert rf.freq == freq


def test_retuning_shares_the_waveform() -> None:
    rf = sinc()
    other = retuned(rf, freq=100.0)
    assert other.signal is rf.signal
    assert other.edges is rf.edges


def test_the_centre_lies_on_the_block_raster_after_the_dead_time() -> None:
    for rf in (sinc(duration=2.05e-3), hard(0.1, 30e-6, limits=LIMITS), hyperbolic_secant(10.25e-3, limits=LIMITS)):
        assert rf.centre / LIMITS.block_raster == pytest.approx(round(rf.centre / LIMITS.block_raster), abs=1e-6)
        assert rf.centre == pytest.approx((rf.edges[0] + rf.edges[-1]) / 2)
        assert rf.edges[0] >= LIMITS.rf_dead - 1e-12


def test_slice_gradients_are_bandwidth_over_thickness_and_slices_sit_at_freq_over_gradient() -> None:
    selection, g = select(sinc(), 4.0 / 2.56e-3, 5e-3, LIMITS)
    assert selection.amplitude == pytest.approx(4.0 / 2.56e-3 / 5e-3)
    inside = (g.t >= selection.rf.edges[0]) & (g.t <= selection.rf.edges[-1])
    assert np.interp(selection.rf.edges, g.t, g.g) == pytest.approx(selection.amplitude)
    assert np.all(g.g[inside] == selection.amplitude)
    assert selection.at(0.03).freq == pytest.approx(selection.amplitude * 0.03)


def test_a_refocusing_block_is_symmetric_about_its_pulse() -> None:
    selection, g = select_within(sinc(), 4.0 / 2.56e-3, 5e-3, LIMITS)
    assert selection.rf.centre == pytest.approx(selection.duration / 2)
    assert g.end == pytest.approx(selection.duration)


def test_a_pulse_beyond_the_transmitter_is_refused_with_the_length_that_is_not() -> None:
    with pytest.raises(UsageError, match="25 uT") as refusal:
        sinc(180 * deg, 1e-3, time_bandwidth=8.0)
    length = float(str(refusal.value).split("Make it ")[1].split(" ms")[0]) * 1e-3
    peak = float(np.abs(sinc(180 * deg, length, time_bandwidth=8.0).signal).max()) / GAMMA_BAR
    assert peak <= LIMITS.max_B1 * (1 + 1e-9)


def test_a_pulse_off_the_raster_is_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 10 us"):
        hard(0.1, 123.4e-6, limits=LIMITS)
