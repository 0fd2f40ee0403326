"""Pulses with gradients on: closed forms, slice profiles, offsets."""

from __future__ import annotations

import numpy as np
import pytest
from blocks import INSTANT, column, excite, hard, pulse, sample, signal, spoil

from spinloom.core.scanner import Scanner
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.simulation.bloch import Bloch

RIGHT = np.pi / 2
TIME_BANDWIDTH, LENGTH, SLICE_GRADIENT = 4.0, 3e-3, 4e5
THICKNESS = TIME_BANDWIDTH / LENGTH / SLICE_GRADIENT


def sinc(FA: float, *, freq: float = 0.0, phase: float = 0.0, raster: float = 1e-6) -> RF:
    """Hann-windowed sinc, 3 ms, time-bandwidth 4."""
    n = round(LENGTH / raster)
    t = (np.arange(n) + 0.5) / n - 0.5
    shape = np.sinc(TIME_BANDWIDTH * t) * (0.5 + 0.5 * np.cos(2 * np.pi * t))
    edges = np.linspace(0, LENGTH, n + 1)
    signal = shape * FA / (2 * np.pi * np.sum(shape) * LENGTH / n)
    return RF(edges, signal.astype(complex), freq=freq, phase=phase, use=RFUse.EXCITATION, centre=LENGTH / 2)


def hard_pulse_composition(rf: RF, offset: np.ndarray) -> np.ndarray:
    """M+ at the pulse's end from M = z: the Cayley-Klein product of instant turns and free turns between them.

    Pauly et al., IEEE Trans. Med. Imaging 10, 53 (1991): the forward Shinnar-Le Roux transform; left-handed here.
    """
    alpha, beta = np.ones(len(offset), complex), np.zeros(len(offset), complex)
    for b1, dt in zip(rf.signal, np.diff(rf.edges), strict=True):
        half_turn = np.exp(1j * np.pi * offset * dt / 2)
        angle = 2 * np.pi * abs(b1) * dt
        C, S = np.cos(angle / 2), 1j * np.exp(1j * np.angle(b1)) * np.sin(angle / 2)
        alpha, beta = alpha * half_turn, beta / half_turn
        alpha, beta = C * alpha - np.conj(S) * beta, S * alpha + C * beta
        alpha, beta = alpha * half_turn, beta / half_turn
    return 2 * np.conj(alpha) * beta


def profile(rf: RF, z_mm: np.ndarray, method: Bloch) -> np.ndarray:
    """M+ of single points along z right after the pulse."""
    block = Block(LENGTH, rf=rf, gz=Gradient(np.array([0.0, LENGTH]), np.full(2, SLICE_GRADIENT)))
    places = [Scanner(isocentre_mm=(0.0, 0.0, -float(z))) for z in z_mm]
    return np.array([signal(column(), [block, sample()], method, place)[0] for place in places])


@pytest.mark.parametrize("FA_deg", [30, 90, 150])
@pytest.mark.parametrize(("step", "bound"), [(1e-6, 2e-5), (5e-6, 2e-4)])
def test_slice_profile_is_the_Shinnar_Le_Roux_prediction(FA_deg: float, step: float, bound: float) -> None:
    """M+(z) = 2 conj(alpha) beta, within and outside the slice; merging to 5 us changes it by less than 2e-4."""
    rf = sinc(np.deg2rad(FA_deg))
    z_mm = np.linspace(-2.5, 2.5, 41) * THICKNESS * 1e3
    ours = profile(rf, z_mm, Bloch(rf_step=step, threads=1))
    expected = hard_pulse_composition(rf, SLICE_GRADIENT * z_mm * 1e-3)
    assert np.abs(ours - expected).max() < bound
    assert np.abs(ours[np.abs(z_mm) > 1.2 * THICKNESS * 1e3]).max() < 0.03
    assert abs(ours[20]) == pytest.approx(np.sin(np.deg2rad(FA_deg)), abs=1e-4)


@pytest.mark.parametrize("freq", [-700.0, 0.0, 1250.0])
def test_a_positive_frequency_moves_the_slice_to_G_r_equal_f(freq: float) -> None:
    """The profile about z = f / G is the profile about 0, with the phase that the pulse has at its centre."""
    z_mm = np.linspace(-0.8, 0.8, 9) * THICKNESS * 1e3
    method = Bloch(threads=1)
    rf = sinc(RIGHT, freq=freq, phase=0.3 - 2 * np.pi * freq * LENGTH / 2)
    moved = profile(rf, z_mm + freq / SLICE_GRADIENT * 1e3, method)
    still = profile(sinc(RIGHT, phase=0.3), z_mm, method)
    # the moved slice has dephased by G z0 from the pulse's centre to its end, for all of it alike
    np.testing.assert_allclose(moved * np.exp(2j * np.pi * freq * LENGTH / 2), still, atol=2e-5)


@pytest.mark.parametrize("offset", [0.0, 150.0, -400.0, 2500.0])
def test_rectangular_pulse_off_resonance(offset: float) -> None:
    """Rotation by phi = 2 pi F t about (b1, 0, f), F^2 = b1^2 + f^2:

    Mz = (f^2 + b1^2 cos phi) / F^2,   M+ = b1 f (1 - cos phi) / F^2 + i b1 sin phi / F.
    """
    length, FA = 1e-3, np.deg2rad(70)
    b1 = FA / (2 * np.pi * length)
    full = np.hypot(b1, offset)
    phi = 2 * np.pi * full * length
    expected = (b1 * offset * (1 - np.cos(phi)) / full**2) + 1j * b1 / full * np.sin(phi)
    rf = hard(FA, length=length)
    S = signal(column(dB0=offset), [pulse(rf), sample()])[0]
    assert abs(S - expected * np.exp(-2j * np.pi * offset * INSTANT)) < 1e-6
    Mz = (offset**2 + b1**2 * np.cos(phi)) / full**2
    S = signal(column(dB0=offset), [pulse(rf), spoil(1e3, 1e-3), excite(RIGHT), sample()], Bloch(spins=(16, 1, 1)))[0]
    assert S.imag == pytest.approx(Mz, abs=1e-6)


def test_relaxation_during_a_pulse_converges_to_the_exact_step() -> None:
    """A 5 ms pulse on T2 = 2 ms: Strang splitting at 5 us is within 1e-5 of the exponential of the Bloch matrix."""
    from scipy.linalg import expm

    T1, T2, length, FA, f = 0.01, 0.002, 5e-3, np.deg2rad(200), 90.0
    u, w = FA / length, 2 * np.pi * f
    A = np.array([[-1 / T2, w, 0, 0], [-w, -1 / T2, u, 0], [0, -u, -1 / T1, 1 / T1], [0, 0, 0, 0]])
    exact = expm(A * length) @ [0, 0, 1, 1]
    S = signal(column(T1=T1, T2=T2, dB0=f), [pulse(hard(FA, length=length)), sample()])[0]
    assert abs(S - (exact[0] + 1j * exact[1])) < 1e-5


def test_receiver_frequency_moves_the_field_of_view() -> None:
    """A point at x0 read with receiver frequency G x0 looks like a point at 0."""
    x0_mm, G, n, dwell = 12.0, 4e5, 32, 1e-5
    freq = G * x0_mm * 1e-3
    read = Gradient(np.array([0.0, n * dwell]), np.array([G, G]))
    adc = ADC(n, dwell, freq=freq, phase=-2 * np.pi * freq * n * dwell / 2)
    S = signal(
        column(), [excite(RIGHT), Block(n * dwell, gx=read, adc=adc)], scanner=Scanner(isocentre_mm=(-x0_mm, 0, 0))
    )
    np.testing.assert_allclose(S, S[0], atol=1e-6)
