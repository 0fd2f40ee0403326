"""One lesson of a learned scanner: a sequence, some tissues, and what the Bloch equations answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.rng import stream
from spinloom.sequence.events import RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.course import SPOILED, Course, moved, slices
from spinloom.simulation.evolution import Spins
from spinloom.simulation.learned_history import History
from spinloom.simulation.learned_inversion import kept
from spinloom.simulation.learned_pulses import RealPulses
from spinloom.simulation.responses import Tissues, responses
from spinloom.simulation.selection import profile
from spinloom.study.scanner_draws import FAMILIES, Family, draw_sequence, draw_tissues

N_TISSUES, N_STATES, N_LAYERS = 12, 5, 24
READ_M = 2.5e-3
"""Least length of the voxel along the readout."""
BAND_HZ = 100.0
"""Of off-resonance where nothing is balanced: what it scrambles is not to be learned."""
REACH = 2.0
"""Thickness of the voxel over that of the slice."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A question and what is right.

    family   index into FAMILIES
    course   its states are those asked for
    spins    (tissue x layer,) every tissue in every layer
    past     (state, tissue x layer) the first guess at the last pulse before the echo, see History; 0 where balanced
    target   (state, tissue) complex magnetisation at the echo, without static dephasing, PD = 1
    """

    family: int
    course: Course
    spins: Spins
    past: NDArray[np.complex64]
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
    tissues = draw_tissues(N_TISSUES, 1 / TR if course.balanced.any() else BAND_HZ, rng)
    thickness = float(sequence.protocol.slice_thickness)  # type: ignore[union-attr,arg-type]
    found = responses(tissues, sequence, spins=family.spins, size_m=(length(sequence), REACH * thickness))
    line = np.array([int(part.readouts[np.flatnonzero(part.state == s)[0]]) for s in chosen])
    clock = course.echo - course.t[course.excited]
    clock = np.where(course.refocused > 0, 0.0, clock)
    target = found[line] * np.exp(2j * np.pi * clock[:, None] * tissues.dB0)
    past = guess(sequence, course, tissues, thickness)
    return Lesson(number, course, layers(sequence, tissues, thickness), past, target)


def length(sequence: Sequence) -> float:
    """Of the voxel along the readout [m]: whole turns of what readout gradients leave between pulses.

    Along the readout all pathways but the echo's own lie whole turns away then, and are not heard. In an image they
    lie elsewhere in k-space, and are no property of a voxel.
    """
    pulses = RealPulses.of(sequence)
    everything = np.arange(len(pulses.phase))
    axis = sequence.encoding.readout_axis  # type: ignore[union-attr]
    left = np.abs(moved(sequence, pulses.played, everything, np.zeros_like(everything))[:, axis])
    turn = 1 / float(left[left > SPOILED].min(initial=np.inf))
    return turn * np.ceil(READ_M / turn - 1e-6) if turn > 0 else READ_M


def guess(sequence: Sequence, course: Course, tissues: Tissues, thickness: float) -> NDArray[np.complex64]:
    """(state, tissue x layer) what History says of the only slice."""
    matter = across(tissues, thickness)
    if course.balanced.all():
        return np.zeros((len(course), matter.shape[1]), np.complex64)
    history = History.of(RealPulses.of(sequence), course, 0.0, thickness)
    with ThreadPoolExecutor(1) as pool:
        return history(matter, np.arange(len(course)), pool)


def across(tissues: Tissues, thickness: float) -> NDArray[np.float64]:
    """(5, tissue x layer) T1, T2, B1, off-resonance and place of every tissue in every layer across the slice."""
    z = REACH * thickness / N_LAYERS * (np.arange(N_LAYERS) - (N_LAYERS - 1) / 2)
    each = [np.repeat(a, N_LAYERS) for a in (tissues.T1, tissues.T2, tissues.B1, tissues.dB0)]
    return np.stack([*each, np.tile(z, len(tissues))])


def layers(sequence: Sequence, tissues: Tissues, thickness: float) -> Spins:
    """(tissue x layer,) entries: every tissue in every layer across the slice, with its local flip angles."""
    assert sequence.encoding is not None
    step = REACH * thickness / N_LAYERS
    T1, T2, B1, dB0, at = across(tissues, thickness)
    angles = []
    for use in (RFUse.EXCITATION, RFUse.REFOCUSING):
        angle = B1.copy()
        for b in np.unique(B1):
            shape, own = profile(sequence, use, sequence.encoding.slice_axis, thickness, float(b)), b == B1
            if shape.selective:
                angle[own] *= shape.at(at[own], dB0[own], step)
        angles.append(angle)
    return Spins(T1, T2, np.full_like(T1, np.inf), dB0, angles[0], angles[1], kept(sequence, T1, T2, B1))  # type: ignore[arg-type]
