"""Steps of a pulse: what merging and splitting keep, and how gradients pass during them."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.rng import stream
from spinloom.sequence.events import RF, Gradient
from spinloom.simulation.moments import merge, moments, rf_steps, split


def pulse(n: int, raster: float) -> RF:
    rng = stream(n, "pulse")
    return RF(2e-5 + raster * np.arange(n + 1), rng.standard_normal(n) + 1j * rng.standard_normal(n))


@pytest.mark.parametrize(("n", "raster"), [(1, 1e-9), (1, 1e-3), (300, 1e-6), (301, 1e-6), (40, 1e-5), (7, 2e-4)])
@pytest.mark.parametrize("longest", [1e-6, 5e-6, 1e-5])
def test_steps_keep_duration_area_and_moment(n: int, raster: float, longest: float) -> None:
    rf = pulse(n, raster)
    ramp = Gradient(np.array([0.0, 1e-4, 2e-4, rf.end + 1e-3]), np.array([0.0, 3e5, 3e5, -1e5]))
    steps = rf_steps(rf, rf.signal, (None, ramp, None), longest)
    dt, b1, g = steps[:, 0], steps[:, 1] + 1j * steps[:, 2], steps[:, 3:]
    assert dt.sum() == pytest.approx(rf.end - rf.edges[0], rel=1e-12)
    assert np.sum(b1 * dt) == pytest.approx(np.sum(rf.signal) * raster, rel=1e-9)
    passed = moments((None, ramp, None), np.array([rf.edges[0], rf.end]))
    np.testing.assert_allclose(dt @ g, passed[1] - passed[0], rtol=1e-6, atol=1e-9)
    assert dt.max() <= 2 * longest * (1 + 1e-6)


def test_edges_of_slow_steps_are_kept() -> None:
    """A composite pulse of 100 us parts keeps its corners exactly."""
    rf = pulse(5, 1e-4)
    edges = split(merge(rf.edges, 5e-6), 1e-5)
    assert np.all(np.abs(edges[:, None] - rf.edges).min(axis=0) < 1e-15)


def test_a_1_us_raster_becomes_even_5_us_steps() -> None:
    edges = merge(np.arange(1001) * 1e-6, 5e-6)
    np.testing.assert_allclose(np.diff(edges), 5e-6, rtol=1e-6)
