"""The non-uniform FFT against the sum it stands for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spinloom.core.rng import stream
from spinloom.simulation import nonuniform
from spinloom.simulation.nonuniform import sums

POOL = ThreadPoolExecutor(2)


def exact(volumes: np.ndarray, axes: tuple[np.ndarray, ...], k: np.ndarray, coefficient: np.ndarray) -> np.ndarray:
    """S(s) = sum_l c_l(s) sum_n V_l(n) exp(-2πi k_s . x_n)."""
    waves = [np.exp(-2j * np.pi * k[:, i, None] * x) for i, x in enumerate(axes)]
    return np.einsum("sl,labc,sa,sb,sc->s", coefficient, volumes, *waves, optimize=True)


@pytest.mark.parametrize("shape", [(24, 31, 1), (1, 18, 20), (9, 12, 14), (5, 1, 1)])
@pytest.mark.parametrize("cells", [2**25, 1])
def test_sums_are_the_sum(shape: tuple[int, int, int], cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere in k-space, beyond the first period too; lattices off centre, of one place and running backwards."""
    monkeypatch.setattr(nonuniform, "CELLS", cells)
    rng = stream(0, "nonuniform")
    volumes = (rng.standard_normal((3, *shape)) + 1j * rng.standard_normal((3, *shape))).astype(np.complex64)
    axes = tuple(0.01 * i + s * np.arange(n) for i, (n, s) in enumerate(zip(shape, (2e-3, -3e-3, 1e-3), strict=True)))
    k = rng.uniform(-600, 600, (500, 3))
    coefficient = (rng.standard_normal((500, 3)) + 1j * rng.standard_normal((500, 3))).astype(np.complex64)
    truth = exact(volumes, axes, k, coefficient)
    found = sums(volumes, axes, k, coefficient, POOL)
    assert np.linalg.norm(found - truth) <= 1e-6 * np.linalg.norm(truth)
