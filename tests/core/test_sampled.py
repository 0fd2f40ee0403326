"""Sampled fields: exact on the lattice, second order between its points, constant beyond it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.coils import LoopArray
from spinloom.core.sampled import EXTENT, SampledCoils, SampledField


@dataclass(frozen=True)
class Wave:
    """cos(2 pi x / L) along one axis; its second derivative is at most (2 pi / L)^2."""

    L: float = 0.25

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.cos(2 * np.pi * r[..., 0] / self.L)


def test_the_lattice_points_are_exact() -> None:
    r = np.array([[0.0, 0.0, 0.0], [0.1, -0.05, 0.02], [-0.3, 0.3, 0.3]])
    assert np.allclose(SampledField(Wave(), spacing=0.01)(r), Wave()(r), atol=1e-12)


def test_between_points_the_error_is_h_squared_over_8_times_the_curvature() -> None:
    r = np.random.default_rng(0).uniform(-0.2, 0.2, (5000, 3))
    for h in (0.02, 0.01, 0.005):
        error = np.abs(SampledField(Wave(), spacing=h)(r) - Wave()(r)).max()
        bound = h**2 / 8 * (2 * np.pi / Wave().L) ** 2
        assert 0.9 * bound < error <= bound * (1 + 1e-9)


def test_beyond_the_lattice_the_edge_holds() -> None:
    sampled = SampledField(Wave(), spacing=0.01)
    assert np.allclose(sampled(np.array([[1.0, 5.0, 0.0]])), sampled(np.array([[EXTENT, 0.0, 0.0]])))


def test_coils_keep_their_phase_and_number() -> None:
    coils = LoopArray(n_coils=4, seed=1)
    r = np.random.default_rng(1).uniform(-0.08, 0.08, (3, 50, 3))
    true, sampled = coils(r), SampledCoils(coils)(r)
    assert sampled.shape == true.shape == (4, 3, 50)
    assert np.abs(sampled - true).max() < 0.03 * np.abs(true).max()
