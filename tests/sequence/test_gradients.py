"""Lobes have the area asked for, start and end where they should, and stay within the hardware."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.gradients import delayed, down, joined, lobe, nearest, plateau, scaled, shortest, up

LIMITS = Limits()
areas = st.floats(-3000, 3000).filter(lambda a: abs(a) > 1e-3)
amplitudes = st.just(0.0) | st.floats(-0.9, 0.9).map(lambda x: x * LIMITS.max_gradient_Hz_per_m)


@given(areas, amplitudes, amplitudes, st.integers(0, 200))
@settings(max_examples=150, deadline=None)
def test_a_lobe_has_its_area_its_ends_and_fits_the_hardware(
    area: float, before: float, after: float, more: int
) -> None:
    longer = more if before == after == 0 else 0  # between moving ends a longer lobe may be impossible
    duration = shortest(area, LIMITS, before=before, after=after) + longer * LIMITS.gradient_raster
    g = lobe(area, LIMITS, duration=duration, before=before, after=after)
    assert g.area == pytest.approx(area, abs=1e-6)
    assert (g.g[0], g.g[-1]) == (before, after)
    assert g.t[0] == 0
    assert g.end == pytest.approx(duration, abs=1e-12)
    assert np.abs(g.g).max() <= LIMITS.max_gradient_Hz_per_m * (1 + 1e-9)
    assert np.abs(np.diff(g.g) / np.diff(g.t)).max() <= LIMITS.max_slew_Hz_per_m_per_s * (1 + 1e-6)
    ticks = g.t / LIMITS.gradient_raster
    assert ticks == pytest.approx(np.round(ticks), abs=1e-6)


@given(areas)
@settings(max_examples=50, deadline=None)
def test_one_raster_less_than_the_shortest_is_refused_and_the_shortest_is_named(area: float) -> None:
    least = shortest(area, LIMITS)
    with pytest.raises(UsageError, match=f"{least * 1e3:.2f} ms"):
        lobe(area, LIMITS, duration=least - LIMITS.gradient_raster)


def test_the_shortest_triangle_obeys_area_is_slew_times_half_duration_squared() -> None:
    area = 100.0
    ideal = 2 * np.sqrt(area / LIMITS.max_slew_Hz_per_m_per_s)
    assert ideal <= shortest(area, LIMITS) <= ideal + 2 * LIMITS.gradient_raster


def test_a_plateau_beyond_the_gradient_system_is_refused() -> None:
    with pytest.raises(UsageError, match="40 mT/m"):
        plateau(2 * LIMITS.max_gradient_Hz_per_m, 1e-3, LIMITS)


def test_delaying_joining_and_scaling_keep_areas() -> None:
    a, b = lobe(50.0, LIMITS), lobe(-20.0, LIMITS)
    both = joined(a, delayed(b, a.end + 1e-3))
    assert both.area == pytest.approx(30.0)
    assert both.end == pytest.approx(a.end + 1e-3 + b.end)
    assert scaled(both, -2.0).area == pytest.approx(-60.0)
    assert scaled(both, -2.0).t is both.t


def test_rounding_to_a_raster_forgives_floating_point_noise() -> None:
    assert up(0.3 - 0.1, 0.1) == down(0.3 - 0.1, 0.1) == nearest(0.3 - 0.1, 0.1) == 0.2
    assert (up(0.21, 0.1), down(0.29, 0.1), nearest(0.26, 0.1)) == (0.3, 0.2, 0.3)
