"""Signed distances are distances."""

import numpy as np
import pytest

from spinloom.core.grid import Grid
from spinloom.phantom.sdf import Space, box, capsule, chain, ellipsoid, outside_of, smooth_union, union

GRID = Grid.centred((41, 41, 41), 1.0)
SPACE = Space.of(GRID, far=12.0)
R = np.sqrt(SPACE.x**2 + SPACE.y**2 + SPACE.z**2)


def test_a_ball_is_the_distance_to_its_surface() -> None:
    for ball in (ellipsoid(SPACE, (0, 0, 0), (9, 9, 9)), capsule(SPACE, (0, 0, 0), (0, 0, 1e-3), 9)):
        near = R < 20
        np.testing.assert_allclose(ball[near], np.minimum(R - 9, 12)[near], atol=2e-3)


def test_an_ellipsoid_crosses_zero_at_its_radii() -> None:
    e = ellipsoid(SPACE, (0, 0, 0), (5, 10, 15))
    for axis, radius in enumerate((5, 10, 15)):
        index = [20, 20, 20]
        index[axis] += radius
        assert abs(e[tuple(index)]) < 1e-5
        slope = np.gradient(e, axis=axis)[tuple(index)]
        assert slope == pytest.approx(1, abs=0.12)  # first order: unit gradient at the surface


def test_a_capsule_measures_across_its_axis() -> None:
    c = capsule(SPACE, (-8, 0, 0), (8, 0, 0), 3)
    assert c[20, 20 + 7, 20] == pytest.approx(4, abs=1e-5)
    assert c[20 + 13, 20, 20] == pytest.approx(2, abs=1e-5)
    bent = chain(SPACE, [(-8, 0, 0), (8, 0, 0), (8, 9, 0)], 3)
    assert bent[28, 32, 20] == pytest.approx(0, abs=1e-5)


def test_a_box_is_flat() -> None:
    b = box(SPACE, (0, 0, 0), (4, 6, 8), rounding=0.5)
    assert b[20 + 9, 20, 20] == pytest.approx(5, abs=1e-5)
    assert b[20, 20, 20] == pytest.approx(-4, abs=1e-5)


def test_a_folded_shape_is_on_both_sides() -> None:
    e = ellipsoid(SPACE.folded, (9, 0, 0), (4, 4, 4))
    np.testing.assert_array_equal(e, e[::-1])
    assert e[29, 20, 20] < 0 < e[20, 20, 20]


def test_joining_and_cutting() -> None:
    a, b = ellipsoid(SPACE, (-4, 0, 0), (6, 6, 6)), ellipsoid(SPACE, (4, 0, 0), (6, 6, 6))
    smooth = smooth_union(a, b, 4.0)
    assert (smooth <= union(a, b) + 1e-6).all()
    assert (union(a, b) - smooth).max() == pytest.approx(1.0)  # k / 4 where both are equally far
    assert ((outside_of(a, b) < 0) == ((a < 0) & (b > 0))).all()
