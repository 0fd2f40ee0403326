"""Coil sensitivities: the loop's field is that of Biot and Savart, arrays are 1 in the middle, channels differ."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

from spinloom.core.coils import Birdcage, LoopArray, coils_for
from spinloom.core.errors import UsageError
from spinloom.core.loop import loop_field


@pytest.mark.parametrize("z", [0.0, 0.02, -0.05, 0.3])
def test_field_on_the_axis_of_a_loop(z: float) -> None:
    """B = a^2 / (2 (a^2 + z^2)^(3/2))"""
    a = 0.05
    B = loop_field([0, 0, z], [0, 0, 0], [0, 0, 1], a)
    assert np.allclose(B, [0, 0, a**2 / (2 * (a**2 + z**2) ** 1.5)], rtol=1e-9, atol=1e-12)


def test_field_of_a_loop_is_the_integral_of_biot_and_savart() -> None:
    """B = 1/(4 pi) sum dl x (r - l) / |r - l|^3, for a tilted loop off the origin."""
    rng = np.random.default_rng(0)
    centre, normal, a = np.array([0.02, -0.01, 0.03]), np.array([1.0, 2.0, -0.5]), 0.06
    n = normal / np.linalg.norm(normal)
    u = np.cross(n, [0, 0, 1.0])
    u /= np.linalg.norm(u)
    v = np.cross(n, u)
    t = 2 * pi * np.arange(2000) / 2000
    wire = centre + a * (np.cos(t)[:, None] * u + np.sin(t)[:, None] * v)
    step = a * 2 * pi / 2000 * (-np.sin(t)[:, None] * u + np.cos(t)[:, None] * v)
    points = rng.uniform(-0.15, 0.15, (20, 3))
    d = points[:, None] - wire
    expected = (np.cross(step, d) / np.linalg.norm(d, axis=-1, keepdims=True) ** 3).sum(1) / (4 * pi)
    assert np.allclose(loop_field(points, centre, normal, a), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 12, 16, 20, 32])
def test_array_hears_the_middle_with_one(n: int) -> None:
    array = LoopArray(n)
    c = array(np.zeros((1, 3)))
    assert c.shape == (n, 1)
    assert np.linalg.norm(c) == pytest.approx(1)


@pytest.mark.parametrize("n", [4, 8, 16, 32])
def test_each_loop_hears_its_own_side_best_and_the_array_hears_the_rim_better(n: int) -> None:
    array = LoopArray(n)
    centres, size, _ = array.loops()
    assert len(centres) == n
    assert 0.01 < size < 0.1
    near = centres * 0.08 / np.linalg.norm(centres, axis=1, keepdims=True)
    own = np.abs(array(near))
    assert (np.diag(own) > 0.7 * own.max(axis=0)).all()
    assert np.linalg.norm(array(near), axis=0).min() > 1.0


def test_channels_are_independent_functions() -> None:
    r = np.random.default_rng(1).uniform(-0.07, 0.07, (500, 3))
    c = LoopArray(8)(r)
    s = np.linalg.svd(c, compute_uv=False)
    assert s[-1] > 0.01 * s[0]


def test_same_seed_same_array_other_seed_another() -> None:
    r = np.random.default_rng(2).uniform(-0.07, 0.07, (10, 3))
    assert np.array_equal(LoopArray(4, seed=1)(r), LoopArray(4, seed=1)(r))
    assert not np.allclose(LoopArray(4, seed=1)(r), LoopArray(4, seed=2)(r))


def test_long_birdcage_is_even_inside() -> None:
    """Sinusoidal currents on an infinite cylinder make a uniform transverse field: Hayes et al. (1985)."""
    r = np.random.default_rng(3).uniform(-0.05, 0.05, (200, 3))
    assert np.abs(Birdcage(legs=32, length=5.0)(r) - 1).max() < 1e-3


def test_birdcage_falls_off_towards_its_ends() -> None:
    c = np.abs(Birdcage()(np.array([[0, 0, 0], [0, 0, 0.08], [0, 0, 0.14]])))[0]
    assert c[0] == pytest.approx(1)
    assert c[0] > c[1] > c[2] > 0.3


def test_shapes_of_positions_are_kept() -> None:
    r = np.zeros((3, 4, 5, 3))
    assert LoopArray(2)(r).shape == (2, 3, 4, 5)
    assert Birdcage()(r).shape == (1, 3, 4, 5)


def test_coils_by_number() -> None:
    assert [coils_for(n).n_coils for n in (1, 2, 8, 32)] == [1, 2, 8, 32]
    for n in (0, 33):
        with pytest.raises(UsageError):
            coils_for(n)
