"""What a learned scanner was taught on, as ranges of a few plain numbers, and what of a scan lies beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spinloom.simulation.course import Course
from spinloom.simulation.evolution import Spins

Ranges = Mapping[str, Sequence[float]]
SLACK = 1.02


def measured(course: Course, spins: Spins) -> dict[str, tuple[float, float]]:
    """Smallest and largest of what a course and its tissues have."""
    TE = course.echo - course.t[course.excited]
    has, turned, inverted = course.before >= 0, course.first >= 0, course.inverted >= 0
    values = {
        "TE [s]": TE,
        "time between excitations [s]": (course.t[course.excited] - course.t[course.before])[has],
        "flip angle [deg]": np.degrees(course.angle[course.excited]),
        "refocusing angle [deg]": np.degrees(course.angle[course.first])[turned],
        "echo spacing [s]": 2 * (course.t[course.first] - course.t[course.excited])[turned],
        "echoes of a train": course.refocused[turned],
        "time after inversion [s]": (course.t[course.excited] - course.t[course.inverted])[inverted],
        "excitations after an inversion": course.ordinal[inverted],
        "T1 [s]": spins.T1,
        "T2 [s]": spins.T2,
    }
    return {name: (float(np.min(v)), float(np.max(v))) for name, v in values.items() if np.size(v)}


def joined(ranges: Sequence[Mapping[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    names = {name: None for one in ranges for name in one}
    return {n: (min(o[n][0] for o in ranges if n in o), max(o[n][1] for o in ranges if n in o)) for n in names}


def beyond(taught: Ranges, found: Mapping[str, tuple[float, float]]) -> list[str]:
    """Sentences: what lies outside, by more than SLACK."""
    told = []
    for name, (low, high) in found.items():
        if name not in taught:
            told.append(f"{name} {low:.3g} to {high:.3g}: never seen")
        elif low * SLACK < taught[name][0] or high > SLACK * taught[name][1]:
            told.append(f"{name} {low:.3g} to {high:.3g}, taught {taught[name][0]:.3g} to {taught[name][1]:.3g}")
    return told
