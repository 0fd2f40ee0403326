"""Times of real scans that a simulated sequence cannot keep are named with what was done about them."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.core.units import deg
from spinloom.dataset.profile.feasible import feasible
from spinloom.dataset.profile.imitate import imitate
from spinloom.dataset.profile.measure import Profile, Range
from spinloom.dataset.scan import make_sequence


def test_times_that_can_be_kept_are_kept() -> None:
    wanted = {"TE_ms": 90.0, "TR_ms": 5000.0}
    assert feasible("t2w", wanted, 3.0) == (wanted, None, None)


def test_a_short_echo_time_is_kept_by_a_higher_bandwidth() -> None:
    parameters, changed, given_up = feasible("t1w", {"TE_ms": 1.9}, 3.0)
    assert parameters["TE_ms"] == 1.9
    assert parameters["bandwidth"] > 0
    assert "bandwidth" in str(changed)
    assert given_up is None


def test_a_repetition_time_shorter_than_the_inversion_time_is_given_up_with_the_reason() -> None:
    """As where RepetitionTime of an MPRAGE is that of its pulses."""
    parameters, changed, given_up = feasible("t1w", {"TR_ms": 8.0, "TI_ms": 900.0}, 3.0)
    assert parameters == {"TI_ms": 900.0}
    assert changed is None
    assert str(given_up).startswith("TR_ms = 8:")


def test_what_nothing_helps_is_refused() -> None:
    with pytest.raises(UsageError, match="no parameter"):
        feasible("t2w", {"colour": 3.0}, 3.0)


def test_the_flip_angle_of_a_turbo_spin_echo_is_that_of_its_refocusing_pulses() -> None:
    """FlipAngle 120 in the file (BIDS, DICOM), while the excitation stays at 90 degrees."""
    numbers = {"FA_rad": Range(120 * deg, 120 * deg, 120 * deg, 1)}
    recipe, _, _ = imitate(Profile({"T2w": numbers}, {}))
    made = make_sequence(recipe.protocol[0], B0=3.0, rng=np.random.default_rng(0))[0].protocol
    assert made is not None
    assert [made.FA, made.refocus_FA] == pytest.approx([90 * deg, 120 * deg])  # type: ignore[attr-defined]


def test_what_no_field_of_a_recipe_makes_is_named_with_its_size() -> None:
    """A ghost of 5 %, contrasts of labels and times of single labels; a ghost of 0.1 % is nobody's business."""

    def one(v: float) -> Range:
        return Range(v, v, v, 1)

    numbers = {"ghost_y": one(0.05), "ghost_x": one(0.001), "contrast 2:1": one(0.7)}
    _, _, left = imitate(Profile({"T2w": numbers, "T1map": {"mode_s": one(0.9), "label 3 s": one(1.3)}}, {}))
    assert any("T2w: half-field ghosts (0.050 along y):" in text for text in left)
    assert any(text.startswith("T2w: contrast of labels") for text in left)
    assert any(text.startswith("T1map: times of single labels") for text in left)
