"""PhaseGraph() against Bloch(), against itself with work cut otherwise, and its own error reports against the truth."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from spinloom.core.coils import LoopArray
from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.protocols.epi import epi as echo_planar
from spinloom.sequence.protocols.mprage import mprage
from spinloom.sequence.protocols.spin_echo import spin_echo
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation import graph_period
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.graph_period import period
from spinloom.simulation.graph_signal import Encoder
from spinloom.simulation.graph_table import tabulate
from spinloom.simulation.graph_through import filon
from spinloom.simulation.graph_walk import EXCITES, OTHER, REFOCUSES, Steps

POOL = ThreadPoolExecutor(2)
USES = (RFUse.EXCITATION, RFUse.REFOCUSING, RFUse.INVERSION)


@dataclass(frozen=True)
class Coils:
    """Waves of a few lengths, `chosen` of them."""

    chosen: tuple[int, ...] = (0, 1, 2)

    @property
    def n_coils(self) -> int:
        return len(self.chosen)

    def __call__(self, r: np.ndarray) -> np.ndarray:
        all_of_them = (np.exp(30j * r[..., 0]), 0.5 + 10 * r[..., 1] + 0.2j, np.exp(-20j * r[..., 2]) + r[..., 0])
        return np.stack([all_of_them[i] + 0 * r[..., 0] for i in self.chosen])


def speckled(rng: np.random.Generator, voxel: Voxel, shape: tuple[int, int, int] = (5, 4, 3)) -> Phantom:
    """Every voxel of a kind of its own."""

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, shape).astype(np.float32)

    return Phantom(
        grid=Grid.centred(shape, (2.0, 3.0, 4.0)),
        PD=draw(0.1, 1.0) * (rng.random(shape) < 0.8),
        T1=draw(0.3, 2.0),
        T2=draw(0.01, 0.1),
        dB0=draw(-200, 200),
        B1=draw(0.7, 1.3),
        voxel=voxel,
    )


def waveform(rng: np.random.Generator, length: float) -> Gradient | None:
    """A few turns over a centimetre."""
    if rng.random() < 0.3:
        return None
    knots = np.sort(rng.choice(np.arange(1, 40), 5, replace=False)) * length / 40
    return Gradient(knots, rng.uniform(-200, 200, 5) / length)


def pulse(angle: float, phase: float = 0.0, use: RFUse = RFUse.EXCITATION, length: float = 1e-6) -> Block:
    signal = np.array([angle / (2 * np.pi * length)], complex)
    return Block(length, RF(np.array([0.0, length]), signal, phase=phase, use=use, centre=length / 2))


def random_scan(rng: np.random.Generator, straight: bool, n: int = 6, length_of_pulse: float = 1e-6) -> Sequence:
    """Hard pulses of any angle, phase and use, gradients along all axes, readouts along lines or anywhere."""
    blocks = []
    for i in range(n):
        use = USES[int(rng.integers(3))] if i else RFUse.EXCITATION
        blocks.append(pulse(rng.uniform(0.2, 2.5), rng.uniform(0, 6), use, length_of_pulse))
        length = float(rng.uniform(2e-3, 6e-3))
        blocks.append(Block(length, None, *(waveform(rng, length) for _ in range(3))))
        line = Gradient(np.array([0, 1e-5, 3e-3, 3.01e-3]), np.array([0, 1.0, 1.0, 0]) * rng.uniform(-1, 1) * 5e4)
        along = (line, None, None) if straight else tuple(waveform(rng, 3e-3) for _ in range(3))
        adc = ADC(24, 1e-4, 2e-4, freq=float(rng.uniform(-500, 500)), phase=float(rng.uniform(0, 6)))
        blocks.append(Block(3.1e-3, None, *along, adc=adc))
    return assemble(blocks)


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("straight", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_points_agree_with_the_Bloch_equations(seed: int, straight: bool) -> None:
    """A point has one spin, so Bloch(spins=1) has no error of its own; all configurations count, crushed or not."""
    rng = stream(seed, "graph against bloch")
    phantom, sequence, scanner = speckled(rng, Voxel.POINT), random_scan(rng, straight), Scanner(coils=Coils())
    graph = PhaseGraph().signal(phantom, sequence, scanner).samples
    assert relative(graph, Bloch().signal(phantom, sequence, scanner).samples) < 1e-3


def test_off_resonance_turns_spins_during_pulses_as_in_the_Bloch_equations() -> None:
    """2 ms at up to 200 Hz, 0.4 turns: on resonance the signal would be another."""
    rng = stream(7, "graph against bloch")
    phantom, sequence = speckled(rng, Voxel.POINT), random_scan(rng, True, length_of_pulse=2e-3)
    graph = PhaseGraph().signal(phantom, sequence, Scanner()).samples
    assert relative(graph, Bloch().signal(phantom, sequence, Scanner()).samples) < 1e-3


def test_slices_of_different_gradients_are_displaced_each_by_its_own() -> None:
    """Excited under G, refocused under -G/2: off-resonance f moves one slice by -f/G and the other by 2f/G."""
    rng = stream(8, "slices")
    phantom = replace(speckled(rng, Voxel.POINT, (3, 2, 40)), grid=Grid.centred((3, 2, 40), (2.0, 3.0, 0.5)))
    t, edges = np.linspace(-1, 1, 256), np.linspace(0.0, 2e-3, 257)

    def block(angle: float, use: RFUse, G: float) -> Block:
        shape = np.sinc(2 * t) * np.hanning(256) + 0j
        signal = shape * angle / (2 * np.pi * 2e-3 * shape.real.mean())
        level = Gradient(np.array([0.0, 1e-5, 2.03e-3, 2.04e-3]), np.array([0.0, G, G, 0.0]))
        return Block(2.04e-3, RF(edges + 2e-5, signal, use=use, centre=1.02e-3), gz=level)

    G = 3e5
    back = Gradient(np.array([0.0, 1e-5, 1e-3, 1.01e-3]), np.array([0.0, 1, 1, 0]) * -G * 1.02e-3 / 1e-3)
    crusher = Gradient(np.array([0.0, 1e-5, 1e-3, 1.01e-3]), np.array([0.0, 1, 1, 0]) * 4e5)
    read = Gradient(np.array([0.0, 1e-5, 3.1e-3, 3.11e-3]), np.array([0.0, 1, 1, 0]) * 5e4)
    sequence = assemble(
        [
            block(np.pi / 2, RFUse.EXCITATION, G),
            Block(1.01e-3, gz=back),
            Block(1.01e-3, gz=crusher),
            block(2.6, RFUse.REFOCUSING, -G / 2),
            Block(1.01e-3, gz=crusher),
            Block(3.2e-3, gx=read, adc=ADC(24, 1e-4, 2e-4)),
        ]
    )
    graph = PhaseGraph().signal(phantom, sequence, Scanner()).samples
    assert relative(graph, Bloch().signal(phantom, sequence, Scanner()).samples) < 2e-3


@pytest.mark.filterwarnings("ignore:gradients between two pulses")
def test_boxes_agree_with_many_spins() -> None:
    rng = stream(1, "graph against bloch")
    phantom, sequence = speckled(rng, Voxel.BOX, (3, 2, 2)), random_scan(rng, True, 4)
    graph = PhaseGraph().signal(phantom, sequence, Scanner()).samples
    assert relative(graph, Bloch(spins=(24, 24, 24)).signal(phantom, sequence, Scanner()).samples) < 1e-3


def test_result_does_not_depend_on_threads() -> None:
    rng = stream(2, "threads")
    phantom, sequence = speckled(rng, Voxel.BOX), random_scan(rng, True, 4)
    one, three = (PhaseGraph(threads=n).signal(phantom, sequence, Scanner(coils=Coils())).samples for n in (1, 3))
    assert one.tobytes() == three.tobytes()


def test_many_coils_are_each_coil_by_itself() -> None:
    rng = stream(3, "coils")
    phantom, sequence = speckled(rng, Voxel.BOX), random_scan(rng, True, 4)
    together = PhaseGraph().signal(phantom, sequence, Scanner(coils=Coils())).samples
    for c in range(3):
        alone = PhaseGraph().signal(phantom, sequence, Scanner(coils=Coils((c,)))).samples
        assert relative(alone[0], together[c]) < 3e-6


def head(n: int = 8, T2: float = 0.1) -> Phantom:
    """A round thing of continuous T1, T2, B1 and dB0."""
    x = (np.stack(np.meshgrid(*3 * [np.arange(n)], indexing="ij")) - (n - 1) / 2) / n
    inside = (x**2).sum(axis=0) < 0.25
    ramps = [(1 + 0.3 * x[i]).astype(np.float32) for i in range(3)]
    f = (40 * x[0] + 25 * x[1]).astype(np.float32)
    return Phantom(Grid.centred((n, n, n), 30 / n), inside * ramps[0], ramps[1], T2 * ramps[2], dB0=f, B1=ramps[0])


def gradient_echoes(n: int) -> Sequence:
    """RF-spoiled, 8 lines in turn."""
    lobe = Gradient(np.array([0, 1e-4, 2.9e-3, 3e-3]), np.array([0, 2e5, 2e5, 0.0]))
    blocks = []
    for i in range(n):
        phase = np.deg2rad(117) * i * (i + 1) / 2
        k = (i % 8 - 4) / 0.03
        out, back = (Gradient(np.array([0, 5e-4, 1e-3]), np.array([0, s * k * 2e3, 0])) for s in (1, -1))
        read = Gradient(np.array([0, 1e-5, 1.6e-3, 1.61e-3]), np.array([0, 1.0, 1.0, 0]) * 5e4)
        blocks += [
            pulse(0.4, phase),
            Block(1e-3, gy=out),
            Block(1.61e-3, gx=read, adc=ADC(16, 1e-4, 1e-5, phase=phase)),
        ]
        blocks += [Block(1e-3, gy=back), Block(5e-3, gx=lobe)]
    return assemble(blocks)


@pytest.mark.parametrize("scan", ["gradient echoes", "MPRAGE"])
def test_a_scan_that_repeats_itself_is_as_if_every_pulse_were_followed(
    scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer pulses followed, and no more error than is reported as that of the steady state.

    Crushed configurations are heard too, and their phases run on with the quadratic phases of the pulses.
    """
    phantom = head(5, T2=0.05)
    if scan == "MPRAGE":
        sequence = mprage(FOV=0.05, matrix=(8, 64, 8), TR=0.8, TI=0.12, n_dummies=0)
    else:
        sequence = gradient_echoes(320)
    monkeypatch.setattr(graph_period, "SHORT", 0)  # also short scans are left as soon as they count as steady
    short = PhaseGraph().signal(phantom, sequence, Scanner())
    monkeypatch.setattr(graph_period, "period", lambda steps: None)
    long = PhaseGraph().signal(phantom, sequence, Scanner())
    facts, all_of_it = short.info["engine"], long.info["engine"]
    assert facts["pulses followed"] < all_of_it["pulses followed"]  # type: ignore[index]
    assert relative(short.samples, long.samples) < facts["error of the steady state"] + 1e-4  # type: ignore[index]


def steps(kinds: list[int], uses: list[int], phase: np.ndarray, shift: float = 100.0) -> Steps:
    n = len(kinds)
    return Steps(
        kind=np.array(kinds), dt=np.full(n, 1e-2), shift=np.full((n, 4), shift), phase=phase, use=np.array(uses)
    )


def test_period_of_quadratic_phases_is_one_pulse() -> None:
    """phi_n = increment n (n + 1) / 2: a constant second difference."""
    n = np.arange(60)
    found = period(steps([0] * 60, [EXCITES] * 60, 2.04 * n * (n + 1) / 2))
    assert found is not None
    assert found[1] == 1


def test_period_of_inverted_trains_is_a_train() -> None:
    """One inversion and 9 excitations, 8 times; the RF spoiling counts excitations only."""
    kinds, uses = [1, *[0] * 9] * 8, [OTHER, *[EXCITES] * 9] * 8
    phase, excites = np.zeros(80), np.array(uses) == EXCITES
    n = np.arange(excites.sum())
    phase[excites] = 2.04 * n * (n + 1) / 2
    found = period(steps(kinds, uses, phase))
    assert found is not None
    assert found[1] == 10


def test_a_single_train_of_echoes_has_no_period() -> None:
    """Nothing excites again, so it decays: there is no steady state to find."""
    assert period(steps([0, *[1] * 80], [EXCITES, *[REFOCUSES] * 80], np.zeros(81))) is None


def test_no_period_without_repetition() -> None:
    rng = stream(0, "period")
    assert period(steps([0] * 60, [EXCITES] * 60, rng.uniform(0, 6, 60))) is None


def spoiled(nodes: np.ndarray) -> np.ndarray:
    """40 gradient echoes of many flip angles in a Gaussian slab: (1 - E1) sin a / (1 - E1 cos a) exp(-TE / T2)."""
    T1, T2, B1, f, z = nodes
    n = np.arange(1, 41)[:, None]
    a, E1 = B1 * n * np.exp(-((z / 0.01) ** 2)) / 30, np.exp(-0.02 / T1)
    return np.asarray(
        (1 - E1) * np.sin(a) / (1 - E1 * np.cos(a)) * np.exp(-(4e-3 + 5e-4j) * n / T2 + 4e-3j * f), np.complex64
    )


@pytest.mark.parametrize("layout", ["continuous", "tissues", "layers", "off-resonance"])
def test_error_of_a_table_is_that_of_entries_it_has_not_seen(layout: str) -> None:
    rng = stream(0, "table")
    n = 20_000
    T1, B1 = rng.uniform(0.4, 3.0, n), rng.uniform(0.7, 1.3, n)
    T2 = T1 * (rng.choice([0.05, 0.1, 0.4], n) if layout == "tissues" else rng.uniform(0.04, 0.5, n))
    z = rng.uniform(-0.01, 0.01, n) if layout == "layers" else np.zeros(n)
    f = rng.uniform(-400, 100, n) if layout == "off-resonance" else np.zeros(n)
    matter = np.stack([T1, T2, B1, f, z]).astype(np.float32)
    table = tabulate(matter, spoiled, 3e-4, 1e-3, POOL)
    truth = spoiled(matter.astype(float))
    error = relative(table.mixture @ table.terms, truth)
    assert table.n_nodes < n
    assert error < 1e-3
    assert 0.2 * table.error < error < 5 * table.error


def test_few_kinds_of_matter_are_their_own_table() -> None:
    rng = stream(0, "kinds")
    kinds = np.array([[0.8, 0.08, 1, 0, 0], [4, 2, 0.9, -99, 0], [0.3, 0.06, 1.1, 0, 0.002]], np.float32).T
    matter = kinds[:, rng.integers(0, 3, 5000)]
    table = tabulate(matter, spoiled, 1e-4, 1e-3, POOL)
    assert table.n_nodes == 3
    assert relative(table.mixture @ table.terms, spoiled(matter.astype(float))) < 1e-4
    assert table.error < 1e-4


def test_one_kind_of_matter_is_one_term() -> None:
    table = tabulate(np.full((5, 100), 0.5, np.float32), spoiled, 1e-4, 1e-3, POOL)
    assert table.terms.shape == (1, 100)
    assert table.n_nodes == 1


def test_a_tighter_tolerance_converges_and_what_is_left_out_is_of_the_reported_size() -> None:
    rng = stream(5, "tolerance")
    phantom, sequence = speckled(rng, Voxel.POINT), random_scan(rng, True)
    exact = Bloch().signal(phantom, sequence, Scanner()).samples
    error, counts = [], []
    for tolerance in (1e-1, 1e-2, 1e-3, 1e-4):
        kspace = PhaseGraph(tolerance=tolerance).signal(phantom, sequence, Scanner())
        facts = kspace.info["engine"]
        counts.append(facts["echoes"])  # type: ignore[index]
        error.append(relative(kspace.samples, exact))
        assert facts["error of the echoes left out"] <= tolerance  # type: ignore[index]
    assert counts == sorted(counts)
    assert error == sorted(error, reverse=True)
    assert error[-1] < 5e-4


@pytest.mark.parametrize("omega", [-40.0, -1.0, 0.0, 1e-9, 3.0, 200.0])
def test_mean_of_a_dephased_profile(omega: float) -> None:
    """1/2 int x^m exp(-i omega x) dx over [-1, 1] by nodes that are far fewer than the turns of the wave."""
    x, w = filon(np.array([omega]), 6)
    fine = (np.arange(200_000) + 0.5) / 100_000 - 1
    for m in range(6):
        assert (w @ x**m)[0] == pytest.approx(np.mean(fine**m * np.exp(-1j * omega * fine)), abs=1e-6)


def one_voxel(voxel_mm: float = 5.0) -> Phantom:
    one = np.ones((1, 1, 1), np.float32)
    return Phantom(Grid.centred((1, 1, 1), voxel_mm), one, one, 0.1 * one)


def test_a_slice_outside_the_object_is_silent() -> None:
    sequence = spoiled_gre(FOV=0.1, matrix=4, slice_thickness=5e-3, n_dummies=0, TR=0.02, TE=0.005)
    far = Scanner(isocentre_mm=(0.0, 0.0, 100.0))
    assert not PhaseGraph().signal(one_voxel(), sequence, far).samples.any()
    assert PhaseGraph().signal(one_voxel(), sequence, Scanner()).samples.any()


@pytest.mark.parametrize("angle", [None, 0.0])
def test_without_excitation_there_is_no_signal(angle: float | None) -> None:
    blocks = [] if angle is None else [pulse(angle)]
    sequence = assemble([*blocks, Block(1e-3, adc=ADC(8, 1e-4))])
    samples = PhaseGraph().signal(one_voxel(), sequence, Scanner()).samples
    assert samples.shape == (1, 1, 8)
    assert not samples.any()


def test_samples_before_the_first_pulse_are_silent() -> None:
    sequence = assemble([Block(1e-3, adc=ADC(4, 1e-4)), pulse(1.0), Block(1e-3, adc=ADC(4, 1e-4))])
    samples = PhaseGraph().signal(one_voxel(), sequence, Scanner()).samples[0]
    assert not samples[0].any()
    assert abs(samples[1, 0]) == pytest.approx(125 * np.sin(1.0) * np.exp(-5e-5 / 0.1), rel=1e-4)


def test_slices_along_two_axes_are_refused() -> None:
    slope = Gradient(np.array([0, 1e-4, 9e-4, 1e-3]), np.array([0, 1e5, 1e5, 0.0]))
    rf = RF(np.array([0.0, 1e-3]), np.array([100.0 + 0j]), use=RFUse.EXCITATION, centre=5e-4)
    sequence = assemble([Block(1e-3, rf, gx=slope), Block(1e-3, rf, gy=slope), Block(1e-3, adc=ADC(4, 1e-4))])
    with pytest.raises(UsageError, match="more than one axis"):
        PhaseGraph().signal(one_voxel(), sequence, Scanner())


def test_oblique_grids_are_refused() -> None:
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    tilted = replace(one_voxel(), grid=Grid((1, 1, 1), affine))
    with pytest.raises(UsageError, match="oblique"):
        PhaseGraph().signal(tilted, assemble([pulse(1.0), Block(1e-3, adc=ADC(4, 1e-4))]), Scanner())


def test_an_empty_phantom_is_refused() -> None:
    nothing = replace(one_voxel(), PD=np.zeros((1, 1, 1), np.float32))
    with pytest.raises(InputError, match="empty"):
        PhaseGraph().signal(nothing, assemble([pulse(1.0), Block(1e-3, adc=ADC(4, 1e-4))]), Scanner())


def symmetric_disc(voxel: Voxel, Hz: float) -> Phantom:
    """Pixels of the image, symmetric: the spectrum of the bare object vanishes on the first line of k-space."""
    n = 16
    x, y = np.meshgrid(np.arange(n) - (n - 1) / 2, np.arange(n) - (n - 1) / 2, indexing="ij")
    one = np.ones((n, n, 1), np.float32)
    PD = ((x / 7.2) ** 2 + (y / 5.6) ** 2 < 1).astype(np.float32)[:, :, None]
    ramp = (Hz * y / n).astype(np.float32)[:, :, None]
    return Phantom(Grid.centred((n, n, 1), (8.0, 8.0, 5.0)), PD, one, 0.08 * one, dB0=ramp, voxel=voxel)


@pytest.mark.parametrize("scanner", [Scanner(), Scanner(coils=LoopArray(4))], ids=["field", "field and coils"])
@pytest.mark.parametrize("make", [echo_planar, spoiled_gre], ids=["EPI", "GRE"])
def test_fields_and_coils_sound_on_lines_where_a_symmetric_object_is_silent(
    make: Callable[..., Sequence], scanner: Scanner
) -> None:
    sequence = make(matrix=16, FOV=0.128)
    phantom = symmetric_disc(Voxel.POINT, 200.0)
    graph = PhaseGraph().signal(phantom, sequence, scanner).samples
    bloch = Bloch().signal(phantom, sequence, scanner).samples
    assert relative(graph, bloch) < 1e-3
    off = np.linalg.norm(graph - bloch, axis=(0, 2)) / np.linalg.norm(bloch, axis=(0, 2))
    assert off.max() < 0.02, "a line is missing"


def test_all_voxels_below_resonance_are_as_many_kinds_of_matter_as_they_are() -> None:
    """Floats of negative fields are negative integers; kinds that merge would be simulated alike."""
    rng = stream(11, "negative")
    shape, one = (6, 5, 4), np.ones((6, 5, 4), np.float32)
    dB0 = -rng.choice([25.0, 50.0, 75.0, 100.0, 200.0], shape).astype(np.float32)
    B1 = rng.choice([0.5, 0.75, 1.0], shape).astype(np.float32)
    phantom = Phantom(Grid.centred(shape, 2.0), one, one, 0.08 * one, dB0=dB0, B1=B1, voxel=Voxel.POINT)
    sequence = random_scan(rng, True, n=2, length_of_pulse=2e-3)
    graph = PhaseGraph().signal(phantom, sequence, Scanner()).samples
    assert relative(graph, Bloch().signal(phantom, sequence, Scanner()).samples) < 1e-3


@pytest.mark.parametrize("encoder", [Encoder.LINES, Encoder.COLUMNS])
def test_a_moment_left_along_the_slice_turns_layers_against_one_another(encoder: Encoder) -> None:
    """k through the slice is the same for all lines, but not zero: layers may not simply add up."""
    rng = stream(12, "through")
    phantom = speckled(rng, Voxel.POINT, (6, 6, 9))
    line = Gradient(np.array([0, 1e-5, 3e-3, 3.01e-3]), np.array([0, 1.0, 1.0, 0]) * 4e4)
    late = Gradient(np.array([0.0, 1e-3]), np.array([2e4, 2e4]))
    blocks = []
    for ky in np.linspace(-60, 60, 8):
        step = Gradient(np.array([0.0, 1e-3]), np.array([1.0, 1.0]) * ky / 1e-3)
        blocks += [pulse(0.5), Block(1e-3, None, None, step, late), Block(3.1e-3, None, line, adc=ADC(24, 1e-4, 2e-4))]
        blocks += [Block(2.0)]
    sequence = assemble(blocks)
    graph = PhaseGraph(encoder=encoder).signal(phantom, sequence, Scanner())
    assert graph.info["engine"]["lines by columns"] == (8 if encoder is Encoder.COLUMNS else 0)  # type: ignore[index]
    assert relative(graph.samples, Bloch().signal(phantom, sequence, Scanner()).samples) < 1e-3


@pytest.mark.parametrize(("T2", "line"), [(4e-4, 40e-3), (2e-4, 40e-3), (1e-4, 10e-3)])
def test_what_vanishes_within_a_long_readout_does_not_come_back(T2: float, line: float) -> None:
    shape, one = (8, 8, 1), np.ones((8, 8, 1), np.float32)
    short = 0.08 * one
    short[2:4] = T2
    phantom = Phantom(Grid.centred(shape, 1.0), one, one, short, voxel=Voxel.POINT)
    back = Gradient(np.array([0.0, 1e-3]), np.array([-5e5, -5e5]))
    read = Gradient(np.array([0.0, line]), np.array([1.0, 1.0]) * 1000 / line)
    adc = ADC(64, (line - 2e-4) / 64, 1e-4)
    sequence = assemble([pulse(0.5), Block(1e-3, None, back), Block(line, None, read, adc=adc)])
    graph = PhaseGraph(encoder=Encoder.LINES).signal(phantom, sequence, Scanner()).samples
    assert relative(graph, Bloch().signal(phantom, sequence, Scanner()).samples) < 1e-4


def test_matter_that_remembers_many_pulses_is_resolved_through_the_slice() -> None:
    """CSF in a spin echo of 0.6 s: its steady state varies steeply across a slice; box voxels hold the mean of it."""
    one = np.ones((2, 1, 3), np.float32)
    phantom = Phantom(Grid.centred((2, 1, 3), 2.0), one, 4.3 * one, 1.8 * one, voxel=Voxel.BOX)
    sequence = spin_echo(matrix=12, FOV=0.12, slice_thickness=4e-3, TR=0.6)
    graph = PhaseGraph(tolerance=1e-4).signal(phantom, sequence, Scanner()).samples
    assert relative(graph, Bloch(spins=(8, 3, 377)).signal(phantom, sequence, Scanner()).samples) < 2e-3
