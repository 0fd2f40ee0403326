"""Single voxels by the Bloch equations."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.sequence.protocols import bssfp, mprage, spin_echo
from spinloom.simulation.responses import Tissues, responses
from spinloom.simulation.signal_equations import balanced_ssfp

SIZE = (2.5e-3, 8e-3)


def tissues(T1: list[float], T2: list[float], B1: float = 1.0) -> Tissues:
    n = len(T1)
    return Tissues(T1=np.array(T1), T2=np.array(T2), dB0=np.zeros(n), B1=np.full(n, B1))


def test_a_tissue_answers_the_same_whoever_its_neighbours_are() -> None:
    sequence = spin_echo(TR=0.6, TE=20e-3, matrix=(32, 4))
    alone = responses(tissues([0.8], [0.07]), sequence, spins=(5, 1, 53), size_m=SIZE)
    among = responses(tissues([3.0, 0.8, 0.3], [1.0, 0.07, 0.05]), sequence, spins=(5, 1, 53), size_m=SIZE)
    np.testing.assert_allclose(among[:, 1], alone[:, 0], atol=1e-9)


def test_spin_echoes_decay_with_T2() -> None:
    short, long = (spin_echo(TR=5.0, TE=TE, matrix=(32, 4)) for TE in (20e-3, 60e-3))
    a, b = (np.abs(responses(tissues([0.5], [0.08]), s, spins=(5, 1, 53), size_m=SIZE))[-1, 0] for s in (short, long))
    assert b / a == pytest.approx(np.exp(-40e-3 / 0.08), rel=0.01)


def test_the_middle_of_a_balanced_train_is_its_closed_form() -> None:
    """A voxel that is thin against the slice feels one flip angle."""
    TR, FA, T1, T2 = 6e-3, 0.6, 0.4, 0.08
    sequence = bssfp(TR=TR, FA=FA, n_dummies=400, matrix=(32, 4))
    found = responses(tissues([T1], [T2]), sequence, spins=(1, 1, 3), size_m=(2.5e-3, 1e-4))[-1, 0]
    expected = abs(balanced_ssfp(T1, T2, TR=TR, FA=FA)) * np.exp(-TR / 2 / T2)
    assert abs(found) == pytest.approx(expected, rel=0.02)


def test_volumes_are_refused() -> None:
    with pytest.raises(UsageError, match="slices"):
        responses(tissues([1.0], [0.1]), mprage(matrix=(8, 8, 4), FOV=(0.04, 0.04, 0.02)), spins=1, size_m=SIZE)
