"""Fractions → phantom: parts of 255, amounts kept, bounds by construction, bad fractions refused."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.phantom.classes import CLASSES, index
from spinloom.phantom.generated import NAMES, from_classes, to_255

GRID = Grid.centred((12, 10, 6), 2.0)


def draw(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(len(CLASSES), 0.2), GRID.shape).transpose(3, 0, 1, 2)


def test_parts_of_255_sum_to_255_and_are_within_one_of_each_fraction() -> None:
    parts = to_255(draw())
    assert (parts.sum(0, dtype=int) == 255).all()
    assert np.abs(parts - 255 * draw()).max() <= 1


def test_values_keep_their_order_whatever_the_fractions_are() -> None:
    for seed in range(3):
        made = from_classes(draw(seed), GRID, B0=3.0, seed=seed)
        there = made.PD > 0
        assert (made.T2[there] <= made.T1[there]).all()
        assert (made.T2star <= made.T2).all()
        assert 0 <= made.PD.min() <= made.PD.max() <= 1.2


def test_amounts_of_the_classes_are_those_of_the_tissues() -> None:
    f = draw()
    made = from_classes(f, GRID, B0=1.5, seed=1)
    assert made.fractions is not None
    total = dict(zip(NAMES, made.fractions.reshape(len(NAMES), -1).sum(1) / 255, strict=True))
    assert total["csf"] == pytest.approx(f[index("csf")].sum() + f[index("ventricles")].sum(), rel=0.01)
    assert total["fat"] + total["muscle"] == pytest.approx(f[index("soft")].sum(), rel=0.01)
    assert total["fat"] / (total["fat"] + total["muscle"]) == pytest.approx(0.35, abs=0.08)


def test_a_person_depends_on_the_seed() -> None:
    a, b, c = (from_classes(draw(), GRID, B0=3.0, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(a.T1, b.T1)
    assert not np.array_equal(a.T1, c.T1)


@pytest.mark.parametrize("fault", ["shape", "negative", "sum", "nan"])
def test_what_are_no_fractions_is_refused(fault: str) -> None:
    f = draw()
    if fault == "shape":
        f = f[:5]
    if fault == "negative":
        f[0, 0, 0, 0] -= 2
    if fault == "sum":
        f = f * 0.5
    if fault == "nan":
        f[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="fractions"):
        from_classes(f, GRID, B0=3.0, seed=0)
