"""Single precision against double, and its pieces against the equations they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_bloch_agrees import random_phantom, random_scanner, random_sequence

from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation import increments_single, pulse_single, readout_single
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.kernels import TILE
from spinloom.simulation.precision import Precision

pytestmark = pytest.mark.filterwarnings("ignore:gradients between two pulses")
SINGLE = Precision.SINGLE
LIMIT = 1e-5


def error(of: np.ndarray, right: np.ndarray) -> float:
    """Relative L2."""
    assert np.linalg.norm(right) > 0
    return float(np.linalg.norm(of - right) / np.linalg.norm(right))


def both(phantom: Phantom, sequence: Sequence, scanner: Scanner, **how: object) -> float:
    single, double = (Bloch(precision=p, **how).signal(phantom, sequence, scanner) for p in (SINGLE, Precision.DOUBLE))  # type: ignore[arg-type]
    return error(single.samples, double.samples)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spins", [1, (2, 1, 2)])
def test_single_is_double_to_1e_5(seed: int, spins: int | tuple[int, int, int]) -> None:
    rng = stream(seed, "single against double")
    assert both(random_phantom(rng), random_sequence(rng), random_scanner(rng), spins=spins) < LIMIT


@pytest.mark.parametrize("repeats", [1, 12])
def test_maps_and_steps_are_double_to_1e_5(repeats: int) -> None:
    """Pulses used once are walked, pulses used again are kept as maps."""
    rng = stream(repeats, "single maps")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    sequence = replace(
        sequence, blocks=np.tile(sequence.blocks, (repeats, 1)), durations=np.tile(sequence.durations, repeats)
    )
    assert both(phantom, sequence, scanner) < LIMIT


def line(n: int, dwell: float) -> Sequence:
    """A short pulse and a straight readout of n samples right after it."""
    rf = RF(np.array([0.0, 1e-7]), np.array([0.25 / 1e-7]), use=RFUse.EXCITATION, centre=5e-8)
    T = n * dwell + 2e-6
    x = Gradient(np.array([0.0, T]), np.array([2e4, 2e4]))
    return assemble([Block(1e-7, rf=rf), Block(T, gx=x, adc=ADC(n, dwell, 1e-6))])


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 127, 128, 129, 1000])
@pytest.mark.parametrize("rate", [1.0, 30.0, 1e3], ids=["slow", "chunks are shorter", "no recurrence"])
def test_lines_of_any_length_and_decay_are_double(n: int, rate: float) -> None:
    """rate: how far the decay of half of the voxels goes in 128 samples, as an exponent."""
    rng = stream(n, "single lines")
    phantom = random_phantom(rng)
    T2 = np.where(rng.random(phantom.T1.shape) < 0.5, 128 * 1e-5 / rate, 0.1)
    phantom = replace(phantom, T2=T2.astype(np.float32), T2prime=None)
    assert both(phantom, line(n, 1e-5), random_scanner(rng)) < LIMIT


@pytest.mark.parametrize("T2prime", [1.0, 1e-3, 1e-4])
def test_growth_towards_an_echo_is_double(T2prime: float) -> None:
    """A spin echo inside the readout: before it the reversible decay runs backwards, here by up to e^100."""
    rng = stream(9, "echo")
    hard = [
        RF(np.array([0.0, 1e-4]), np.array([f / 1e-4]), use=u, centre=5e-5)
        for f, u in ((0.25, RFUse.EXCITATION), (0.5, RFUse.REFOCUSING))
    ]
    x = Gradient(np.array([0.0, 2e-2]), np.array([4e3, 4e3]))
    sequence = assemble(
        [Block(1e-4, rf=hard[0]), Block(1e-2), Block(1e-4, rf=hard[1]), Block(2e-2, gx=x, adc=ADC(1000, 2e-5, 0.0))]
    )
    phantom = random_phantom(rng)
    phantom = replace(phantom, T2=np.full_like(phantom.T1, 0.05), T2prime=np.full_like(phantom.T1, T2prime))
    assert both(phantom, sequence, random_scanner(rng)) < LIMIT


def test_steady_state_of_a_thousand_repetitions_is_double() -> None:
    """A repetition takes 1e-3 of the magnetisation: errors of a factor would add up, those of a loss do not."""
    rng = stream(11, "steady")
    rf = RF(np.array([0.0, 2e-4]), np.array([0.05 / 2e-4]), use=RFUse.EXCITATION, centre=1e-4)
    spoil = Gradient(np.array([0.0, 2e-3]), np.array([1e5, 1e5]))
    blocks = [Block(2e-4, rf=rf), Block(4e-4, adc=ADC(8, 2e-5, 1e-4)), Block(2e-3, gx=spoil)]
    assert both(random_phantom(rng), assemble(blocks * 1000), random_scanner(rng), spins=4) < LIMIT


def test_result_does_not_depend_on_threads_or_memory() -> None:
    """The same bytes with 1, 2 and 5 threads, for more spins than a batch holds."""
    rng = stream(3, "single threads")
    small = random_phantom(rng)
    grid = Grid((30, 20, 10), small.grid.affine)
    maps = {n: np.resize(getattr(small, n), grid.shape) for n in ("PD", "T1", "T2", "T2prime", "dB0", "B1")}
    phantom, sequence, scanner = Phantom(grid=grid, **maps), random_sequence(rng), random_scanner(rng)
    one, two, five = (Bloch(spins=3, threads=n, precision=SINGLE).signal(phantom, sequence, scanner) for n in (1, 2, 5))
    assert one.samples.tobytes() == two.samples.tobytes() == five.samples.tobytes()


def test_one_spin_turns_as_often_as_it_should() -> None:
    """A point at f [Hz] after 90 degrees about x: S(t) = i exp(-2 pi i f t - t/T2), a hundred thousand turns later."""
    f, T2, wait, dwell = 12_345.5, 50.0, 8.0, 2e-5
    one = np.ones((1, 1, 1), np.float32)
    phantom = Phantom(
        Grid((1, 1, 1), np.eye(4)), one, 1e6 * one, np.float32(T2) * one, dB0=np.float32(f) * one, voxel=Voxel.POINT
    )
    rf = RF(np.array([0.0, 1e-11]), np.array([0.25 / 1e-11]), use=RFUse.EXCITATION, centre=5e-12)
    sequence = assemble([Block(1e-11, rf=rf), Block(wait), Block(1e-2, adc=ADC(400, dwell, 0.0))])
    S = Bloch(precision=SINGLE).signal(phantom, sequence, Scanner()).samples[0, 0]
    t = wait + dwell * (np.arange(400) + 0.5)
    turns = (f * t) % 1
    np.testing.assert_allclose(S, 1j * np.exp(-2j * np.pi * turns - t / T2), atol=5e-6)


@pytest.mark.parametrize("h", [0.0, 1e-4, 0.01, 0.1, 0.25, 0.4, 0.5])
def test_coefficients_of_a_turn(h: float) -> None:
    s, c = increments_single.root_turn.py_func(np.float32(h * h))
    assert s == pytest.approx(np.sqrt(2) * np.pi * np.sinc(h), abs=6e-7)
    assert c == pytest.approx(np.sqrt(2) * np.cos(np.pi * h), abs=3e-7)


@pytest.mark.parametrize("x", [1e-12, 1e-6, 1e-3, 0.1, 1.0, 5.0, 20.0, 100.0, -1e-6, -0.1, -3.0])
def test_loss_is_what_an_exponential_leaves(x: float) -> None:
    with np.errstate(over="ignore"):
        assert increments_single.loss.py_func(np.float32(x)) == pytest.approx(-np.expm1(-x), rel=1e-6)


def test_a_pulse_of_ten_thousand_steps_conserves_length_and_turns_by_its_area() -> None:
    """Without relaxation |M| = 1; on resonance M ends at (0, sin, cos) of 2 pi B1 t, as often as that goes round."""
    n, dt, B1 = 10_000, 1e-6, 130.0
    spin = np.zeros(8 * TILE)
    spin[6 * TILE : 7 * TILE] = 1.0
    m, D, off = np.zeros(3 * TILE, np.float32), np.zeros(4 * TILE, np.float32), np.empty(TILE, np.float32)
    m[2 * TILE :] = 1.0
    steps = np.tile([dt, B1, 0.0, 0.0, 0.0, 0.0], (n, 1))
    reach = np.array([0, 0, 0, 0, 0, 0, 1.0, 0])
    pulse_single.pulse(m, spin, spin.astype(np.float32), reach, steps, 0.0, D, off, np.empty(4 * TILE, np.float32))
    x, y, z = m[0], m[TILE], m[2 * TILE]
    angle = 2 * np.pi * B1 * n * dt
    assert np.hypot(np.hypot(x, y), z) == pytest.approx(1.0, abs=3e-6)
    assert (x, abs(y), z) == pytest.approx((0.0, abs(np.sin(angle)), np.cos(angle)), abs=1e-5)


def test_nothing_is_left_where_it_would_be_slow() -> None:
    """No number between 0 and 1e-25 is left by listening: the processor is slow below 1e-38."""
    ph, near = np.linspace(-0.5, 0.5, TILE).astype(np.float32), np.zeros(8 * TILE, np.float32)
    m, a = np.full(3 * TILE, 1e-24, np.float32), np.empty(2 * TILE, np.float32)
    readout_single.listen(a, m, near, near[:TILE], ph, 0.0, 0.0, 0.0)
    assert np.all((a == 0) | (np.abs(a) > 1e-25))
    assert (a == 0).any()
    assert (a != 0).any()
