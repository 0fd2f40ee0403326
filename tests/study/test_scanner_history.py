"""The first guess of the learned scanner: the same by arrays and by tensors, and what an inversion keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spinloom.sequence.protocols import inversion_recovery, spin_echo, spoiled_gre, turbo_spin_echo  # noqa: E402
from spinloom.simulation.course import slices  # noqa: E402
from spinloom.simulation.evolution import Spins  # noqa: E402
from spinloom.simulation.learned_history import History  # noqa: E402
from spinloom.simulation.learned_inversion import kept  # noqa: E402
from spinloom.simulation.phase_graph import spoiled_gradient_echo  # noqa: E402
from spinloom.study.scanner_history import by_tensors  # noqa: E402

T1, T2 = np.array([0.85, 1.4, 4.3]), np.array([0.07, 0.09, 1.8])
MADE = {
    "spoiled_gre": lambda: spoiled_gre(TR=20e-3, TE=5e-3, FA=0.4, matrix=16, FOV=0.24, n_dummies=10),
    "spin_echo": lambda: spin_echo(TR=0.5, TE=20e-3, refocus_FA=2.5, matrix=8, FOV=0.24, n_dummies=2),
    "turbo_spin_echo": lambda: turbo_spin_echo(
        TR=1.0, TE=40e-3, ETL=4, echo_spacing=10e-3, refocus_FA=2.2, matrix=8, FOV=0.24
    ),
    "inversion_recovery": lambda: inversion_recovery(TR=2.0, TE=20e-3, TI=0.5, matrix=8, FOV=0.24),
}


def spins() -> Spins:
    one = np.ones(len(T1))
    return Spins(T1, T2, np.full_like(T1, np.inf), 0 * T1, 0.9 * one, 0.9 * one, 0.95 * one)  # type: ignore[arg-type]


def by_arrays(course, matter: Spins) -> np.ndarray:  # type: ignore[no-untyped-def]
    with ThreadPoolExecutor(1) as pool:
        return History.of(course)(matter, np.arange(len(course)), pool)


@pytest.mark.parametrize("name", MADE)
def test_tensors_say_what_arrays_say(name: str) -> None:
    course = slices(MADE[name]())[0].course
    tensors = replace(course, **{n: torch.as_tensor(np.asarray(getattr(course, n))) for n in ("t", "echo", "angle")})
    matter = spins()
    same = Spins(*(torch.as_tensor(np.asarray(v, float)) for v in (
        matter.T1, matter.T2, matter.T2prime, matter.dB0, matter.excite, matter.refocus, matter.kept)))  # type: ignore[arg-type]  # fmt: skip
    np.testing.assert_allclose(by_tensors(tensors, same).numpy(), by_arrays(course, matter), atol=1e-5)


def test_an_rf_spoiled_train_is_the_published_phase_graph() -> None:
    """Zur et al. (1991), every line of the train; pulses that take no time."""
    sequence = MADE["spoiled_gre"]()
    course = slices(sequence)[0].course
    found = by_arrays(course, spins())
    for k in range(len(T1)):
        increment = float(course.phase[2] - 2 * course.phase[1] + course.phase[0])
        right = spoiled_gradient_echo(
            FA=0.4 * 0.9, TR=20e-3, TE=0.0, T1=T1[k], T2=T2[k], increment=increment, n_pulses=len(course.t)
        )[course.excited]
        np.testing.assert_allclose(np.abs(found[:, k]), np.abs(right), atol=3e-3)


def test_an_inversion_keeps_nearly_all_and_less_of_short_T2() -> None:
    sequence = MADE["inversion_recovery"]()
    share = kept(sequence, np.array([1.0, 1.0, 1.0]), np.array([0.01, 0.1, 1.0]), np.ones(3))
    assert (np.diff(share) > 0).all()
    assert 0.9 < share[-1] <= 1
    assert (kept(MADE["spoiled_gre"](), T1, T2, np.ones(3)) == 1).all()
