"""B1+: 1 in the middle, a standing wave that grows with the field, smooth, and the same for the same seed."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.core.fields import SmoothB1


def test_standing_wave_without_unevenness() -> None:
    """1 - 0.5 (1 - sin(kappa r) / (kappa r)), kappa = 2 pi gamma_bar B0 sqrt(52) / c"""
    r = np.array([[0.08, 0, 0], [0, 0.05, 0.02]])
    x = 2 * pi * 42.57638543e6 * 3 * 52**0.5 / 299792458 * np.linalg.norm(r, axis=1)
    assert np.allclose(SmoothB1(3.0, unevenness=0.0)(r), 1 - 0.5 * (1 - np.sin(x) / x))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("B0", [0.055, 0.55, 1.5, 3.0, 7.0])
def test_field_is_one_in_the_middle(B0: float, seed: int) -> None:
    assert SmoothB1(B0, seed)(np.zeros(3)) == pytest.approx(1)


def test_variation_grows_with_the_field() -> None:
    r = np.random.default_rng(0).uniform(-0.08, 0.08, (2000, 3))
    spread = [SmoothB1(B0)(r).std() for B0 in (0.055, 0.55, 1.5, 3.0, 7.0)]
    assert spread == sorted(spread)
    assert spread[0] < 0.005
    assert 0.03 < spread[3] < 0.15


def test_field_is_smooth_never_negative_and_seeded() -> None:
    line = np.zeros((400, 3))
    line[:, 0] = np.linspace(-0.15, 0.15, 400)
    field = SmoothB1(7.0, 3)(line)
    assert np.abs(np.diff(field)).max() < 0.03
    assert (field >= 0).all()
    assert np.array_equal(field, SmoothB1(7.0, 3)(line))
    assert not np.allclose(field, SmoothB1(7.0, 4)(line))


def test_shape_of_positions_is_kept_and_B0_must_be_positive() -> None:
    assert SmoothB1()(np.zeros((2, 3, 4, 3))).shape == (2, 3, 4)
    with pytest.raises(UsageError):
        SmoothB1(0.0)(np.zeros(3))
