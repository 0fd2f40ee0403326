"""Trains of pulses against steady-state formulas and the phase graph."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from blocks import INSTANT, column, excite, refocus, sample, signal, spoil, wait

from spinloom.sequence.events import Block
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.phase_graph import cpmg, spoiled_gradient_echo

RIGHT = np.pi / 2


@pytest.mark.parametrize("FA_deg", [5, 15, 30, 60])
def test_spoiled_gradient_echo_reaches_the_Ernst_formula(FA_deg: float) -> None:
    """S = sin FA (1 - E1) / (1 - E1 cos FA), T2 short against TR so that spoiling is ideal.

    Ernst & Anderson, Rev. Sci. Instrum. 37, 93 (1966).
    """
    T1, T2, TR, FA = 0.8, 0.004, 0.05, np.deg2rad(FA_deg)
    spoiler = spoil(1e3, TR - 3 * INSTANT)
    blocks: list[Block] = []
    for _ in range(200):
        blocks += [excite(FA), sample(), spoiler]
    E1 = np.exp(-TR / np.float32(T1))
    S = signal(column(T1=T1, T2=T2), blocks, Bloch(spins=32, threads=1))[-1]
    assert abs(S) == pytest.approx(np.sin(FA) * (1 - E1) / (1 - E1 * np.cos(FA)), rel=1e-5)


def test_the_Ernst_angle_gives_the_most_signal() -> None:
    """cos FA = exp(-TR/T1)."""
    T1, T2, TR = 0.8, 0.004, 0.05
    ernst = np.arccos(np.exp(-TR / T1))
    spoiler = spoil(1e3, TR - 3 * INSTANT)

    def S(FA: float) -> float:
        blocks = [b for _ in range(150) for b in (excite(FA), sample(), spoiler)]
        return float(abs(signal(column(T1=T1, T2=T2), blocks, Bloch(spins=32, threads=1))[-1]))

    best = S(ernst)
    assert best > S(0.9 * ernst)
    assert best > S(1.1 * ernst)


@pytest.mark.parametrize("axis", ["gx", "gy", "gz"])
def test_RF_spoiling_agrees_with_the_phase_graph_along_any_axis(axis: str) -> None:
    """117 degree increments, T2 long against TR: 128 spins per voxel are the graph's 60 orders exactly."""
    T1, T2, TR, TE, FA, n = 1.0, 0.1, 0.02, 0.004, np.deg2rad(20), 60
    increment = np.deg2rad(117)

    def train() -> Iterator[Block]:
        for i in range(n):
            phase = increment * i * (i + 1) / 2
            yield from (excite(FA, phase), wait(TE - 1.5 * INSTANT), sample(phase=phase))
            yield spoil(1e3, TR - TE - 1.5 * INSTANT, axis)

    ours = signal(column(T1=T1, T2=T2), train(), Bloch(spins=128, threads=1))
    graph = spoiled_gradient_echo(FA=FA, TR=TR, TE=TE, T1=T1, T2=T2, increment=increment, n_pulses=n)
    np.testing.assert_allclose(ours, graph, atol=1e-6)


@pytest.mark.parametrize("dB0", [0.0, 12.0, 31.0, 49.0, 77.0])
def test_balanced_SSFP_on_and_off_resonance(dB0: float) -> None:
    """|S| = (1 - E1) sin a sqrt(1 + E2^2 - 2 E2 cos b) / d right after the pulse,

    d = (1 - E1 cos a)(1 - E2 cos b) - E2 (E1 - cos a)(E2 - cos b),  b = 2 pi dB0 TR + pi with alternating pulses.

    Freeman & Hill, J. Magn. Reson. 4, 366 (1971).
    """
    T1, T2, TR, a = 0.3, 0.15, 0.01, np.deg2rad(50)
    blocks = [b for i in range(600) for b in (excite(a, np.pi * (i % 2)), sample(), wait(TR - 3 * INSTANT))]
    S = signal(column(T1=T1, T2=T2, dB0=dB0), blocks)[-1]
    E1, E2, b = np.exp(-TR / T1), np.exp(-TR / T2), 2 * np.pi * dB0 * TR + np.pi
    d = (1 - E1 * np.cos(a)) * (1 - E2 * np.cos(b)) - E2 * (E1 - np.cos(a)) * (E2 - np.cos(b))
    assert abs(S) == pytest.approx((1 - E1) * np.sin(a) * np.sqrt(1 + E2**2 - 2 * E2 * np.cos(b)) / d, rel=1e-5)


@pytest.mark.parametrize("B1", [1.0, 0.85, 0.6])
def test_echo_train_with_B1_error_agrees_with_the_phase_graph(B1: float) -> None:
    """CPMG, 16 echoes, crushers of one turn per voxel; every flip scaled by B1 (Hennig 1991)."""
    T1, T2, ESP, n = 1.0, 0.08, 0.01, 16
    crush = spoil(1e3, ESP / 2 - INSTANT)
    blocks = [excite(RIGHT, RIGHT)]
    for _ in range(n):
        blocks += [crush, refocus(), crush, sample()]
    ours = signal(column(T1=T1, T2=T2, B1=B1), blocks, Bloch(spins=(40, 1, 1), threads=1))
    b1 = np.float32(B1)
    graph = cpmg(FA=b1 * RIGHT, refocus_FA=np.full(n, b1 * np.pi), echo_spacing=ESP, T1=T1, T2=T2)
    np.testing.assert_allclose(ours, graph, atol=2e-6)
