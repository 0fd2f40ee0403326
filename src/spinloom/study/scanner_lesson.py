"""One lesson of a learned scanner: a sequence, some tissues, and what the Bloch equations answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.rng import stream
from spinloom.sequence.events import RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.course import Course, slices
from spinloom.simulation.evolution import Spins
from spinloom.simulation.learned_inversion import kept
from spinloom.simulation.responses import Tissues, responses
from spinloom.simulation.selection import profile
from spinloom.study.scanner_draws import FAMILIES, Family, draw_sequence, draw_tissues

N_TISSUES, N_STATES, N_LAYERS = 12, 5, 16
READ_M = 2.5e-3
REACH = 2.0
"""Thickness of the voxel over that of the slice."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A question and what is right.

    family   index into FAMILIES
    course   its states are those asked for
    spins    (tissue x layer,) every tissue in every layer
    target   (state, tissue) complex magnetisation at the echo, without static dephasing, PD = 1
    """

    family: int
    course: Course
    spins: Spins
    target: NDArray[np.complex128]


def lesson(seed: int, index: int) -> Lesson:
    """The index-th lesson of a seed; families take turns."""
    number = index % len(FAMILIES)
    return _of(FAMILIES[number], number, stream(seed, "lesson", str(index)))


def _of(family: Family, number: int, rng: np.random.Generator) -> Lesson:
    sequence = draw_sequence(family, rng)
    part = slices(sequence)[0]
    chosen = rng.permutation(len(part.course))[:N_STATES]
    course = part.course.take(chosen)
    TR = float(getattr(sequence.protocol, "TR", 1.0))
    tissues = draw_tissues(N_TISSUES, 1 / TR if course.balanced.any() else 0.0, rng)
    thickness = float(sequence.protocol.slice_thickness)  # type: ignore[union-attr,arg-type]
    found = responses(tissues, sequence, spins=family.spins, size_m=(READ_M, REACH * thickness))
    line = np.array([int(part.readouts[np.flatnonzero(part.state == s)[0]]) for s in chosen])
    clock = course.echo - course.t[course.excited]
    clock = np.where(course.refocused > 0, 0.0, clock)
    target = found[line] * np.exp(2j * np.pi * clock[:, None] * tissues.dB0)
    return Lesson(number, course, layers(sequence, tissues, thickness), target)


def layers(sequence: Sequence, tissues: Tissues, thickness: float) -> Spins:
    """(tissue x layer,) entries: every tissue in every layer across the slice, with its local flip angles."""
    assert sequence.encoding is not None
    step = REACH * thickness / N_LAYERS
    z = step * (np.arange(N_LAYERS) - (N_LAYERS - 1) / 2)
    T1, T2, dB0, B1 = (np.repeat(a, N_LAYERS) for a in (tissues.T1, tissues.T2, tissues.dB0, tissues.B1))
    at, angles = np.tile(z, len(tissues)), []
    for use in (RFUse.EXCITATION, RFUse.REFOCUSING):
        angle = B1.copy()
        for b in np.unique(B1):
            shape, own = profile(sequence, use, sequence.encoding.slice_axis, thickness, float(b)), b == B1
            if shape.selective:
                angle[own] *= shape.at(at[own], dB0[own], step)
        angles.append(angle)
    return Spins(T1, T2, np.full_like(T1, np.inf), dB0, angles[0], angles[1], kept(sequence, T1, T2, B1))  # type: ignore[arg-type]
