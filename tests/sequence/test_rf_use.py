"""A pulse's use follows from how far it turns and what surrounds it."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.sequence.events import RF, RFUse
from spinloom.sequence.rf_use import rf_centre, rf_uses, rotation_angle

E, R, I = RFUse.EXCITATION, RFUse.REFOCUSING, RFUse.INVERSION


def uses(story: str, times: list[float] | None = None) -> list[RFUse]:
    """Uses in a story of letters: 9 a 90 degree pulse, 8 a 180 degree pulse, a readout '.'; one block each."""
    angles = np.array([{"9": np.pi / 2, "8": np.pi}.get(c, np.nan) for c in story])
    when = np.arange(len(story), dtype=float) if times is None else np.array(times, float)
    return [u for u in rf_uses(angles, when, np.array([c == "." for c in story])) if u is not None]


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("9.9.9.", [E, E, E]),  # gradient echo
        ("98.", [E, R]),  # spin echo
        ("988.", [E, R, R]),  # twice refocused
        ("98.8.8.8.", [E, R, R, R, R]),  # train
        ("898.", [I, E, R]),  # inversion recovery, first repetition
        ("89.9.9.", [I, E, E, E]),  # MPRAGE
        ("9889.", [E, R, R, E]),  # T2 preparation
    ],
)
def test_uses_of_the_usual_sequences(story: str, expected: list[RFUse]) -> None:
    assert uses(story) == expected


def test_inversion_of_a_later_repetition_is_told_by_the_long_wait() -> None:
    """180 ... 90 180 read, twice: the second inversion comes long after the refocusing pulse before it."""
    assert uses("898.898.", [0, 1, 1.01, 1.02, 3, 4, 4.01, 4.02]) == [I, E, R, I, E, R]


def test_train_that_goes_on_unread_still_refocuses() -> None:
    """The last train of a scan that needs no more lines, with another excitation behind it."""
    assert uses("98.8.8889.", [0, 1, 2, 3, 4, 5, 7, 9, 100, 101]) == [E, R, R, R, R, R, E]


def test_angle_of_a_constant_pulse_is_its_area() -> None:
    """alpha = 2 pi B1 t, folded into 0 ... pi."""
    edges = np.array([0.0, 1e-3])
    assert rotation_angle(RF(edges, np.array([100.0 + 0j]))) == pytest.approx(0.2 * np.pi)
    assert rotation_angle(RF(edges, np.array([750.0j]))) == pytest.approx(0.5 * np.pi)  # 270 degrees


def test_an_adiabatic_pulse_inverts_whatever_its_area() -> None:
    """Hyperbolic secant, mu beta = 2 pi 800 Hz, far above threshold. Silver et al., J. Magn. Reson. 59, 347 (1984)."""
    t = np.linspace(-5e-3, 5e-3, 2001)
    middle = (t[1:] + t[:-1]) / 2
    for peak in (900.0, 1500.0):
        signal = peak * (1 / np.cosh(800 * middle)) ** (1 + 6j)
        pulse = RF(t + 5e-3, signal)
        assert rotation_angle(pulse) == pytest.approx(np.pi, abs=0.15)
        assert pulse.flip_angle > 1.2 * np.pi


def test_centre_is_the_middle_of_the_peak() -> None:
    edges = 1e-3 + np.arange(5) * 1e-3
    assert rf_centre(RF(edges, np.array([1, 5, 5, 2], complex))) == pytest.approx(3e-3)
