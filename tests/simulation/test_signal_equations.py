"""Each closed form against an independent evaluation: repeated rotation and relaxation, or its textbook limit."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.simulation import signal_equations as equations
from spinloom.simulation.echo_train import echo_amplitudes

RELAX = [(0.8, 0.08), (1.4, 0.1), (4.0, 1.8), (0.3, 0.04)]


def recover(Mz: float, t: float, T1: float) -> float:
    return 1 + (Mz - 1) * np.exp(-t / T1)


def rotation(axis: str, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


@pytest.mark.parametrize(("T1", "T2"), RELAX)
@pytest.mark.parametrize("FA", [0.1, 0.35, 1.2])
def test_spoiled_gradient_echo_is_the_fixed_point_of_pulse_and_recovery(T1: float, T2: float, FA: float) -> None:
    Mz, TR = 1.0, 0.02
    for _ in range(3000):
        Mz = recover(Mz * np.cos(FA), TR, T1)
    assert equations.spoiled_gradient_echo(T1, TR=TR, FA=FA) == pytest.approx(Mz * np.sin(FA), rel=1e-9)


def test_spoiled_gradient_echo_is_strongest_at_the_Ernst_angle() -> None:
    T1, TR = 1.1, 0.02
    FA = np.linspace(0.01, 1.0, 100001)
    best = FA[np.argmax(equations.spoiled_gradient_echo(T1, TR=TR, FA=FA))]
    assert best == pytest.approx(np.arccos(np.exp(-TR / T1)), abs=2e-5)


@pytest.mark.parametrize(("T1", "T2"), RELAX)
@pytest.mark.parametrize("efficiency", [1.0, 0.87])
def test_mprage_is_the_fixed_point_of_its_events(T1: float, T2: float, efficiency: float) -> None:
    TI, TR, FA, ES, N, centre = 0.9, 2.3, 0.16, 7e-3, 96, 40
    Mz, trace = 1.0, np.zeros(N)
    for _ in range(60):
        Mz = recover(-efficiency * Mz, TI - centre * ES, T1)
        for n in range(N):
            trace[n] = Mz * np.sin(FA)
            Mz = recover(Mz * np.cos(FA), ES, T1)
        Mz = recover(Mz, TR - (TI - centre * ES) - N * ES, T1)
    found = equations.mprage(
        T1,
        np.arange(N),
        TI=TI,
        TR=TR,
        FA=FA,
        echo_spacing=ES,
        n_inner=N,
        n_centre=centre,
        inversion_efficiency=efficiency,
    )
    np.testing.assert_allclose(found, trace, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("T1", "T2"), RELAX)
@pytest.mark.parametrize("TI", [None, 0.5])
@pytest.mark.parametrize("refocus", [np.pi, 2.3])
def test_turbo_spin_echo_Mz_is_the_fixed_point_of_its_events(
    T1: float, T2: float, TI: float | None, refocus: float
) -> None:
    TR, FA, ES, ETL, e = 2.0, 1.4, 9e-3, 12, 0.95
    Mz = 1.0
    for _ in range(80):
        before = Mz
        Mz = recover(Mz * np.cos(FA), ES / 2, T1) * np.cos(refocus)
        for _ in range(ETL - 1):
            Mz = recover(Mz, ES, T1) * np.cos(refocus)
        Mz = recover(Mz, TR - (ETL - 0.5) * ES - (TI or 0), T1)
        if TI is not None:
            Mz = recover(-e * Mz, TI, T1)
    found = equations.turbo_spin_echo_Mz(
        T1, TR=TR, FA=FA, refocus_FA=refocus, echo_spacing=ES, ETL=ETL, TI=TI, inversion_efficiency=e
    )
    assert found == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize(("T1", "T2"), RELAX)
def test_spin_echo_with_ideal_pulses_is_the_textbook_formula(T1: float, T2: float) -> None:
    TE, TR = 0.03, 0.7
    S = equations.spin_echo(T1, T2, TE=TE, TR=TR, FA=np.pi / 2)
    expected = (1 - 2 * np.exp(-(TR - TE / 2) / T1) + np.exp(-TR / T1)) * np.exp(-TE / T2)
    assert S == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("efficiency", [1.0, 0.9])
def test_inversion_recovery_crosses_zero_where_the_two_exponentials_say(efficiency: float) -> None:
    T1, TR = 0.9, 4.0
    TI = T1 * np.log((1 + efficiency) / (1 + efficiency * np.exp(-TR / T1)))
    assert equations.inversion_recovery(T1, TI=TI, TR=TR, inversion_efficiency=efficiency) == pytest.approx(
        0, abs=1e-12
    )


@pytest.mark.parametrize(("T1", "T2"), RELAX)
@pytest.mark.parametrize("dB0", [0.0, 17.0, -40.0, 99.0])
def test_balanced_ssfp_is_the_fixed_point_of_rotation_and_relaxation(T1: float, T2: float, dB0: float) -> None:
    TR, FA = 5e-3, 0.7
    E = np.diag([np.exp(-TR / T2), np.exp(-TR / T2), np.exp(-TR / T1)])
    # one repetition seen in the frame that turns by half a turn per pulse; precession exp(-2πi dB0 t)
    precess = rotation("z", -2 * np.pi * dB0 * TR + np.pi)
    pulse = rotation("x", FA)
    A = pulse @ precess @ E
    b = pulse @ precess @ np.array([0, 0, 1 - np.exp(-TR / T1)])
    M = np.linalg.solve(np.eye(3) - A, b)
    transverse = M[0] + 1j * M[1]
    S = equations.balanced_ssfp(T1, T2, TR=TR, FA=FA, dB0=dB0)
    assert abs(S) == pytest.approx(abs(transverse), rel=1e-9)
    if dB0 == 0.0:
        assert np.angle(S) == pytest.approx(0.0, abs=1e-12)
        c, E1, E2 = np.cos(FA), np.exp(-TR / T1), np.exp(-TR / T2)
        assert S.real == pytest.approx(np.sin(FA) * (1 - E1) / (1 - (E1 - E2) * c - E1 * E2), rel=1e-12)
    # the phase: relative to the on-resonance magnetisation along -y
    assert np.angle(S * np.conj(transverse * 1j)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("refocus", [np.pi, 2.6, 2.0, 1.2])
@pytest.mark.parametrize(("T1", "T2"), [(0.9, 0.08), (0.3, 0.05)])
def test_echo_train_is_the_mean_over_dephased_isochromats(T1: float, T2: float, refocus: float) -> None:
    ES, ETL, n = 10e-3, 10, 64
    phase = 2 * np.pi * np.arange(n) / n  # dephasing per half spacing
    M = np.tile([0.0, 1.0, 0.0], (n, 1))  # along y; refocusing about y: CPMG
    half = np.array([np.exp(-ES / 2 / T2)] * 2 + [np.exp(-ES / 2 / T1)])
    c, s = np.cos(refocus), np.sin(refocus)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])

    def wait(M: np.ndarray) -> np.ndarray:
        x = M[:, 0] * np.cos(phase) - M[:, 1] * np.sin(phase)
        y = M[:, 0] * np.sin(phase) + M[:, 1] * np.cos(phase)
        return np.stack([x, y, M[:, 2]], axis=1) * half

    echoes = []
    for _ in range(ETL):
        M = wait(wait(M) @ about_y.T)
        echoes.append(M[:, 1].mean())
    np.testing.assert_allclose(
        np.ravel(equations.echo_train(np.array(T1), np.array(T2), refocus_FA=refocus, echo_spacing=ES, ETL=ETL)),
        echoes,
        atol=1e-12,
    )


def test_echo_train_of_180_degree_pulses_decays_with_T2() -> None:
    T2 = np.array([0.05, 0.1, 2.0])
    train = equations.echo_train(0.9, T2, refocus_FA=np.pi, echo_spacing=0.01, ETL=5)
    np.testing.assert_allclose(train, np.exp(-0.01 * np.arange(1, 6)[:, None] / T2), rtol=1e-12)


def test_compiled_echo_train_is_the_plain_one() -> None:
    rng = np.random.default_rng(1)
    n, ETL = 137, 13
    T1 = rng.uniform(0.3, 4, n).astype(np.float32)
    T2 = rng.uniform(0.03, 0.3, n).astype(np.float32)
    refocus = rng.uniform(0.2, 3.3, n).astype(np.float32)
    echoes = np.array([0, 3, 7, 12])
    plain = np.array(
        equations.echo_train(T1.astype(float), T2.astype(float), refocus_FA=refocus, echo_spacing=0.01, ETL=ETL)
    )
    found = echo_amplitudes(T1, T2, refocus, echo_spacing=0.01, ETL=ETL, echoes=echoes)
    np.testing.assert_allclose(found, plain[echoes], atol=2e-6)


def test_gradient_echo_planar_starts_from_the_Ernst_signal_and_spin_echo_planar_from_the_spin_echo() -> None:
    T1 = np.array([0.8, 1.4])
    np.testing.assert_array_equal(
        equations.echo_planar(T1, TR=2.0, FA=1.2), equations.spoiled_gradient_echo(T1, TR=2.0, FA=1.2)
    )
    found = equations.echo_planar(T1, TR=2.0, FA=1.2, refocus_FA=2.8, TE=0.06)
    expected = equations.spin_echo(T1, np.inf, TE=0.06, TR=2.0, FA=1.2, refocus_FA=2.8)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
