"""The first guess of the learned scanner: what voxels answer by the Bloch equations, by arrays and by tensors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spinloom.sequence.protocols import inversion_recovery, spin_echo, spoiled_gre, turbo_spin_echo  # noqa: E402
from spinloom.sequence.sequence import Sequence  # noqa: E402
from spinloom.simulation.course import slices  # noqa: E402
from spinloom.simulation.learned_history import History, last_pulse  # noqa: E402
from spinloom.simulation.learned_inversion import kept  # noqa: E402
from spinloom.simulation.learned_pulses import RealPulses  # noqa: E402
from spinloom.simulation.phase_graph import spoiled_gradient_echo  # noqa: E402
from spinloom.simulation.responses import Tissues, responses  # noqa: E402
from spinloom.study.scanner_history import Bendable  # noqa: E402
from spinloom.study.scanner_lesson import N_LAYERS, REACH, across, guess, length  # noqa: E402

TISSUES = Tissues(
    T1=np.array([0.85, 1.4, 0.4]), T2=np.array([0.07, 0.09, 0.05]), dB0=np.array([0.0, 30.0, -200.0]), B1=np.ones(3)
)
MADE = {
    "spoiled_gre": lambda: spoiled_gre(TR=20e-3, TE=5e-3, FA=0.4, matrix=16, FOV=0.24, n_dummies=10),
    "spin_echo": lambda: spin_echo(TR=0.5, TE=20e-3, refocus_FA=2.5, matrix=8, FOV=0.24, n_dummies=2),
    "turbo_spin_echo": lambda: turbo_spin_echo(
        TR=1.0, TE=40e-3, ETL=4, echo_spacing=10e-3, refocus_FA=2.2, matrix=8, FOV=0.24
    ),
    "inversion_recovery": lambda: inversion_recovery(TR=2.0, TE=20e-3, TI=0.5, matrix=8, FOV=0.24),
}


def thickness(sequence: Sequence) -> float:
    return float(sequence.protocol.slice_thickness)  # type: ignore[union-attr,arg-type]


@pytest.mark.parametrize("name", MADE)
def test_a_voxel_answers_as_by_the_bloch_equations(name: str) -> None:
    """Shaped pulses off resonance, the edges of the slice, and all that the train remembers."""
    sequence = MADE[name]()
    part, thick = slices(sequence)[0], thickness(sequence)
    course = part.course
    right = responses(TISSUES, sequence, spins=(13, 1, 211), size_m=(length(sequence), REACH * thick))
    line = [int(part.readouts[np.flatnonzero(part.state == s)[0]]) for s in range(len(course))]
    clock = np.where(course.refocused > 0, 0.0, course.echo - course.t[course.excited])
    right = right[line] * np.exp(2j * np.pi * clock[:, None] * TISSUES.dB0)
    late = course.echo - course.t[last_pulse(course)]
    found = guess(sequence, course, TISSUES, thick) * np.exp(-late[:, None] / np.repeat(TISSUES.T2, N_LAYERS))
    found = found.reshape(len(course), len(TISSUES), N_LAYERS).mean(-1)
    size = np.linalg.norm(right)
    assert np.linalg.norm(np.abs(found) - np.abs(right)) < 1e-2 * size
    # complex where nothing is off resonance: elsewhere phases grow from the echo to the sample that is taken
    assert np.linalg.norm((found - right)[:, 0]) < 6e-3 * size


@pytest.mark.parametrize("name", MADE)
def test_tensors_say_what_arrays_say(name: str) -> None:
    sequence = MADE[name]()
    course, thick = slices(sequence)[0].course, thickness(sequence)
    matter = across(TISSUES, thick)
    bendable = Bendable.of(RealPulses.of(sequence), course, thick, matter)
    said = bendable(torch.as_tensor(course.t), torch.ones((), dtype=torch.float64)).numpy()
    np.testing.assert_allclose(said, guess(sequence, course, TISSUES, thick), atol=1e-5)


def test_a_bent_flip_angle_is_that_of_a_sequence_made_with_it() -> None:
    sequences = [spoiled_gre(TR=20e-3, TE=5e-3, FA=a, matrix=16, FOV=0.24, n_dummies=10) for a in (0.4, 0.9)]
    course, thick = slices(sequences[0])[0].course, thickness(sequences[0])
    bendable = Bendable.of(RealPulses.of(sequences[0]), course, thick, across(TISSUES, thick))
    said = bendable(torch.as_tensor(course.t), torch.tensor(0.9 / 0.4, dtype=torch.float64)).numpy()
    right = guess(sequences[1], slices(sequences[1])[0].course, TISSUES, thick)
    np.testing.assert_allclose(said, right, atol=3e-3)


def test_an_rf_spoiled_train_is_the_published_phase_graph() -> None:
    """Zur et al. (1991), every line of the train, in the middle of the slice, where the profile is flat."""
    sequence = MADE["spoiled_gre"]()
    course = slices(sequence)[0].course
    matter = np.stack([TISSUES.T1, TISSUES.T2, TISSUES.B1, 0 * TISSUES.dB0, np.zeros(3)])
    with ThreadPoolExecutor(1) as pool:
        history = History.of(RealPulses.of(sequence), course, 0.0, thickness(sequence))
        found = replace(history, away=0 * history.away)(matter, np.arange(len(course)), pool)
    pulse = RealPulses.of(sequence).at(history.example, matter)[0]
    for k in range(len(TISSUES)):
        increment = float(course.phase[2] - 2 * course.phase[1] + course.phase[0])
        right = spoiled_gradient_echo(
            FA=float(np.arctan2(abs(pulse[2, k]), pulse[3, k].real)), TR=20e-3, TE=0.0, T1=TISSUES.T1[k],
            T2=TISSUES.T2[k], increment=increment, n_pulses=len(course.t),
        )[course.excited]  # fmt: skip
        np.testing.assert_allclose(np.abs(found[:, k]), np.abs(right), atol=4e-3)


def test_an_inversion_keeps_nearly_all_and_less_of_short_T2() -> None:
    sequence = MADE["inversion_recovery"]()
    share = kept(sequence, np.array([1.0, 1.0, 1.0]), np.array([0.01, 0.1, 1.0]), np.ones(3))
    assert (np.diff(share) > 0).all()
    assert 0.9 < share[-1] <= 1
    assert (kept(MADE["spoiled_gre"](), TISSUES.T1, TISSUES.T2, np.ones(3)) == 1).all()
