"""Encoding of straight readouts: fast transforms and the exact sum against the plain Fourier sum of their docstring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.coils import Birdcage, LoopArray
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.simulation.columns import Columns, columns, kept, sensitivities
from spinloom.simulation.encode import Weights, encode
from spinloom.simulation.encode_coils import coil_maps
from spinloom.simulation.encode_exact import encode_exact
from spinloom.simulation.encode_kernel import NARROW, WIDE, kernel
from spinloom.simulation.encode_small import small_product
from spinloom.simulation.readouts import Group


def speckled(T2_from: float = 0.03, seed: int = 0) -> Phantom:
    rng = np.random.default_rng(seed)
    shape, single = (9, 8, 7), np.float32
    return Phantom(
        grid=Grid.centred(shape, (1.0, 1.5, 2.0)),
        PD=(rng.random(shape) < 0.6).astype(single),
        T1=np.ones(shape, single),
        T2=np.exp(rng.uniform(np.log(T2_from), np.log(0.2), shape)).astype(single),
        T2prime=rng.uniform(0.03, 0.2, shape).astype(single),
        dB0=rng.uniform(-200, 200, shape).astype(single),
    )


def plain_sum(m, group: Group, weights: Weights, planar: bool) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The sum of encode's docstring, entry by entry, in double precision."""
    n_a = len(m.x[1])
    column = np.repeat(np.arange(len(m.start) - 1), np.diff(m.start))
    r, a, b = m.x[0][m.ir], m.x[1][column % n_a], m.x[2][column // n_a]
    k = group.k0 + group.dk * np.arange(group.n_samples)
    tau = group.tau0 + group.dtau * np.arange(group.n_samples)
    S = np.zeros((len(group.lines), group.n_samples), complex)
    for j in range(len(group.lines)):
        w = (weights.values * weights.mixture[:, group.state[j], None]).sum(0) * weights.factor
        turns = k[:, None] * r + tau[:, None] * m.dB0 + group.k1[j] * a + (0 if planar else group.k2[j] * b)
        clock = np.abs(tau) if group.side == 0 else group.side * tau
        decay = np.exp(-tau[:, None] / m.T2 - clock[:, None] / m.T2prime)
        box = np.sinc(k * m.size[0]) * np.sinc(group.k1[j] * m.size[1])
        if not planar:
            box = box * np.sinc(group.k2[j] * m.size[2])
        S[j] = (w * np.exp(-2j * np.pi * turns) * decay).sum(1) * box
    return S


def scan(side: int, rng: np.random.Generator, m: Columns, n_samples: int = 50) -> tuple[Group, Weights]:
    """Twenty lines of 5 ms in five states; two terms, one of which alone makes the first state."""
    mixture = rng.standard_normal((2, 5)) + 1j * rng.standard_normal((2, 5))
    mixture[:, 0] = [1, 0]
    values = rng.standard_normal((2, len(m))).astype(np.float32) * m.amount
    factor = np.exp(1j * rng.uniform(0, 6, len(m))).astype(np.complex64)
    k1, k2 = np.repeat(np.arange(-5, 5), 2) * 70.0, np.tile([-90.0, 0.0], 10)
    dwell = 5e-3 / n_samples
    step = 2500.0 / n_samples
    group = Group(np.arange(20), (np.arange(20) // 2) % 5, 0, n_samples, -1250.0, step, -2.5e-3, dwell, side, k1, k2)
    return group, Weights((0, len(m.x[2])), values, mixture, factor)


def miss(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("planar", [True, False])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_both_encodings_are_the_plain_fourier_sum(planar: bool, axes: tuple[int, int, int], side: int) -> None:
    m = columns(speckled(), Scanner(), axes)
    group, weights = scan(side, np.random.default_rng(1), m)
    expected = plain_sum(m, group, weights, planar)
    with ThreadPoolExecutor(2) as pool:
        fast = encode(m, group, weights, planar=planar, pool=pool, tolerance=1e-6)
        exact = encode_exact(m, group, weights, planar=planar, pool=pool)
    assert np.abs(exact - expected).max() < 2e-6 * np.abs(expected).max()
    assert np.abs(fast - expected).max() < 4e-6 * np.abs(expected).max()


def test_one_layer_off_the_isocentre_keeps_its_phase_and_its_edges_through_the_slice() -> None:
    m = columns(speckled(), Scanner(), (0, 1, 2))
    some = slice(int(m.slice_starts[2]), int(m.slice_starts[3]))
    group, weights = scan(0, np.random.default_rng(7), m)
    layer = Weights((2, 3), weights.values[:, some], weights.mixture, weights.factor[some])
    only = np.zeros(len(m), np.float32)
    only[some] = 1
    expected = plain_sum(m, group, replace(weights, values=weights.values * only), False)
    with ThreadPoolExecutor(2) as pool:
        assert miss(encode(m, group, layer, planar=False, pool=pool, tolerance=1e-6), expected) < 4e-6


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("side", [-1, 0, 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_error_stays_below_the_tolerance_for_spins_that_vanish_within_the_readout(
    tolerance: float, side: int, seed: int
) -> None:
    m = columns(speckled(T2_from=2e-4, seed=seed), Scanner(), (0, 1, 2))
    m = replace(m, T2prime=np.full(len(m), np.inf, np.float32)) if seed == 2 else m
    group, weights = scan(side, np.random.default_rng(seed), m)
    with ThreadPoolExecutor(2) as pool:
        fast = encode(m, group, weights, planar=False, pool=pool, tolerance=tolerance)
    assert miss(fast, plain_sum(m, group, weights, False)) < 1.5 * tolerance + 1e-5  # single precision


def test_matter_wider_than_the_field_of_view_folds_over_as_in_the_sum() -> None:
    m = columns(speckled(), Scanner(), (0, 1, 2))
    m = replace(m, x=(m.x[0] * 9, *m.x[1:]))  # 9 mm apart under 1/dk = 20 mm
    group, weights = scan(0, np.random.default_rng(3), m)
    with ThreadPoolExecutor(1) as pool:
        fast = encode(m, group, weights, planar=False, pool=pool)
    assert miss(fast, plain_sum(m, group, weights, False)) < 1e-5


def test_coils_and_threads_change_no_byte_and_pieces_of_the_grid_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    m = columns(speckled(), Scanner(), (0, 1, 2))
    group, weights = scan(1, np.random.default_rng(4), m)
    both = replace(weights, factor=np.stack([weights.factor, weights.factor.conj()]))
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(3) as three:
        single = encode(m, group, weights, planar=False, pool=one)
        together = encode(m, group, both, planar=False, pool=three)
        assert together[0].tobytes() == single.tobytes()
        monkeypatch.setattr("spinloom.simulation.encode.MEMORY", 2**15)  # eight cells at a time
        assert miss(encode(m, group, weights, planar=False, pool=one), single) < 1e-6


def test_keeping_some_entries_is_giving_the_others_no_weight() -> None:
    m = columns(speckled(), Scanner(), (0, 1, 2))
    group, weights = scan(1, np.random.default_rng(5), m)
    mask = np.random.default_rng(6).random(len(m)) < 0.5
    fewer = replace(weights, values=weights.values[:, mask], factor=weights.factor[mask])
    silent = replace(weights, factor=weights.factor * mask.astype(np.complex64))
    with ThreadPoolExecutor(1) as pool:
        a = encode(kept(m, mask), group, fewer, planar=False, pool=pool)
        b = encode(m, group, silent, planar=False, pool=pool)
    assert miss(a, b) < 1e-6


def test_a_wider_kernel_and_a_looser_tolerance_hold_faster_decays() -> None:
    for loose, tight in ((1e-3, 1e-4), (1e-5, 1e-6)):
        a, b = kernel(512, loose), kernel(512, tight)
        assert a.limits[NARROW] > b.limits[NARROW] > 0.3
        assert a.limits[WIDE] >= b.limits[WIDE] > b.limits[NARROW]


def test_a_small_product_is_the_product() -> None:
    rng = np.random.default_rng(0)
    a = (rng.standard_normal((5, 24)) + 1j * rng.standard_normal((5, 24))).astype(np.complex64)
    b = (rng.standard_normal((24, 131)) + 1j * rng.standard_normal((24, 131))).astype(np.complex64)
    out = np.empty((5, 131), np.complex64)
    small_product(a, b, out)
    assert np.abs(out - a.astype(complex) @ b).max() < 1e-5


@pytest.mark.parametrize("coils", [Birdcage(), LoopArray(4)], ids=["birdcage", "loops"])
@pytest.mark.parametrize("tolerance", [1e-4, 1e-12])
def test_interpolated_sensitivities_are_those_of_the_coil(coils: Birdcage | LoopArray, tolerance: float) -> None:
    grid = Grid.centred((60, 64, 62), 3.0)
    voxel = np.flatnonzero(np.linalg.norm(np.indices(grid.shape).T - [30, 32, 31], axis=-1).T.ravel() < 28)
    with ThreadPoolExecutor(1) as pool:
        found = coil_maps(grid, (0.0, 0.0, 0.0), coils, voxel, tolerance=tolerance, pool=pool)
    exact = sensitivities(grid, (0.0, 0.0, 0.0), coils, voxel)
    assert np.abs(found - exact).max() <= 2 * max(tolerance, 1e-7) * np.abs(exact).max()
