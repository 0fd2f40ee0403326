"""The tables that kernels walk through: further terms beside the gradients, and diffusion weighting."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spinloom.core.rng import stream
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation import kernels
from spinloom.simulation.diffusion import b_values
from spinloom.simulation.drive import Drive
from spinloom.simulation.moments import moments
from spinloom.simulation.plan import Plan, plan
from spinloom.simulation.timeline import pulses, readouts, turns

USES = (RFUse.EXCITATION, RFUse.REFOCUSING, RFUse.REFOCUSING, RFUse.INVERSION, RFUse.UNDEFINED)


def waveform(rng: np.random.Generator, length: float) -> Gradient | None:
    if rng.random() < 0.3:
        return None
    knots = np.sort(rng.choice(np.arange(1, 40), 5, replace=False)) * length / 40
    return Gradient(knots, rng.uniform(-3e5, 3e5, 5))


def random_sequence(rng: np.random.Generator) -> Sequence:
    """Pulses of every use with gradients before, during and after them, and readouts."""
    blocks = []
    for i in range(9):
        use = RFUse.EXCITATION if i == 0 else USES[int(rng.integers(len(USES)))]
        rf = RF(
            np.array([1e-5, 1.1e-4, 2.1e-4]),
            rng.uniform(500, 2000, 2) * np.exp(1j * rng.random(2)),
            use=use,
            centre=1.2e-4,
        )
        blocks.append(Block(3e-4, rf, *(waveform(rng, 3e-4) for _ in range(3))))
        length = float(rng.uniform(1e-3, 4e-3))
        blocks.append(Block(length, None, *(waveform(rng, length) for _ in range(3))))
        blocks.append(Block(3e-3, None, *(waveform(rng, 3e-3) for _ in range(3)), adc=ADC(20, 1e-4, 3e-4)))
    return assemble(blocks)


def run(todo: Plan, spin: np.ndarray) -> np.ndarray:
    """(n_outputs,) signal of one spin, rows as kernels.free says."""
    tile = np.zeros((len(spin), kernels.TILE))
    tile[:, 0] = spin
    weight = np.zeros((1, 2 * kernels.TILE))
    weight[0, 0] = 1.0
    out, maps = np.zeros((2, 1, len(todo.demod))), np.empty((todo.n_maps, 12 * kernels.TILE))
    kernels.run_tile(
        tile.ravel(),
        np.zeros(kernels.TILE),
        weight,
        todo.ops,
        todo.par,
        todo.moment,
        todo.steps,
        todo.pulses,
        todo.pulse_f0,
        todo.samples,
        maps,
        out,
    )
    return np.asarray(out[0, 0] + 1j * out[1, 0])


@pytest.mark.parametrize("seed", range(3))
def test_a_constant_term_is_a_frequency_offset(seed: int) -> None:
    """e(t) = f for the whole scan with b(r) = 1 is dB0 = f, through pulses, between them and in readouts."""
    f, sequence = 83.0, random_sequence(stream(seed, "constant term"))
    lengths, which = np.unique(sequence.durations, return_inverse=True)
    constant = tuple(Gradient(np.array([0.0, length]), np.array([f, f])) for length in lengths)
    driven = Drive(sequence, constant, which.astype(np.int32)[:, None], (lambda r: np.ones(r.shape[:-1]),))
    spin = np.array([0.003, -0.002, 0.004, 1 / 0.8, 1 / 0.05, 0.0, 1.0, 0.0])
    offset = spin.copy()
    offset[5] = f
    ours, plain = run(plan(driven, 5e-6), np.append(spin, 1.0)), run(plan(sequence, 5e-6), offset)
    assert np.abs(plain).max() > 0.01
    np.testing.assert_allclose(ours, plain, atol=1e-9)


def fine(sequence: Sequence, step: float = 2e-7) -> tuple[np.ndarray, np.ndarray]:
    """Times and area of the gradients since the start of the scan, (n,), (n, 3), at the middle of short steps."""
    drive, t, A = Drive(sequence), [], []
    for i, (start, length) in enumerate(zip(sequence.block_starts, sequence.durations, strict=True)):
        n = round(length / step)
        middle = (np.arange(n) + 0.5) * length / n
        t.append(start + middle)
        A.append(drive.before[i] + moments(drive.playing(drive.table[i]), middle))
    return np.concatenate(t), np.concatenate(A)


@pytest.mark.parametrize("seed", range(4))
def test_b_is_the_integral_of_k_squared_along_the_encoded_echo(seed: int) -> None:
    """b = (2 pi)^2 int |k|^2 dt; excitations put k to 0, refocusing pulses turn its sign, others leave it.

    Karlicek & Lowe, J. Magn. Reson. 37, 75 (1980).
    """
    sequence = random_sequence(stream(seed, "b values"))
    drive = Drive(sequence)
    played = pulses(drive, [turns(rf) for rf in sequence.rf])
    read = readouts(drive, played)
    t, A = fine(sequence)
    k2, offset, excited = np.empty(len(t)), np.zeros(3), np.zeros(len(played.rf))
    cuts = [*np.searchsorted(t, played.centre).tolist(), len(t)]
    k2[: cuts[0]] = 0.0
    for j, (i, until) in enumerate(pairwise(cuts)):
        use = sequence.rf[played.rf[j]].use
        excited[j] = excited[j - 1]
        if use is RFUse.REFOCUSING:
            offset = -2 * A[i] - offset
        elif use is not RFUse.INVERSION:
            offset, excited[j] = -A[i], played.centre[j]
        k2[i:until] = np.sum((A[i:until] + offset) ** 2, axis=1)
    edges = np.concatenate([[0.0], (t[1:] + t[:-1]) / 2, [sequence.duration]])
    passed = np.concatenate([[0.0], np.cumsum(k2 * np.diff(edges))])
    middle = sequence.block_starts[read.block] + np.array([w[:, 0].mean() for w in read.windows])[read.window]
    since = excited[read.last]
    expected = (2 * np.pi) ** 2 * (np.interp(middle, edges, passed) - np.interp(since, edges, passed))
    np.testing.assert_allclose(b_values(drive, played, read), expected, rtol=2e-3)
