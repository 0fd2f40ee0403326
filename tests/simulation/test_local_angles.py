"""A pulse scaled by B1 selects another slice than the scaled profile of the nominal pulse."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.sequence.events import RFUse
from spinloom.sequence.protocols import spin_echo
from spinloom.simulation.responses import Tissues, responses
from spinloom.simulation.selection import local

THICK = 4e-3


def test_a_spin_echo_of_the_local_angles_is_that_of_Bloch_where_B1_is_not_nominal() -> None:
    """∫ sin a sin²(b/2) dz against the Bloch equations, relative to B1 = 1."""
    sequence = spin_echo(TR=5.0, TE=20e-3, slice_thickness=THICK, matrix=(32, 4))
    assert sequence.encoding is not None
    B1 = np.array([0.8, 1.0, 1.2])
    z = np.linspace(-THICK, THICK, 401)
    tissues = Tissues(T1=np.full(3, 0.4), T2=np.full(3, 0.08), dB0=np.zeros(3), B1=B1)
    bloch = np.abs(responses(tissues, sequence, spins=(5, 1, 83), size_m=(2.5e-3, 2 * THICK))[-1])
    axis = sequence.encoding.slice_axis
    excite, refocus = (local(sequence, u, axis, THICK, B1) for u in (RFUse.EXCITATION, RFUse.REFOCUSING))

    def echo(b: float) -> float:
        a, r = (p.at(np.full(len(z), b, np.float32), z, 0 * z, 0.0) for p in (excite, refocus))
        return float(np.sum(np.sin(np.pi / 2 * a) * np.sin(np.pi / 2 * r) ** 2))

    ours = np.array([echo(b) for b in B1])
    assert ours / ours[1] == pytest.approx(bloch / bloch[1], rel=0.03)


def test_where_B1_is_nominal_one_profile_is_enough() -> None:
    sequence = spin_echo(matrix=8)
    assert len(local(sequence, RFUse.EXCITATION, 2, THICK, np.ones(5)).profiles) == 1
    assert len(local(sequence, RFUse.EXCITATION, 2, THICK, np.array([0.9, 1.1])).profiles) >= 5
