"""The card against the processor: the kernels themselves run in numba's CUDA simulator, in a process of their own.

The simulator takes every thread through the kernel in plain Python, so a handful of spins goes through short scans.
Where there is a card, the last tests run on it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from numba import njit
from test_bloch_agrees import Tilted, TwoCoils, random_phantom, random_scanner, random_sequence

from spinloom.core.errors import MachineError, UsageError
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation import cuda_bloch, cuda_card, device, kernels
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.cuda_plan import split
from spinloom.simulation.cuda_steps import reduced, relaxed, rotated, rotation
from spinloom.simulation.device import CPU, CUDA
from spinloom.simulation.drive import Drive
from spinloom.simulation.plan import Plan, plan
from spinloom.simulation.reference import BlochReference
from spinloom.simulation.spins import Spins, batches, matter

pytestmark = pytest.mark.filterwarnings("ignore:gradients between two pulses")
LIMIT = 1e-5


# ---------------------------------------------------------------------------------------- cases, run in the simulator


def error(of: np.ndarray, right: np.ndarray) -> float:
    """Relative L2."""
    assert np.linalg.norm(right) > 0
    return float(np.linalg.norm(of - right) / np.linalg.norm(right))


def both(phantom: Phantom, sequence: Sequence, scanner: Scanner, **how: object) -> float:
    cpu, card = (Bloch(device=d, threads=1, **how).signal(phantom, sequence, scanner) for d in (CPU(), CUDA()))  # type: ignore[arg-type]
    return error(card.samples, cpu.samples)


def spin_echoes(n_samples: int, *, pulse_steps: int, echoes: int, straight: bool = True) -> Sequence:
    """90, then 180s of one shape, each echo in the middle of a readout under one gradient, straight or not."""
    length, dwell = 1e-3, 2e-3 / n_samples
    raster = length / pulse_steps
    sinc = np.sinc(np.linspace(-1.5, 1.5, pulse_steps)) + 0.1j
    edges = raster * np.arange(pulse_steps + 1)
    ninety = RF(edges, 250 * sinc / sinc.real.mean(), use=RFUse.EXCITATION, centre=length / 2)
    inverting = RF(edges, 480 * sinc / sinc.real.mean(), phase=1.6, freq=150.0, use=RFUse.REFOCUSING, centre=length / 2)
    slice_ = Gradient(np.array([0.0, length]), np.array([4e4, 4e4]))
    x = Gradient(np.array([0.0, 2e-3]), np.array([3e4, 3e4]))
    y = Gradient(np.array([0.0, 1e-3, 2e-3]), np.array([0.0, 0.0 if straight else 6e4, 0.0]))
    adc = ADC(n_samples, dwell, 0.0, freq=100.0, phase=0.3)
    blocks = [
        Block(length, rf=ninety, gz=slice_),
        Block(1e-3, gx=Gradient(np.array([0.0, 1e-3]), np.array([3e4, 3e4]))),
    ]
    for _ in range(echoes):
        blocks += [Block(length, rf=inverting, gz=slice_), Block(2e-3, gx=x, gy=y, adc=adc)]
    return assemble(blocks)


def random_scans() -> float:
    """Four voxels' worth of everything: two coils, scattered samples, T2', pulses walked."""
    worst = 0.0
    for seed in range(2):
        rng = stream(seed, "cuda")
        worst = max(worst, both(random_phantom(rng), random_sequence(rng), random_scanner(rng), spins=(2, 1, 2)))
    return worst


def lines() -> float:
    """A straight line through an echo, 300 samples before it and 300 after: chunks, one coil, a pulse with a map."""
    rng = stream(1, "lines")
    sequence = spin_echoes(600, pulse_steps=40, echoes=4)
    todo = plan(sequence, 2e-5)
    assert todo.ops[todo.ops[:, 0] == kernels.READ, 4].all()
    assert split(todo, np.zeros(len(todo.steps)), 99).n_maps == 1
    return both(random_phantom(rng), sequence, Scanner(dB0=Tilted(20.0, (800.0, 100.0, -500.0))), rf_step=2e-5)


def lines_in_two_coils() -> float:
    rng = stream(2, "lines")
    lengths = (4, 50, 100, 200)  # halves of 2, 25, 50 and 100 samples: one to four per lane
    return max(
        both(random_phantom(rng), spin_echoes(n, pulse_steps=8, echoes=1), Scanner(coils=TwoCoils()), rf_step=2e-4)
        for n in lengths
    )


def curves() -> float:
    """Scattered samples in five coils: more than a pass, less than two."""
    rng = stream(3, "curves")
    scanner = Scanner(coils=FiveCoils())
    return both(random_phantom(rng), spin_echoes(90, pulse_steps=8, echoes=1, straight=False), scanner, rf_step=2e-4)


class FiveCoils:
    n_coils = 5

    def __call__(self, r: np.ndarray) -> np.ndarray:
        return np.stack([np.exp(30j * n * r[..., 0]) + 10 * n * r[..., 1] for n in range(5)])


def diffusion() -> float:
    rng = stream(4, "diffusion")
    phantom = random_phantom(rng)
    phantom = replace(phantom, D=rng.uniform(0, 3e-9, phantom.PD.shape).astype(np.float32))
    sequence = spin_echoes(40, pulse_steps=8, echoes=1)
    strong = tuple(g if g.t[-1] == 1e-3 and g.g[0] == 4e4 else Gradient(g.t, 600 * g.g) for g in sequence.gradients)
    sequence = replace(sequence, gradients=strong)
    with_, without = (Bloch().signal(p, sequence, Scanner()).samples for p in (phantom, replace(phantom, D=None)))
    assert error(without, with_) > 1e-3
    return both(phantom, sequence, Scanner())


def a_fast_decay_towards_an_echo() -> float:
    """R2' tau beyond 44: the recurrence would start from nothing."""
    rng = stream(5, "fast")
    phantom = random_phantom(rng)
    phantom = replace(phantom, T2prime=np.where(rng.random(phantom.PD.shape) < 0.5, 1e-5, 1e-2).astype(np.float32))
    return both(phantom, spin_echoes(80, pulse_steps=8, echoes=1), Scanner(), rf_step=2e-4)


def steps_of_more_than_half_a_turn() -> float:
    """Far from resonance a step is cut, so that its polynomials hold."""
    rng = stream(6, "far")
    phantom = random_phantom(rng)
    dB0 = rng.uniform(-3e4, 3e4, phantom.PD.shape).astype(np.float32)
    slow = np.full(phantom.PD.shape, 1e2, np.float32)  # how turns and relaxation alternate changes with the steps
    phantom = replace(phantom, dB0=dB0, T1=slow, T2=slow)
    return both(phantom, spin_echoes(20, pulse_steps=20, echoes=1), Scanner(), rf_step=5e-5)


def further_terms() -> float:
    """Waveforms beside the gradients, during pulses, between them and in readouts."""
    rng = stream(7, "terms")
    sequence = random_sequence(rng)
    more = tuple(Gradient(np.array([0.0, 1e-4]), rng.uniform(-2e3, 2e3, 2)) for _ in range(3))
    basis = (lambda r: 40 * r[..., 0] * r[..., 1] / 0.02, lambda r: 1 - 30 * r[..., 2])
    columns = rng.integers(-1, 3, (len(sequence.blocks), 2)).astype(np.int32)
    todo = plan(Drive(sequence, more, columns, basis), 5e-6)
    phantom, scanner = random_phantom(rng), Scanner(coils=TwoCoils())
    stuff = matter(phantom, scanner, 2)

    def parts(lo: int, hi: int) -> list[Spins]:
        found = batches(stuff, phantom, scanner, lo, hi, 4096)
        return [replace(s, spin=np.vstack([s.spin, *(b(s.spin[:3].T) for b in basis)])) for s in found]

    plain = [replace(s, spin=s.spin[:8]) for s in parts(0, len(stuff.amount))]
    right = on_cpu(todo, parts(0, len(stuff.amount)), 2)
    unmoved = replace(
        todo, steps=todo.steps[:, :6].copy(), samples=todo.samples[:, :4].copy(), moment=todo.moment[:, :3].copy()
    )
    assert error(on_cpu(unmoved, plain, 2), right) > 1e-2
    return error(cuda_bloch.run(todo, parts, len(stuff.amount), 2, 2), right)


def on_cpu(todo: Plan, parts: list[Spins], n_coils: int) -> np.ndarray:
    out = np.zeros((2, n_coils, len(todo.demod)))
    tables = (todo.ops, todo.par, todo.moment, todo.steps, todo.pulses, todo.pulse_f0, todo.samples)
    for tile in (t for s in parts for t in s.tiles(kernels.TILE)):
        maps = np.empty((todo.n_maps, 12 * kernels.TILE))
        kernels.run_tile(tile.spin.ravel(), tile.R2prime, tile.weight.reshape(n_coils, -1), *tables, maps, out)
    return out[0] + 1j * out[1]


def work_cut_otherwise() -> float:
    """The same bytes twice; the same sum from small portions, few blocks and windows of the outputs."""
    rng = stream(8, "cut")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    stuff, todo = matter(phantom, scanner, 2), plan(sequence, 5e-5)

    def parts(lo: int, hi: int) -> list[Spins]:
        return list(batches(stuff, phantom, scanner, lo, hi, 4096))

    def card() -> np.ndarray:
        return cuda_bloch.run(todo, parts, len(stuff.amount), 2, 2)

    whole = card()
    assert whole.tobytes() == card().tobytes()
    factor = np.exp(1j * np.arange(len(todo.demod)))
    left = cuda_bloch.samples_on_device(todo, parts, len(stuff.amount), 2, 2, factor=factor)
    assert left.shape == whole.shape
    worst = error(np.asarray(left.copy_to_host()), whole * factor)
    with mock.patch.multiple(cuda_bloch, SPINS=16, portions=lambda *_: (1, 20, 0)):
        return max(worst, error(card(), whole))


CASES: dict[str, Callable[[], float]] = {
    f.__name__: f
    for f in (
        *(random_scans, lines, lines_in_two_coils, curves, diffusion, a_fast_decay_towards_an_echo),
        *(steps_of_more_than_half_a_turn, further_terms, work_cut_otherwise),
    )
}


# ------------------------------------------------------------------------------------------------------------- tests


def test_the_card_is_the_processor() -> None:
    """All cases in one process, in which numba's simulator stands for a card."""
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True)
    if done.returncode != 0 and "simulator" in done.stderr and "ModuleNotFoundError" in done.stderr:
        pytest.skip("this numba has no CUDA simulator")
    assert done.returncode == 0, done.stderr[-3000:]
    errors = json.loads(done.stdout.splitlines()[-1])
    assert errors.keys() == CASES.keys()
    assert {case: e for case, e in errors.items() if not e < LIMIT} == {}


@njit
def turned(
    m: np.ndarray, steps: np.ndarray, D1: np.float32, D2: np.float32, recovery: np.float32
) -> tuple[float, float, float]:
    x, y, z = m[0], m[1], m[2]
    for k in range(steps.shape[0]):
        u, v, w = steps[k, 0], steps[k, 1], steps[k, 2]
        A, B = rotation(u, v, w)
        x, y, z = rotated(x, y, z, u, v, w, A, B)
        x, y, z = relaxed(x, y, z, D1, D2, recovery)
    return x, y, z


@pytest.mark.parametrize("largest", [1e-3, 0.05, 0.28])
@pytest.mark.parametrize("constant", [True, False])
def test_ten_thousand_steps_err_by_the_rounding_of_the_angle_turned(largest: float, constant: bool) -> None:
    """|dM| < 1e-5 + 2^-24 sum |2 pi n|, against rotation vectors in double; what is nearly 1 adds nothing."""
    from scipy.spatial.transform import Rotation

    rng = stream(0, "drift")
    n, D1, D2 = 10_000, np.float32(2e-6), np.float32(5e-5)
    axis = rng.uniform(-largest, largest, (1 if constant else n, 3)).astype(np.float32)
    axis = np.ascontiguousarray(np.broadcast_to(axis, (n, 3)))
    right = np.array([0.0, 0.0, 1.0])
    for R in Rotation.from_rotvec(-2 * np.pi * axis.astype(float)).as_matrix():
        right = (R @ right) * (1 - np.array([D2, D2, D1], float)) + [0, 0, float(D1)]
    got = turned(np.array([0, 0, 1], np.float32), axis, D1, D2, np.float32(1))
    angle = 2 * np.pi * np.linalg.norm(axis, axis=1).sum()
    assert np.abs(np.array(got) - right).max() < 1e-5 + 2.0**-24 * angle


@pytest.mark.parametrize("turns", [0.2, -0.3, 127.75, -1e4 + 0.125, 1e6 + 0.4])
def test_a_phase_is_reduced_in_double(turns: float) -> None:
    assert abs(float(reduced(turns)) - (turns - np.round(turns))) < 2e-8 + 2e-16 * abs(turns)


def test_without_a_card_auto_goes_on_with_the_processor_and_says_so() -> None:
    if there_is_a_card():
        pytest.skip("there is a card")
    told: list[str] = []
    assert device.pick("auto", told.append) == CPU()
    assert len(told) == 1
    assert "processor" in told[0]
    with pytest.raises(MachineError, match="--device cpu"):
        device.pick("cuda")


def test_a_card_that_fails_on_the_way_leaves_the_work_to_the_processor() -> None:
    if there_is_a_card():
        pytest.skip("there is a card")
    rng = stream(9, "fails")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    with pytest.warns(UserWarning, match="going on with the processor"):
        found = Bloch(device=CUDA(or_cpu=True)).signal(phantom, sequence, scanner)
    np.testing.assert_array_equal(found.samples, Bloch().signal(phantom, sequence, scanner).samples)
    with pytest.raises(MachineError, match="nvidia-smi"):
        Bloch(device=CUDA()).signal(phantom, sequence, scanner)


@pytest.mark.parametrize("n_outputs", [1, 5000, 10**6, 10**9])
@pytest.mark.parametrize("n_coils", [1, 32])
@pytest.mark.parametrize("free", [1e8, 1e10])
def test_sums_of_blocks_fit_the_card(n_outputs: int, n_coils: int, free: float) -> None:
    """16 bytes x blocks x coils x outputs of a window, or of the longest readout, within their share of the memory."""
    longest = min(n_outputs, 2000)
    blocks, window, maps = cuda_card.portions(free, 132, n_coils, n_outputs, longest, 10**6)
    assert 1 <= blocks <= 2 * 132
    assert window >= longest
    assert 16 * blocks * n_coils * min(window, n_outputs) <= cuda_card.SUMS * free
    assert 48 * maps * blocks * cuda_card.BLOCK <= cuda_card.MAPS * free


def test_a_readout_larger_than_the_card_is_refused_with_its_size() -> None:
    with pytest.raises(MachineError, match=r"takes 1\.3 GB; the CUDA card has 1 GB free"):
        cuda_card.portions(1e9, 132, 32, 10**6, 10**6, 9)


def test_a_device_is_named() -> None:
    assert device.pick("cpu") == CPU()
    with pytest.raises(UsageError, match="'cuda'"):
        device.pick("cudda")
    with pytest.raises(UsageError, match="from 0"):
        CUDA(index=-1)


def there_is_a_card() -> bool:
    from numba import cuda

    return bool(cuda.is_available())


@pytest.mark.parametrize("case", CASES)
def test_a_real_card_is_the_processor(case: str) -> None:
    if not there_is_a_card():
        pytest.skip("no CUDA card here")
    assert CASES[case]() < LIMIT


def test_a_real_card_solves_the_bloch_equations() -> None:
    if not there_is_a_card():
        pytest.skip("no CUDA card here")
    rng = stream(10, "card")
    phantom, sequence, scanner = random_phantom(rng), random_sequence(rng), random_scanner(rng)
    card = Bloch(rf_step=5e-7, device=CUDA()).signal(phantom, sequence, scanner).samples
    assert error(card, BlochReference(step=2e-6).signal(phantom, sequence, scanner).samples) < 3e-5


if __name__ == "__main__":
    import time
    import warnings

    warnings.filterwarnings("ignore", message="gradients between two pulses")
    results = {}
    for name in sys.argv[1:] or CASES:
        start = time.perf_counter()
        results[name] = CASES[name]()
        print(f"{name}: {results[name]:.2e} in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    print(json.dumps(results))
