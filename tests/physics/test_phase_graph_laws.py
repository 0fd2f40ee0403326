"""PhaseGraph() against the formulas of echoes and steady states, and against the plain phase graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from blocks import INSTANT, column, excite, refocus, sample, signal, spoil, trapezoid, wait

from spinloom.core.grid import Grid
from spinloom.core.scanner import Limits, Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, Block, Gradient
from spinloom.sequence.protocols.spin_echo import spin_echo
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.pulses import windowed_sinc
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.phase_graph import cpmg, spoiled_gradient_echo

RIGHT = np.pi / 2
SPOILED_DEG = 117.0
GRAPH = PhaseGraph(threads=1)


def box(**properties: float) -> Phantom:
    """One voxel of a millimetre: a moment of 1e3 / m is one whole turn."""
    return column(voxel=Voxel.BOX, **properties)


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize(("a1_deg", "a2_deg"), [(90, 180), (60, 120), (90, 40), (110, 90)])
def test_Hahn_echo(a1_deg: float, a2_deg: float) -> None:
    """|S| = sin a1 sin^2(a2/2) exp(-TE/T2). Hahn, Phys. Rev. 80, 580 (1950)."""
    a1, a2, TE, T2 = np.deg2rad(a1_deg), np.deg2rad(a2_deg), 0.03, 0.05
    crush = spoil(1e3, TE / 2)
    S = signal(box(T1=1.0, T2=T2), [excite(a1), crush, refocus(a2), crush, sample()], GRAPH)
    assert abs(S[0]) == pytest.approx(np.sin(a1) * np.sin(a2 / 2) ** 2 * np.exp(-TE / T2), rel=2e-5)


@pytest.mark.parametrize("a_deg", [(90, 90, 90), (80, 60, 110), (30, 90, 45)])
def test_stimulated_echo(a_deg: tuple[float, float, float]) -> None:
    """|S| = 1/2 sin a1 sin a2 sin a3 exp(-2 tau/T2 - TM/T1). Hahn (1950); Hennig (1991)."""
    a1, a2, a3 = np.deg2rad(a_deg)
    tau, TM, T1, T2 = 0.01, 0.2, 0.8, 0.06
    crush, spoiler = spoil(1e3, tau), spoil(5e3, TM)
    S = signal(box(T1=T1, T2=T2), [excite(a1), crush, excite(a2), spoiler, excite(a3), crush, sample()], GRAPH)
    expected = np.sin(a1) * np.sin(a2) * np.sin(a3) / 2 * np.exp(-2 * tau / T2 - TM / T1)
    assert abs(S[0]) == pytest.approx(expected, rel=2e-5)


def test_static_field_is_refocused_at_the_echo_and_runs_on_after_it() -> None:
    """S(tau) = i exp(-TE/T2 - tau/T2 - |tau|/T2' - 2 pi i f tau) about a spin echo."""
    TE, T2, T2p, f = 0.04, 0.08, 0.02, 35.0
    late = [0.0, 3e-3, 7e-3]
    crush = spoil(1e3, TE / 2)
    blocks = [
        excite(RIGHT, RIGHT),
        crush,
        refocus(np.pi, 0.0),
        spoil(1e3, TE / 2 - 5e-3),
        sample(),
        wait(5e-3),
        sample(),
    ]
    blocks += [wait(3e-3), sample(), wait(4e-3), sample()]
    S = signal(box(T1=5.0, T2=T2, T2prime=T2p, dB0=f), blocks, GRAPH)
    tau = np.array([-5e-3, *late])
    expected = np.exp(-(TE + tau) / T2 - np.abs(tau) / T2p - 2j * np.pi * f * tau)
    assert relative(S / S[1] * expected[1], expected) < 1e-4
    assert abs(S[1]) == pytest.approx(np.exp(-TE / T2), rel=1e-4)


def test_free_induction_decays_with_T2star() -> None:
    """S(t) = i sin a exp(-t/T2 - t/T2' - 2 pi i f t)."""
    T2, T2p, f = 0.05, 0.03, -60.0
    t = np.array([0.0, 5e-3, 2e-2])
    blocks = [excite(0.7), sample(), wait(5e-3), sample(), wait(1.5e-2), sample()]
    S = signal(box(T1=5.0, T2=T2, T2prime=T2p, dB0=f), blocks, GRAPH)
    assert relative(S, 1j * np.sin(0.7) * np.exp(-t / T2 - t / T2p - 2j * np.pi * f * t)) < 1e-5


@pytest.mark.parametrize("B1", [1.0, 0.85, 0.6])
def test_echo_train_with_B1_error_agrees_with_the_plain_phase_graph(B1: float) -> None:
    """CPMG, 24 echoes; every flip scaled by B1 (Hennig 1991)."""
    T1, T2, ESP, n = 1.0, 0.08, 0.01, 24
    crush = spoil(1e3, ESP / 2 - INSTANT)
    blocks = [excite(RIGHT, RIGHT), *(b for _ in range(n) for b in (crush, refocus(), crush, sample()))]
    ours = signal(box(T1=T1, T2=T2, B1=B1), blocks, GRAPH)
    b1 = np.float32(B1)
    plain = cpmg(FA=b1 * RIGHT, refocus_FA=np.full(n, b1 * np.pi), echo_spacing=ESP, T1=T1, T2=T2)
    assert relative(ours, plain) < 3e-4


def rf_spoiled(n: int, FA: float, TR: float, TE: float, increment: float, axis: str = "gx") -> Iterator[Block]:
    for i in range(n):
        phase = increment * i * (i + 1) / 2
        yield from (excite(FA, phase), wait(TE - 1.5 * INSTANT), sample(phase=phase))
        yield spoil(1e3, TR - TE - 1.5 * INSTANT, axis)


@pytest.mark.parametrize(("T1", "T2"), [(0.5, 0.05), (0.83, 0.08), (1.33, 0.11), (4.0, 2.0), (2.0, 2.0)])
def test_RF_spoiled_train_agrees_with_the_plain_phase_graph(T1: float, T2: float) -> None:
    """All of 400 pulses from equilibrium, although fewer are followed (Zur, Wood & Neuringer 1991)."""
    TR, TE, FA, n, increment = 0.02, 0.004, np.deg2rad(20), 400, np.deg2rad(SPOILED_DEG)
    ours = signal(box(T1=T1, T2=T2), rf_spoiled(n, FA, TR, TE, increment), GRAPH)
    T1, T2 = float(np.float32(T1)), float(np.float32(T2))
    plain = spoiled_gradient_echo(FA=FA, TR=TR, TE=TE, T1=T1, T2=T2, increment=increment, n_pulses=n)
    assert relative(ours, plain) < 3e-3
    assert relative(ours[:16], plain[:16]) < 3e-4


@pytest.mark.parametrize("axis", ["gx", "gy", "gz"])
def test_RF_spoiling_agrees_with_many_spins_along_any_axis(axis: str) -> None:
    train = list(rf_spoiled(40, np.deg2rad(25), 0.015, 0.004, np.deg2rad(50), axis))
    water = box(T1=3.0, T2=1.5)
    assert relative(signal(water, train, GRAPH), signal(water, train, Bloch(spins=128, threads=1))) < 4e-4


@pytest.mark.parametrize(("T1", "T2", "FA_deg"), [(1.0, 0.1, 30), (1.0, 0.5, 60), (0.4, 0.3, 90)])
def test_gradient_spoiled_steady_state(T1: float, T2: float, FA_deg: float) -> None:
    """FISP and PSIF: S+ = tan(a/2) (1 - (E1 - cos a) r) after a pulse, S- = tan(a/2) (1 - (1 - E1 cos a) r) before it,

    r^2 = (1 - E2^2) / ((1 - E1 cos a)^2 - E2^2 (E1 - cos a)^2). Gyngell, Magn. Reson. Imaging 6, 415 (1988).
    """
    TR, a = 0.01, np.deg2rad(FA_deg)
    dephase = spoil(1e3, TR - 5 * INSTANT)
    train = [b for _ in range(600) for b in (excite(a), sample(), dephase, sample())]
    S = np.abs(signal(box(T1=T1, T2=T2), train, GRAPH)).reshape(-1, 2)[-1]
    E1, E2 = np.exp(-TR / T1), np.exp(-TR / T2)
    r = np.sqrt((1 - E2**2) / ((1 - E1 * np.cos(a)) ** 2 - E2**2 * (E1 - np.cos(a)) ** 2))
    assert S[0] == pytest.approx(np.tan(a / 2) * (1 - (E1 - np.cos(a)) * r), rel=3e-3)
    assert S[1] == pytest.approx(np.tan(a / 2) * (1 - (1 - E1 * np.cos(a)) * r), rel=3e-3)


@pytest.mark.parametrize("dB0", [0.0, 12.0, 31.0, 49.0, 77.0])
def test_balanced_SSFP_on_and_off_resonance(dB0: float) -> None:
    """|S| = (1 - E1) sin a sqrt(1 + E2^2 - 2 E2 cos b) / d right after the pulse,

    d = (1 - E1 cos a)(1 - E2 cos b) - E2 (E1 - cos a)(E2 - cos b),  b = 2 pi dB0 TR + pi with alternating pulses.

    Freeman & Hill, J. Magn. Reson. 4, 366 (1971).
    """
    T1, T2, TR, a = 0.3, 0.15, 0.01, np.deg2rad(50)
    train = [b for i in range(400) for b in (excite(a, np.pi * (i % 2)), sample(), wait(TR - 3 * INSTANT))]
    S = signal(box(T1=T1, T2=T2, dB0=dB0), train, GRAPH)[-1]
    E1, E2, b = np.exp(-TR / T1), np.exp(-TR / T2), 2 * np.pi * dB0 * TR + np.pi
    d = (1 - E1 * np.cos(a)) * (1 - E2 * np.cos(b)) - E2 * (E1 - np.cos(a)) * (E2 - np.cos(b))
    assert abs(S) == pytest.approx((1 - E1) * np.sin(a) * np.sqrt(1 + E2**2 - 2 * E2 * np.cos(b)) / d, rel=3e-3)


def tower(voxel_mm: float, n: int, **properties: float) -> Phantom:
    """A pile of voxels along z, thin across it, so that only z spoils."""
    pile = column(n, voxel=Voxel.BOX, axis=2, **properties)
    return replace(pile, grid=Grid.centred((1, 1, n), (0.01, 0.01, voxel_mm)))


@pytest.mark.parametrize(("voxel_mm", "n"), [(1.0, 9), (5.0, 3), (20.0, 1)])
def test_spin_echo_of_a_slice_agrees_with_many_spins(voxel_mm: float, n: int) -> None:
    """Pulses with slice gradients, crushers, voxels thinner and thicker than the slice; every shot from the first."""
    sequence = spin_echo(FOV=0.1, matrix=4, slice_thickness=5e-3, n_dummies=0, TR=0.5, TE=0.02)
    matter = tower(voxel_mm, n, T1=1.0, T2=0.1)
    graph = GRAPH.signal(matter, sequence, Scanner()).samples
    assert relative(graph, Bloch(spins=(1, 1, 2001 // n)).signal(matter, sequence, Scanner()).samples) < 1e-3


@pytest.mark.parametrize(("voxel_mm", "n"), [(1.0, 9), (3.0, 3)])
@pytest.mark.parametrize(("T1", "T2"), [(1.0, 0.08), (4.0, 2.0)])
def test_spoiled_gradient_echo_of_a_slice_agrees_with_many_spins(voxel_mm: float, n: int, T1: float, T2: float) -> None:
    """Configurations of dozens of orders, each turned many times across a voxel."""
    sequence = spoiled_gre(FOV=0.1, matrix=24, slice_thickness=5e-3, TE=0.005, TR=0.02, FA=0.35)
    matter = tower(voxel_mm, n, T1=T1, T2=T2)
    graph = GRAPH.signal(matter, sequence, Scanner()).samples
    many = Bloch(spins=(1, 1, 4001 // n)).signal(matter, sequence, Scanner()).samples
    assert relative(graph, many) < 3e-4


def test_partitions_of_a_slab_agree_with_many_spins() -> None:
    """Phase encoding across a selective slab, its edges inside the object; T2 short against TR."""
    thickness, TR = 0.03, 0.02
    rf = windowed_sinc(0.5, 1e-3, time_bandwidth=6.0, apodisation=0.5, limits=Limits())
    select, length = 6.0 / 1e-3 / thickness, float(rf.end)
    gz = Gradient(np.array([0.0, 1e-5, length - 1e-5, length]), np.array([0.0, select, select, 0.0]))
    back = gz.area - select * (rf.centre - 5e-6)
    train = []
    for i in range(16):
        k = (i - 8) / 0.04
        train += [Block(length, rf=rf, gz=gz), spoil(k - back, 1e-3, "gz"), Block(2e-4, adc=ADC(1, 1e-4))]
        train.append(Block(TR - length - 1.2e-3, gz=trapezoid(2e3 - k, 3e-3)))
    matter = tower(2.0, 21, T1=1.0, T2=0.003)
    ours, many = (signal(matter, train, method) for method in (GRAPH, Bloch(spins=(1, 1, 81), threads=1)))
    assert relative(ours, many) < 3e-3
