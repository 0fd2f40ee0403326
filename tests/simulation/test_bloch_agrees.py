"""The fast simulator against the plain one, on whatever a seed brings, and against itself with work cut otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation import bloch, polynomials
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.reference import BlochReference

pytestmark = pytest.mark.filterwarnings("ignore:gradients between two pulses")  # any gradients go here

USES = (RFUse.EXCITATION, RFUse.REFOCUSING, RFUse.INVERSION, RFUse.UNDEFINED)


@dataclass(frozen=True)
class Tilted:
    """offset + slope . r."""

    offset: float
    slope: tuple[float, float, float]

    def __call__(self, r: np.ndarray) -> np.ndarray:
        return self.offset + r @ np.array(self.slope)


@dataclass(frozen=True)
class TwoCoils:
    n_coils: int = 2

    def __call__(self, r: np.ndarray) -> np.ndarray:
        return np.stack([np.exp(30j * r[..., 0]), 0.5 + 10 * r[..., 1] + 0.2j])


def random_phantom(rng: np.random.Generator) -> Phantom:
    shape = (4, 3, 2)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([2.0, 3.0, 4.0]) @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    affine[:3, 3] = rng.uniform(-20, 20, 3)

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, shape).astype(np.float32)

    return Phantom(
        grid=Grid(shape, affine),
        PD=draw(0.1, 1.0) * (rng.random(shape) < 0.8),
        T1=draw(0.02, 2.0),
        T2=draw(0.002, 0.02),
        T2prime=draw(0.002, 0.05),
        dB0=draw(-200, 200),
        B1=draw(0.7, 1.3),
        voxel=Voxel.BOX if rng.random() < 0.5 else Voxel.POINT,
    )


def random_gradient(rng: np.random.Generator, length: float) -> Gradient | None:
    if rng.random() < 0.3:
        return None
    knots = np.sort(rng.choice(np.arange(1, 40), 5, replace=False)) * length / 40
    return Gradient(knots, rng.uniform(-3e5, 3e5, 5))


def random_pulse(rng: np.random.Generator) -> RF:
    n, delay, raster = int(rng.integers(1, 30)), 2e-5 * rng.random(), 4e-6
    shape = rng.uniform(0, 2000, n) * np.exp(1j * rng.uniform(-0.3, 0.3, n))
    edges = delay + raster * np.arange(n + 1)
    return RF(
        edges,
        shape,
        freq=float(rng.uniform(-1000, 1000)),
        phase=float(rng.uniform(0, 6)),
        use=USES[int(rng.integers(4))],
        centre=float(rng.uniform(edges[0], edges[-1])),
    )


def random_sequence(rng: np.random.Generator) -> Sequence:
    pulses = [random_pulse(rng) for _ in range(3)]
    blocks = []
    for i in range(12):
        rf = pulses[int(rng.integers(3))] if i % 3 == 0 else None
        length = 3e-4 if rf is not None else float(rng.uniform(2e-4, 3e-3))
        gx, gy, gz = (random_gradient(rng, length) for _ in range(3))
        adc = None
        if i % 3 == 2:
            n = int(rng.integers(1, 20))
            adc = ADC(n, length / 40, length / 10, freq=float(rng.uniform(-500, 500)), phase=float(rng.uniform(0, 6)))
            length *= 1.1
        elif rf is not None and i > 0:
            adc = ADC(int(rng.integers(1, 8)), 1e-5, rf.end + 1e-5, phase_shape=None)
        blocks.append(Block(length, rf=rf, gx=gx, gy=gy, gz=gz, adc=adc))
    return assemble(blocks)


def random_scanner(rng: np.random.Generator) -> Scanner:
    return Scanner(B1=Tilted(1.0, (2.0, -3.0, 1.0)), dB0=Tilted(20.0, (800.0, 100.0, -500.0)), coils=TwoCoils())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spins", [1, (2, 1, 2)])
def test_fast_path_is_the_reference(seed: int, spins: int | tuple[int, int, int]) -> None:
    rng = stream(seed, "bloch against reference")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    fast = Bloch(spins=spins, rf_step=5e-7, threads=1).signal(phantom, sequence, scanner)
    slow = BlochReference(spins=spins, step=2e-6).signal(phantom, sequence, scanner)
    assert np.linalg.norm(slow.samples) > 0
    assert np.linalg.norm(fast.samples - slow.samples) < 3e-5 * np.linalg.norm(slow.samples)


def test_result_does_not_depend_on_threads_or_memory() -> None:
    """The same bytes with 1, 2 and 5 threads, for more spins than a batch holds."""
    rng = stream(3, "threads")
    small = random_phantom(rng)
    grid = Grid((30, 20, 10), small.grid.affine)
    maps = {n: np.resize(getattr(small, n), grid.shape) for n in ("PD", "T1", "T2", "T2prime", "dB0", "B1")}
    phantom, sequence, scanner = Phantom(grid=grid, **maps), random_sequence(rng), random_scanner(rng)
    one, two, five = (Bloch(spins=3, threads=n).signal(phantom, sequence, scanner).samples for n in (1, 2, 5))
    assert one.tobytes() == two.tobytes() == five.tobytes()


def test_a_memoised_pulse_is_the_stepped_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = stream(4, "memo")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    sequence = replace(sequence, blocks=np.tile(sequence.blocks, (3, 1)), durations=np.tile(sequence.durations, 3))
    memo = Bloch(threads=1).signal(phantom, sequence, scanner).samples
    monkeypatch.setattr("spinloom.simulation.plan.MEMO", 0)
    np.testing.assert_allclose(Bloch(threads=1).signal(phantom, sequence, scanner).samples, memo, atol=1e-10)


def test_small_batches_give_the_same_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = stream(5, "tiles")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    whole = Bloch(spins=4, threads=1).signal(phantom, sequence, scanner).samples
    monkeypatch.setattr(bloch, "BATCH", 12)
    np.testing.assert_allclose(Bloch(spins=4, threads=1).signal(phantom, sequence, scanner).samples, whole, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_readout_times_and_places_are_the_trajectorys(seed: int) -> None:
    rng = stream(seed, "trajectory")
    sequence = random_sequence(rng)
    kspace = Bloch(threads=1).signal(random_phantom(rng), sequence, random_scanner(rng))
    path = trajectory(sequence)
    np.testing.assert_array_equal(kspace.k, path.k)
    np.testing.assert_array_equal(kspace.t, path.t)
    assert np.all(kspace.samples[:, np.isnan(path.t)] == 0)


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.24, 0.26, 0.5, 0.75, 1.0, 3.3, 1e5 + 0.3, -0.1, -7.6])
def test_polynomial_sine_is_the_sine(x: float) -> None:
    s, c = polynomials.turn.py_func(x)
    exact = 2 * np.pi * (x - np.round(x))
    assert s == pytest.approx(np.sin(exact), abs=1e-15)
    assert c == pytest.approx(np.cos(exact), abs=1e-15)


@pytest.mark.parametrize("x", [0.0, 1e-12, 1e-3, 0.5, 3.0, 20.0, 43.0, 50.0, 1e9])
def test_polynomial_exponential_is_the_exponential(x: float) -> None:
    assert polynomials.decay.py_func(x) == pytest.approx(np.exp(-x), rel=2e-14, abs=1e-19)
