"""A course says what a slice has gone through: times, pulses, what came before."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.sequence.protocols import (
    bssfp,
    flair,
    inversion_recovery,
    mprage,
    spin_echo,
    spoiled_gre,
    turbo_spin_echo,
)
from spinloom.simulation.course import EXCITE, INVERT, REFOCUS, slices


def test_a_gradient_echo_knows_its_TE_TR_FA_and_how_many_pulses_came_before() -> None:
    sequence = spoiled_gre(TR=0.05, TE=6e-3, FA=0.5, n_dummies=7, matrix=8)
    part = slices(sequence)[0]
    c = part.course
    assert c.echo - c.t[c.excited] == pytest.approx(np.full(len(c), 6e-3), abs=6e-6)
    assert np.diff(c.t) == pytest.approx(np.full(len(c.t) - 1, 0.05))
    assert c.angle == pytest.approx(np.full(len(c.t), 0.5), rel=1e-3)
    assert c.ordinal[part.state[0]] == 7
    assert not c.balanced.any()


def test_a_train_knows_which_echo_it_is() -> None:
    sequence = turbo_spin_echo(TR=1.0, TE=30e-3, ETL=4, echo_spacing=15e-3, matrix=8)
    part = slices(sequence)[0]
    c = part.course
    since = (c.echo - c.t[c.excited])[part.state]
    assert since == pytest.approx(15e-3 * c.refocused[part.state], abs=2e-5)
    assert set(c.refocused) == {1, 2, 3, 4}
    assert (c.kind[c.first] == REFOCUS).all()


@pytest.mark.parametrize("make", [inversion_recovery, flair])
def test_an_inversion_is_remembered_with_its_TI(make) -> None:  # type: ignore[no-untyped-def]
    c = slices(make(TR=3.0, TI=0.7, matrix=8))[0].course
    assert (c.kind[c.inverted] == INVERT).all()
    assert c.t[c.excited] - c.t[c.inverted] == pytest.approx(np.full(len(c), 0.7), abs=1e-4)


def test_only_balanced_gradients_count_as_balanced() -> None:
    assert slices(bssfp(TR=6e-3, matrix=8, n_dummies=4))[0].course.balanced.all()
    assert not slices(mprage(matrix=(8, 8, 4), FOV=(0.04, 0.04, 0.02)))[0].course.balanced.any()


def test_a_slice_feels_its_own_pulses_only() -> None:
    one = slices(spin_echo(TR=0.6, TE=20e-3, matrix=8))[0].course
    three = slices(spin_echo(TR=0.6, TE=20e-3, matrix=8, slices=3))
    assert len(three) == 3
    for part in three:
        assert np.diff(part.course.t[part.course.kind == EXCITE]) == pytest.approx(0.6)
        assert len(part.course.t) == len(one.t)
    assert sorted(np.concatenate([p.readouts for p in three]).tolist()) == list(range(24))


def test_a_steady_train_is_few_states() -> None:
    """At TR = 3 s nothing is remembered after some repetitions: hundreds of lines find few conditions."""
    part = slices(spin_echo(TR=3.0, TE=20e-3, matrix=(8, 256)))[0]
    assert len(part.state) == 256
    assert len(part.course) < 40
