"""A body that moves: shifts are phases of k-space, turns are turns of it, velocities are first moments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from blocks import excite, sample, signal, spoil, trapezoid, wait

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.motion import RigidMotion, rotation_matrices, rotation_vectors
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.phantom.movement import random_walk, sway
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence import protocols
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation import reference
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.concomitant import MOVING, UPPER, form
from spinloom.simulation.driven import driven
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.motion import per_shot
from spinloom.simulation.moving_coils import MOST
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.spins import batches, matter

pytestmark = pytest.mark.filterwarnings("ignore:gradients between two pulses")
BLOCH = Bloch(threads=1)
SHORT = 5e-3
"""T1 and T2 of the points [s]: every shot finds them as the first did."""


def points(places_mm: np.ndarray, amounts: np.ndarray, affine: np.ndarray | None = None) -> Phantom:
    """One point per place, on a grid of 1 mm about the isocentre."""
    grid = Grid.centred((41, 41, 41), 1.0)
    PD = np.zeros(grid.shape, np.float32)
    PD[tuple((places_mm + 20).astype(int).T)] = amounts
    full = np.full(grid.shape, SHORT, np.float32)
    return Phantom(grid if affine is None else Grid(grid.shape, affine), PD, full, full, voxel=Voxel.POINT)


def scatter(rng: np.random.Generator, n: int = 12) -> Phantom:
    return points(np.unique(rng.integers(-20, 21, (n, 3)), axis=0)[:n], rng.uniform(0.5, 1, n))


def lines(shots: int, rng: np.random.Generator) -> Sequence:
    """Excitations, each with a readout of its own along some direction after some phase encoding."""
    ADC_ = ADC(16, 20e-6, 40e-6)
    blocks = []
    for _ in range(shots):
        first, second = rng.uniform(-300, 300, (2, 3))
        blocks += [
            excite(np.pi / 2),
            Block(1e-3, None, *(trapezoid(a, 1e-3) for a in first)),
            Block(0.5e-3, None, *(trapezoid(a, 0.5e-3) for a in second), adc=ADC_),
            wait(0.1),
        ]
    return assemble(blocks)


def kspace(phantom: Phantom, sequence: Sequence, **motion: object) -> np.ndarray:
    moving = replace(phantom, motion=RigidMotion(**motion)) if motion else phantom  # type: ignore[arg-type]
    return BLOCH.signal(moving, sequence, Scanner()).samples[0]


def test_a_shift_multiplies_kspace_by_a_phase() -> None:
    """S(k) = S0(k) exp(-2 pi i k . d)."""
    rng = stream(1, "shift")
    phantom, sequence, d = scatter(rng), lines(3, rng), np.array([0.011, -0.007, 0.023])
    expected = kspace(phantom, sequence) * np.exp(-2j * np.pi * trajectory(sequence).k @ d)
    moved = kspace(phantom, sequence, t=[0.0], translation=[d], rotation=[[0, 0, 0]])
    np.testing.assert_allclose(moved, expected, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("pivot", [None, (12.0, -5.0, 30.0)])
def test_a_turn_is_that_of_the_points(pivot: tuple[float, float, float] | None) -> None:
    """x = R (r - p) + p + d, by a phantom whose grid lies there."""
    rng = stream(2, "turn")
    phantom, sequence = scatter(rng), lines(3, rng)
    vector, d = np.array([0.3, -0.8, 0.5]), np.array([0.004, 0.0, -0.01])
    R, p = rotation_matrices(vector), np.array(pivot or (0.0, 0.0, 0.0))
    affine = np.eye(4)
    affine[:3, :3] = R @ phantom.grid.affine[:3, :3]
    affine[:3, 3] = R @ (phantom.grid.affine[:3, 3] - p) + p + 1e3 * d
    there = replace(phantom, grid=Grid(phantom.grid.shape, affine))
    expected = BLOCH.signal(there, sequence, Scanner(isocentre_mm=(0, 0, 0))).samples[0]
    moving = replace(phantom, motion=RigidMotion([0.0], [d], [vector], pivot))
    moved = BLOCH.signal(moving, sequence, Scanner(isocentre_mm=(0, 0, 0))).samples[0]
    np.testing.assert_allclose(moved, expected, atol=1e-8 * np.abs(expected).max())


def test_a_turned_box_has_the_sinc_of_its_own_edges() -> None:
    """S(k) = PD V exp(-2 pi i k . R r) prod_axis sinc(k . R e_axis)."""
    rng = stream(3, "box")
    sequence, size = lines(1, rng), np.array([4.0, 7.0, 2.0])
    one = np.ones((1, 1, 1), np.float32)
    vector = np.array([0.4, 1.1, -0.2])
    motion = RigidMotion([0.0], [[0, 0, 0]], [vector])
    box = Phantom(Grid.centred((1, 1, 1), size), one, 1e9 * one, 1e9 * one, motion=motion)
    k = trajectory(sequence).k @ rotation_matrices(vector)
    expected = np.prod(size) * np.sinc(k * size * 1e-3).prod(axis=-1)
    got = BLOCH.signal(box, sequence, Scanner()).samples[0] / 1j
    np.testing.assert_allclose(np.abs(got), np.abs(expected), rtol=1e-7)
    np.testing.assert_allclose(got / got[0, 0], expected / expected[0, 0], rtol=1e-7)


def test_motion_between_two_shots_interleaves_two_kspaces() -> None:
    """A pose held from the second shot on: shot 1 of the one k-space, shot 2 of the other, and so the ghost."""
    rng = stream(4, "shots")
    phantom, sequence = scatter(rng), lines(4, rng)
    d, turn = np.array([0.0, 0.009, 0.0]), np.array([0.0, 0.0, 0.2])
    poses = {"translation": [[0, 0, 0], d, [0, 0, 0], d], "rotation": [[0, 0, 0], turn, [0, 0, 0], turn]}
    starts = sequence.block_starts[::4]
    both = kspace(phantom, sequence, t=starts, held=True, **poses)
    still = kspace(phantom, sequence)
    moved = kspace(phantom, sequence, t=[0.0], translation=[d], rotation=[turn])
    expected = np.where((np.arange(4) % 2 == 0)[:, None], still, moved)
    np.testing.assert_allclose(both, expected, atol=1e-8 * np.abs(still).max())
    assert np.linalg.norm(moved - still) > 0.1 * np.linalg.norm(still)


def test_a_velocity_between_bipolar_lobes_is_a_phase_of_their_first_moment() -> None:
    """phi = -2 pi v M1,   M1 = ∫ t G dt = -A Delta for lobes A, -A that lie Delta apart."""
    A, length, v = 400.0, 2e-3, 0.35
    blocks = [excite(np.pi / 2), spoil(A, length), wait(1e-3), spoil(-A, length), sample()]
    still = signal(points(np.zeros((1, 3)), np.ones(1)), blocks)
    motion = RigidMotion([0.0, 1.0], [[0, 0, 0], [v, 0, 0]], np.zeros((2, 3)))
    moved = signal(replace(points(np.zeros((1, 3)), np.ones(1)), motion=motion), blocks)
    M1 = -A * (length + 1e-3)
    assert np.angle(moved / still)[0] == pytest.approx(-2 * np.pi * v * M1, rel=1e-6)
    assert abs(moved[0]) == pytest.approx(abs(still[0]), rel=1e-9)


def test_a_slice_is_excited_where_the_body_was_shifted_to() -> None:
    """A pulse selects G (r + d) = f: spins at f/G - d in the body, and the profile moves by exactly -d."""
    edges = np.linspace(0, 2e-3, 201)
    shape = 800 * np.sinc(np.linspace(-2, 2, 200)).astype(complex)
    rf = RF(edges, shape, use=RFUse.EXCITATION, centre=1e-3)
    g = Gradient(np.array([0.0, 2e-3]), np.array([4e5, 4e5]))
    blocks = [Block(2e-3, rf, gz=g), spoil(-400, 1e-3, "gz"), sample()]
    z = np.arange(-6, 7)
    for shift in (0, 3):

        def profile(motion: RigidMotion | None, offset: int) -> np.ndarray:
            return np.array(
                [
                    signal(replace(points(np.array([[0, 0, i + offset]]), np.ones(1)), motion=motion), blocks)[0]
                    for i in z
                ]
            )

        moved = profile(RigidMotion([0.0], [[0, 0, shift * 1e-3]], [[0, 0, 0]]), 0)
        np.testing.assert_allclose(moved, profile(None, shift), atol=1e-7)


def wandering(rng: np.random.Generator, duration: float, held: bool) -> RigidMotion:
    t = np.sort(rng.uniform(0.1 * duration, 0.9 * duration, 5))
    return RigidMotion(t, 5e-3 * rng.standard_normal((5, 3)), 0.3 * rng.standard_normal((5, 3)), (3.0, -8.0, 5.0), held)


def stirred(rng: np.random.Generator) -> Sequence:
    """Pulses with gradients that bend, jump and overlap, and readouts."""

    def gradient(length: float) -> Gradient:
        knots = np.sort(rng.choice(np.arange(41), 5, replace=False)) * length / 40
        return Gradient(knots, rng.uniform(-2e5, 2e5, 5))

    blocks = []
    for i in range(2):
        use = (RFUse.EXCITATION, RFUse.REFOCUSING)[i % 2]
        rf = RF(2e-5 + 4e-6 * np.arange(9), rng.uniform(0, 8000, 8) + 0j, 300.0, 0.7, use, 3.6e-5)
        blocks.append(Block(3e-4, rf, gradient(3e-4), None, gradient(3e-4)))
        blocks.append(Block(2e-3, None, gradient(2e-3), gradient(2e-3), gradient(2e-3), ADC(12, 1e-4, 3e-4, 100.0)))
    return assemble(blocks)


def brute_force(phantom: Phantom, sequence: Sequence, scanner: Scanner, longest: float) -> np.ndarray:
    """Small steps with every spin where it is in the middle of the step."""
    stuff = matter(phantom, scanner)
    (spins,) = batches(stuff, phantom, scanner, 0, len(stuff.amount), len(stuff.amount))
    motion, r0 = phantom.motion, spins.spin[:3].copy()
    assert motion is not None
    p = np.zeros(3) if motion.pivot_mm is None else 1e-3 * np.subtract(motion.pivot_mm, isocentre_mm(phantom, scanner))
    M = np.tile([[0.0], [0.0], [1.0]], r0.shape[1])
    heard, begin = [], 0.0
    for block in sequence:
        cuts = [np.array([a for ab in reference.intervals(block, 1e-6) for a in ab])]
        cuts += [g.t for g in block.gradients if g is not None] + [motion.t - begin]
        t = np.unique(np.concatenate([*cuts, np.arange(0, block.duration, longest)]))
        t = t[(t >= 0) & (t <= block.duration)]
        t = t[np.concatenate([[True], np.diff(t) > 1e-12])]
        for t0, t1 in pairwise(t.tolist()):
            d, turn = motion.at(begin + (t0 + t1) / 2)
            x = rotation_matrices(turn) @ (r0 - p[:, None]) + (p + d)[:, None]
            spin = spins.spin.copy()
            spin[:3] = x
            if scanner.concomitant:
                g = np.array([0.0 if h is None else np.interp((t0 + t1) / 2, h.t, h.g, 0, 0) for h in block.gradients])
                form_ = form(g, scanner.B0)[UPPER]
                spin[5] += sum(q * b(x.T) for q, b in zip(form_, MOVING, strict=True))
            M = reference.step(M, replace(spins, spin=spin), block, t0, t1)
            if block.adc is not None and np.abs(block.adc.times - t1).min() < 1e-12:
                heard.append(reference.coil_sums(spins, M[0] + 1j * M[1])[0])
        begin += block.duration
    return np.array(heard).reshape(-1, 12) * reference.receiver(next(b.adc for b in sequence if b.adc is not None))


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("concomitant", [False, True])
def test_any_motion_through_any_gradients_is_that_of_spins_moved_step_by_step(held: bool, concomitant: bool) -> None:
    rng = stream(5, "any", int(held))
    phantom, sequence = scatter(rng, 5), stirred(rng)
    phantom = replace(phantom, motion=wandering(rng, sequence.duration, held))
    scanner = Scanner(B0=0.05 if concomitant else 3.0, concomitant=concomitant)
    expected = brute_force(phantom, sequence, scanner, 8e-6)
    got = Bloch(threads=1, rf_step=5e-7).signal(phantom, sequence, scanner).samples[0]
    assert np.linalg.norm(got - expected) < 1e-4 * np.linalg.norm(expected)
    still = Bloch(threads=1).signal(replace(phantom, motion=None), sequence, scanner).samples[0]
    assert np.linalg.norm(still - expected) > 0.1 * np.linalg.norm(expected)


@dataclass(frozen=True)
class Slanted:
    """Two channels that change over centimetres."""

    n_coils: int = 2

    def __call__(self, r: np.ndarray) -> np.ndarray:
        return np.stack([np.exp(20j * r[..., 0] - 8 * r[..., 1]), 0.5 + 10 * r[..., 1] + 0.2j])


@pytest.mark.parametrize(("shots", "tolerance"), [(4, 1e-6), (MOST + 8, 5e-3)])
def test_coils_stay_where_they_are(shots: int, tolerance: float) -> None:
    """S_c = sum over points c_c(x(t)) S_point."""
    rng = stream(6, "coils")
    phantom, sequence = scatter(rng, 4), lines(shots, rng)
    d = np.linspace(0, 0.02, shots)[:, None] * np.array([1.0, -0.5, 0.2])
    turn = np.linspace(0, 0.3, shots)[:, None] * np.array([0.0, 0.6, 0.8])
    motion = per_shot(sequence, d, turn)
    R = rotation_matrices(turn)
    expected = np.zeros((2, shots, 16), complex)
    for index in np.argwhere(phantom.PD):
        PD = np.zeros_like(phantom.PD)
        PD[tuple(index)] = phantom.PD[tuple(index)]
        one = BLOCH.signal(replace(phantom, PD=PD, motion=motion), sequence, Scanner()).samples[0]
        x = R @ (1e-3 * phantom.grid.positions_mm(index)) + d
        expected += Slanted()(x)[:, :, None] * one
    got = BLOCH.signal(replace(phantom, motion=motion), sequence, Scanner(coils=Slanted())).samples
    assert np.linalg.norm(got - expected) < tolerance * np.linalg.norm(expected)


def test_shots_have_their_poses() -> None:
    """Pose i of n holds from excitation ceil(i N / n) on."""
    sequence = lines(7, stream(7, "poses"))
    poses = np.arange(3)[:, None] * np.ones(3)
    motion = per_shot(sequence, poses, 0 * poses)
    held = motion.at(sequence.block_starts[sequence.readout_blocks])[0][:, 0]
    np.testing.assert_array_equal(held, [0, 0, 0, 1, 1, 2, 2])
    with pytest.raises(UsageError, match="8 poses for the 7 excitations"):
        per_shot(sequence, np.zeros((8, 3)), np.zeros((8, 3)))


def test_blocks_of_one_pose_share_their_waveforms() -> None:
    """Two poses of a hundred identical shots have two sets of gradients, and the plan stays small."""
    one = [excite(0.1), spoil(100.0, 1e-3), Block(1e-3, gx=trapezoid(200.0, 1e-3), adc=ADC(8, 5e-5, 2e-4))]
    sequence = assemble(one * 100)
    poses = (np.arange(100)[:, None] % 2) * np.array([0.01, 0.0, 0.0])
    phantom = replace(points(np.zeros((1, 3)), np.ones(1)), motion=per_shot(sequence, poses, 30 * poses[:, ::-1]))
    drive = driven(sequence, phantom, Scanner())
    before = len(sequence.gradients)
    assert len(drive.sequence.gradients) - before <= 2 * before
    assert len(np.unique(drive.sequence.blocks[:, 1:4], axis=0)) <= 5


def test_rotation_vectors_and_matrices_are_inverse() -> None:
    v = stream(8, "turns").standard_normal((50, 3))
    R = rotation_matrices(v)
    np.testing.assert_allclose(R @ np.swapaxes(R, -1, -2), np.broadcast_to(np.eye(3), R.shape), atol=1e-14)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", R, v), v, atol=1e-14)
    angle = np.linalg.norm(v, axis=1)
    np.testing.assert_allclose(np.trace(R, axis1=1, axis2=2), 1 + 2 * np.cos(angle), atol=1e-13)
    np.testing.assert_allclose(
        rotation_vectors(R), np.where(angle[:, None] > np.pi, v * (1 - 2 * np.pi / angle[:, None]), v), atol=1e-7
    )
    np.testing.assert_allclose(rotation_matrices([0.0, 0.0, np.pi / 2]) @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_a_sway_is_a_sine_and_a_walk_has_its_deviation() -> None:
    t = np.linspace(0, 3, 400)
    motion = sway(3.0, period=1.2, translation=(0, 0, 4e-3), start=0.25)
    np.testing.assert_allclose(motion.at(t)[0][:, 2], 4e-3 * np.cos(2 * np.pi * t / 1.2), atol=4e-3 * 0.005)
    times = np.linspace(0, 10, 11)
    ends = np.array([random_walk(times, translation=2e-3, rotation=0.0, seed=s).translation[-1] for s in range(400)])
    assert ends.std() == pytest.approx(2e-3, rel=0.1)


@pytest.mark.parametrize(
    ("t", "translation"),
    [([0.0, 0.0], np.zeros((2, 3))), ([1.0, 0.0], np.zeros((2, 3))), ([0.0], [[np.nan, 0, 0]]), ([0.0], np.zeros(3))],
)
def test_an_impossible_motion_is_refused(t: list[float], translation: np.ndarray) -> None:
    with pytest.raises(InputError):
        RigidMotion(t, translation, np.zeros((len(t), 3)))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [SignalEquation(), PhaseGraph(), reference.BlochReference()])
@pytest.mark.parametrize("what", ["motion", "concomitant"])
def test_a_method_without_motion_refuses_it(method: object, what: str) -> None:
    gre = protocols.spoiled_gre(matrix=8, slices=1)
    phantom, scanner = points(np.zeros((1, 3)), np.ones(1)), Scanner(concomitant=what == "concomitant")
    if what == "motion":
        phantom = replace(phantom, motion=RigidMotion([0.0], [[0.01, 0, 0]], [[0, 0, 0]]))
    with pytest.raises(UsageError, match="--method bloch"):
        method.signal(phantom, gre, scanner, 0)  # type: ignore[attr-defined]


def test_leaving_the_field_of_view_is_said() -> None:
    gre = protocols.spoiled_gre(FOV=0.05, matrix=8, slices=1)
    phantom = points(np.array([[0.0, 0, 0], [20.0, 0, 0]]), np.ones(2))
    moving = replace(phantom, motion=RigidMotion([0.0], [[0.02, 0, 0]], [[0, 0, 0]]))
    with pytest.warns(UserWarning, match="out of the field of view"):
        BLOCH.signal(moving, gre, Scanner())
    gone = replace(phantom, motion=RigidMotion([0.0, 1.0], [[0, 0, 0], [5.0, 0, 0]], [[0, 0, 0]] * 2))
    with pytest.raises(InputError, match="altogether in 1 of 2 poses"):
        BLOCH.signal(gone, gre, Scanner())
    inside = replace(phantom, motion=RigidMotion([0.0], [[0.001, 0, 0.1]], [[0, 0, 0]]))
    BLOCH.signal(inside, gre, Scanner())


def test_a_field_of_the_magnet_that_goes_along_is_said() -> None:
    moving = replace(points(np.zeros((1, 3)), np.ones(1)), motion=RigidMotion([0.0], [[0.01, 0, 0]], [[0, 0, 0]]))
    with pytest.warns(UserWarning, match="taken to move with the body"):
        signal(moving, [excite(1.0), sample()], scanner=Scanner(dB0=lambda r: r[..., 0]))


def test_lying_still_changes_no_bit() -> None:
    rng = stream(9, "still")
    phantom, sequence = scatter(rng), lines(2, rng)
    resting = replace(phantom, motion=RigidMotion([0.0], [[0, 0, 0]], [[0, 0, 0]]))
    still = BLOCH.signal(phantom, sequence, Scanner()).samples
    assert BLOCH.signal(resting, sequence, Scanner()).samples.tobytes() == still.tobytes()
