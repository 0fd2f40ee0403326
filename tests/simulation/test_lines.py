"""Line projection against the direct sum, and the time segments that it stands on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spinloom.core.rng import stream
from spinloom.simulation.lines import Entries, Lines, project, segments, spread


def some_entries(rng: np.random.Generator, n_coils: int) -> Entries:
    """Columns of 1 to 700 entries (some longer than a chunk of the kernel), three terms."""
    count = np.array([1, 30, 700, 5, 64])
    n, x = int(count.sum()), np.array([-0.02, -0.01, 0.0, 0.01, 0.03])
    r = rng.uniform(-0.05, 0.05, (3, n))
    r[0] = np.repeat(x, count)

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, n).astype(np.float32)

    return Entries(
        start=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        x=x,
        r=r,
        f=draw(-200, 200),
        R2=draw(5, 100),
        R2prime=draw(0, 60),
        terms=rng.standard_normal((3, n)).astype(np.float32),
        coils=None
        if n_coils == 0
        else (rng.standard_normal((n_coils, n)) + 1j * rng.standard_normal((n_coils, n))).astype(np.complex64),
    )


def some_lines(rng: np.random.Generator, side: float, n: int = 37, n_samples: int = 48) -> Lines:
    dt = np.sort(rng.uniform(-2e-3, 2e-3, n_samples))
    return Lines(
        k=rng.uniform(-300, 300, (n, 3)),
        t=rng.uniform(5e-3, 2e-2, n),
        tau=side * rng.uniform(3e-3, 2e-2, n),
        mixture=(rng.standard_normal((n, 3)) + 1j * rng.standard_normal((n, 3))).astype(np.complex64),
        dk=rng.uniform(-300, 300, n_samples),
        dt=dt,
        side=side,
    )


def direct(e: Entries, lines: Lines) -> np.ndarray:
    """S_c(s) = sum_v c_v A_v exp(-2 pi i ((k + dk_s) . r_v + f_v tau_s) - R2_v t_s - R2'_v |tau_s|)."""
    A = (lines.mixture.astype(complex) @ e.terms)[:, None, :]
    turns = (lines.k @ e.r)[:, None, :] + lines.dk[:, None] * e.r[0]
    tau, t = (x[:, None, None] + lines.dt[:, None] for x in (lines.tau, lines.t))
    M = A * np.exp(-2j * np.pi * (turns + e.f * tau) - e.R2 * t - e.R2prime * np.abs(tau))
    coils = np.ones((1, M.shape[-1])) if e.coils is None else e.coils
    return np.asarray(np.einsum("nsv,cv->cns", M, coils))


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("n_coils", [0, 1, 3])
def test_projected_lines_are_the_direct_sum(side: float, n_coils: int) -> None:
    rng = stream(0, "lines")
    entries, lines = some_entries(rng, n_coils), some_lines(rng, side)
    with ThreadPoolExecutor(2) as pool:
        found, error = project(entries, lines, 1e-4, pool)
    exact = direct(entries, lines)
    assert error <= 1e-4
    assert np.linalg.norm(found - exact) < 1e-4 * np.linalg.norm(exact)


def test_lines_without_time_need_one_segment() -> None:
    """dt = 0: z does not matter."""
    cut = segments(np.array([-300j, -100 + 500j]), np.zeros(5), 1e-3)
    np.testing.assert_array_equal(cut.C, np.ones((1, 5)))
    assert cut.error == 0.0


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize(("f_Hz", "rate"), [(30.0, 200.0), (200.0, 60.0), (400.0, 0.0)])
def test_segments_meet_their_tolerance_between_the_values_they_were_made_from(
    tolerance: float, f_Hz: float, rate: float
) -> None:
    """|exp(z dt) - sum_l C_l exp(z tau_l)| <= tolerance for all z of the range, not only those of the spread."""
    rng = stream(0, "segments")
    f, R2 = (rng.uniform(low, high, 3000).astype(np.float32) for low, high in ((-f_Hz, f_Hz), (1.0, 2.0 + rate)))
    f[:2], R2[:2] = (-f_Hz, f_Hz), (1.0, 2.0 + rate)
    entries = Entries(
        np.array([0, 3000]), np.zeros(1), np.zeros((3, 3000)), f, R2, 0 * R2, np.ones((1, 3000), np.float32)
    )
    dt = np.linspace(-2.56e-3, 2.56e-3, 256)
    cut = segments(spread(entries, 1.0), dt, tolerance)
    z = -2j * np.pi * f.astype(float) - R2
    tau = cut.first + cut.step * np.arange(len(cut.C))
    error = np.abs(np.exp(z[:, None] * dt) - np.exp(z[:, None] * tau) @ cut.C).max()
    assert cut.error <= tolerance
    assert error < 1.2 * tolerance
