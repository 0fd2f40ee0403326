"""The choice of an engine, the number of spins, and the comparison with double precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.protocols.spin_echo import spin_echo
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation.automatic import Automatic, choose
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.simulate import simulate
from spinloom.simulation.thin import some_readouts, some_voxels
from spinloom.simulation.verify import verify

pytestmark = [
    pytest.mark.filterwarnings("ignore:gradients between two pulses"),  # too few spins on purpose
    pytest.mark.filterwarnings("ignore:this scanner could not play"),
]


def voxel(T1: float, T2: float) -> Phantom:
    one = np.ones((1, 1, 1), np.float32)
    return Phantom(Grid.centred((1, 1, 1), 1.0), one, T1 * one, T2 * one, voxel=Voxel.BOX)


def train(FA_deg: float, increment_deg: float, n: int = 200) -> Sequence:
    """Gradient echoes with one turn of spoiling per voxel and repetition (TR 5 ms)."""
    edges, FA = np.array([0.0, 2e-5]), np.deg2rad(FA_deg)
    spoiler = Gradient(np.array([0.0, 1e-4, 9e-4, 1e-3]), np.array([0.0, 1.0, 1.0, 0.0]) * 1e3 / 9e-4)
    blocks = []
    for j in range(n):
        phase = np.deg2rad(increment_deg) * j * (j + 1) / 2
        pulse = RF(edges, np.array([FA / (2 * np.pi * 2e-5)], complex), phase=phase, use=RFUse.EXCITATION, centre=1e-5)
        blocks += [
            Block(2e-5, pulse),
            Block(2e-3),
            Block(1e-5, adc=ADC(1, 1e-6, phase=phase)),
            Block(1e-3, gz=spoiler),
            Block(1.97e-3),
        ]
    return assemble(blocks)


@pytest.mark.parametrize(
    ("T1", "T2", "FA_deg", "increment_deg"),
    [(1.3, 0.1, 10, 117), (4.0, 1.0, 30, 117), (1.3, 0.1, 40, 0)],
    ids=["RF-spoiled", "RF-spoiled CSF", "FISP"],
)
def test_enough_spins_are_within_a_thousandth_of_4096(
    T1: float, T2: float, FA_deg: float, increment_deg: float
) -> None:
    """Both engines; with one spin the error would be of the order of the signal."""
    phantom, sequence = voxel(T1, T2), train(FA_deg, increment_deg)
    truth = Bloch(spins=(1, 1, 4096)).signal(phantom, sequence, Scanner()).samples
    for method in (Bloch(spins=None), PhaseGraph()):
        found = method.signal(phantom, sequence, Scanner()).samples
        assert np.linalg.norm(found - truth) <= 1e-3 * np.linalg.norm(truth)


def test_points_are_spins_and_boxes_are_configurations() -> None:
    phantom, sequence = voxel(1.0, 0.1), train(10, 117, 4)
    box = choose(Automatic(), phantom, sequence, Scanner())
    point = choose(Automatic(), replace(phantom, voxel=Voxel.POINT), sequence, Scanner())
    assert isinstance(box.method, PhaseGraph)
    assert box.reasons
    assert point.method.spins == 1  # type: ignore[union-attr]
    told = simulate(phantom, sequence, method=Automatic()).info["simulation"]
    assert told["method"] == "PhaseGraph"  # type: ignore[index]
    assert told["engine"]["reasons"] == list(box.reasons)  # type: ignore[index]


def test_spins_are_taken_where_the_phase_graph_does_not_hold() -> None:
    """An oblique grid."""
    phantom, sequence = voxel(1.0, 0.1), train(10, 117, 4)
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    oblique = replace(phantom, grid=Grid(phantom.grid.shape, turn))
    chosen = choose(Automatic(), oblique, sequence, Scanner())
    assert isinstance(chosen.method, Bloch)
    assert "oblique" in " ".join(chosen.reasons)


def test_spins_are_taken_where_gradients_weigh_diffusion() -> None:
    """b = (2 pi)^2 G^2 d^2 (D - d/3) of two lobes of one sign about a refocusing pulse, about 1,000 s/mm^2."""
    edges = np.array([0.0, 2e-5])
    flip, turn = (
        RF(edges, np.array([a / 2e-5 + 0j]), use=use, centre=1e-5)
        for a, use in ((0.25, RFUse.EXCITATION), (0.5, RFUse.REFOCUSING))
    )
    lobe = Gradient(np.array([0.0, 1e-3, 2.4e-2, 2.5e-2]), np.array([0.0, 1.5e6, 1.5e6, 0.0]))
    scan = [
        Block(2e-5, flip),
        Block(2.5e-2, gx=lobe),
        Block(2e-5, turn),
        Block(2.5e-2, gx=lobe),
        Block(1e-4, adc=ADC(4, 1e-5)),
    ]
    water = replace(voxel(1.0, 0.1), D=np.full((1, 1, 1), 1e-9, np.float32))
    assert isinstance(choose(Automatic(), water, assemble(scan), Scanner()).method, Bloch)
    still = choose(Automatic(), voxel(1.0, 0.1), assemble(scan), Scanner())
    assert isinstance(still.method, PhaseGraph)


def slab() -> Phantom:
    rng = np.random.default_rng(0)
    shape = (6, 6, 1)
    PD = np.ones(shape, np.float32)
    T1, T2 = rng.uniform(0.5, 1.5, shape).astype(np.float32), rng.uniform(0.05, 0.1, shape).astype(np.float32)
    return Phantom(Grid.centred(shape, (4.0, 4.0, 4.0)), PD, T1, T2, voxel=Voxel.BOX)


def test_verification_is_near_zero_for_the_phase_graph_and_large_for_too_few_spins() -> None:
    sequence = spin_echo(TE=20e-3, TR=0.5, matrix=(6, 6), FOV=(24e-3, 24e-3), n_dummies=2)
    good = verify(slab(), sequence, Scanner(), PhaseGraph(), voxels=3, lines=3, spins=(21, 13, 233))
    bad = verify(slab(), sequence, Scanner(), Bloch(spins=(1, 1, 3)), voxels=3, lines=3, spins=(21, 13, 233))
    assert good.error < 3e-3
    assert abs(good.scale - 1) < 3e-3
    assert bad.error > 10 * good.error
    assert (good.voxels, good.lines, good.spins) == (3, 3, (21, 13, 233))


def test_some_readouts_of_a_scan_are_what_they_were_in_it() -> None:
    sequence, phantom = train(10, 117, 12), voxel(1.0, 0.1)
    whole = Bloch(spins=8).signal(phantom, sequence, Scanner()).samples
    some = np.array([2, 7, 11])
    part = Bloch(spins=8).signal(phantom, some_readouts(sequence, some), Scanner()).samples
    assert np.array_equal(part, whole[:, some])


def test_signals_of_voxels_add_up() -> None:
    phantom = slab()
    sequence = spin_echo(TE=20e-3, TR=0.5, matrix=(4, 4), FOV=(24e-3, 24e-3), n_dummies=0)
    method = Bloch(spins=(1, 1, 5))
    index = np.arange(36)
    parts = [method.signal(some_voxels(phantom, index[i::3]), sequence, Scanner()).samples for i in range(3)]
    whole = method.signal(phantom, sequence, Scanner()).samples
    assert np.linalg.norm(sum(parts) - whole) <= 1e-12 * np.linalg.norm(whole)
