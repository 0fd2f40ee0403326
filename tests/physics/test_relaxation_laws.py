"""Free precession, echoes and recovery against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from blocks import HUGE, INSTANT, column, excite, refocus, sample, signal, spoil, wait

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.phantom.tissues import Tissue, TissueTable
from spinloom.sequence.events import ADC, Block
from spinloom.simulation.bloch import Bloch

RIGHT = np.pi / 2
float32 = np.float32


def test_free_induction_decays_with_T2_and_turns_with_dB0() -> None:
    """S(t) = i exp(-t/T2) exp(-2 pi i dB0 t) after a 90 degree pulse of phase 0 (left-handed)."""
    T2, dB0 = 0.05, 37.5
    adc = ADC(n_samples=200, dwell=1e-4)
    S = signal(column(T1=1.0, T2=T2, dB0=dB0), [excite(RIGHT), Block(duration=0.02, adc=adc)])
    expected = 1j * np.exp(-adc.times / float32(T2)) * np.exp(-2j * np.pi * dB0 * adc.times)
    np.testing.assert_allclose(S, expected, atol=1e-6)


def test_pulse_and_receiver_of_one_phase_cancel() -> None:
    S = [signal(column(), [excite(RIGHT, p), sample(phase=p)])[0] for p in (0.0, 1.0, 2.5)]
    np.testing.assert_allclose(S, 1j, atol=1e-6)


@pytest.mark.parametrize("TE", [0.01, 0.03, 0.08, 0.2])
def test_spin_echo_decays_with_T2_whatever_the_field(TE: float) -> None:
    """S = n exp(-TE/T2), the off-resonance of each voxel refocused."""
    T2 = 0.08
    phantom = column(21, T1=HUGE, T2=T2, dB0=np.linspace(-200, 200, 21))
    blocks = [excite(RIGHT), wait(TE / 2 - INSTANT), refocus(phase=RIGHT), wait(TE / 2 - 1.5 * INSTANT), sample()]
    S = signal(phantom, blocks)
    assert abs(S[0]) == pytest.approx(21 * np.exp(-TE / float32(T2)), rel=1e-6)


@pytest.mark.parametrize("TI", [0.05, 0.4, 1.0, 3.0])
def test_inversion_recovery(TI: float) -> None:
    """Mz = 1 - 2 exp(-TI/T1)."""
    T1 = 0.9
    blocks = [refocus(np.pi), wait(TI - INSTANT), excite(RIGHT), sample()]
    S = signal(column(T1=T1), blocks)[0]
    assert S.imag == pytest.approx(1 - 2 * np.exp(-TI / float32(T1)), abs=1e-6)


def test_stimulated_echo_is_half_the_magnetisation() -> None:
    """S = 1/2 exp(-TM/T1) exp(-TE/T2), all other pathways dephased by crushers (Hahn, Phys. Rev. 80, 580 (1950))."""
    T1, T2, half, TM = 0.8, 0.06, 0.01, 0.1
    crush, store = spoil(1e3, half), spoil(9e3, TM)
    blocks = [excite(RIGHT), crush, excite(RIGHT), store, excite(RIGHT), crush, sample()]
    S = signal(column(T1=T1, T2=T2), blocks, Bloch(spins=(64, 1, 1), threads=1))[0]
    assert abs(S) == pytest.approx(0.5 * np.exp(-TM / T1) * np.exp(-2 * half / T2), rel=1e-6)


@pytest.mark.parametrize(("method", "error"), [(Bloch(), 1e-6), (Bloch(spins=4001, sample_T2prime=True), 2e-3)])
def test_T2prime_decays_a_gradient_echo_and_is_refocused_by_a_spin_echo(method: Bloch, error: float) -> None:
    """GRE: exp(-TE (1/T2 + 1/T2')); SE: exp(-TE/T2); between them exp(-t/T2 - |t - TE|/T2')."""
    T2, T2prime, TE, early = 0.1, 0.03, 0.04, 0.005
    phantom = column(T2=T2, T2prime=T2prime)
    gre = signal(phantom, [excite(RIGHT), wait(TE), sample()], method)[0]
    assert abs(gre) == pytest.approx(np.exp(-TE * (1 / T2 + 1 / T2prime)), abs=error)
    to_echo = TE / 2 - early
    blocks = [
        excite(RIGHT),
        wait(TE / 2),
        refocus(),
        wait(to_echo),
        sample(),
        wait(early),
        sample(),
        wait(early),
        sample(),
    ]
    before, echo, after = np.abs(signal(phantom, blocks, method))
    assert echo == pytest.approx(np.exp(-TE / T2), abs=error)
    assert before == pytest.approx(np.exp(-(TE - early) / T2 - early / T2prime), abs=error)
    assert after == pytest.approx(np.exp(-(TE + early) / T2 - early / T2prime), abs=error)


def test_sampled_T2prime_is_refocused_on_every_pathway() -> None:
    """Hahn's echo of two 90 degree pulses: 1/2 exp(-2 tau/T2) without T2', though no pulse is called refocusing."""
    T2, T2prime, tau = 0.1, 0.03, 0.01
    crush = spoil(1e3, tau)
    blocks = [excite(RIGHT), crush, excite(RIGHT, RIGHT), crush, sample()]
    S = signal(column(T2=T2, T2prime=T2prime), blocks, Bloch(spins=4001, sample_T2prime=True))[0]
    assert abs(S) == pytest.approx(0.5 * np.exp(-2 * tau / T2), abs=2e-3)


def test_a_readout_across_the_echo_rises_and_falls_with_T2prime() -> None:
    """One window over the spin echo: exp(-t/T2) exp(-|t - TE|/T2') at every sample."""
    T2, T2prime, TE = 0.1, 0.01, 0.04
    adc = ADC(n_samples=100, dwell=1e-4)
    blocks = [excite(RIGHT), wait(TE / 2), refocus(), wait(TE / 2 - 0.005), Block(duration=0.01, adc=adc)]
    S = signal(column(T2=T2, T2prime=T2prime), blocks)
    t = TE - 0.005 + adc.times
    np.testing.assert_allclose(np.abs(S), np.exp(-t / T2 - np.abs(t - TE) / T2prime), rtol=1e-6)


def test_fat_turns_at_its_chemical_shift() -> None:
    """Two tissues share a voxel: S(t) = a + b exp(-2 pi i shift B0 gamma-bar t)."""
    B0, shift, t = 1.5, -3.4, 0.0123
    table = TissueTable(
        (Tissue(1, "water", 0.8, HUGE, HUGE), Tissue(2, "fat", 1.0, HUGE, HUGE, shift_ppm=shift)), B0=B0
    )
    one = column()
    fractions = np.array([155, 100], np.uint8).reshape(2, 1, 1, 1)
    phantom = Phantom(one.grid, one.PD, one.T1, one.T2, fractions=fractions, tissues=table, voxel=Voxel.POINT)
    S = signal(phantom, [excite(RIGHT), wait(t - 1.5 * INSTANT), sample()], scanner=Scanner(B0=B0))[0]
    water, fat = 0.8 * 155 / 255, 100 / 255
    expected = 1j * (water + fat * np.exp(-2j * np.pi * shift * 1e-6 * GAMMA_BAR * B0 * t))
    assert abs(S - expected) < 1e-5


@pytest.mark.parametrize(("T2", "T2prime"), [(0.1, 2e-4), (5e-4, 1e-3), (0.05, 1e-5)])
def test_a_long_readout_before_the_echo_never_runs_away(T2: float, T2prime: float) -> None:
    """exp(-t/T2 - |t - TE|/T2') from 20 ms before the echo, however far below the smallest number it begins."""
    TE = 0.06
    adc = ADC(n_samples=401, dwell=1e-4)
    blocks = [excite(RIGHT), wait(TE / 2), refocus(), wait(TE / 2 - 0.02), Block(duration=0.0402, adc=adc)]
    S = np.abs(signal(column(T2=T2, T2prime=T2prime), blocks))
    t = TE - 0.02 + adc.times
    expected = np.exp(-t / np.float32(T2) - np.abs(t - TE) / np.float32(T2prime))
    np.testing.assert_allclose(S, expected, rtol=1e-3, atol=1e-15)
