"""What a sequence selects: the slices its excitations reach, each with the pulses that matter there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.sequence.events import RFUse
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_pulses import coefficients
from spinloom.simulation.timeline import Pulses, Turns

Floats = NDArray[np.float64]

LEAST = 2e-3
"""Part of the strongest excitation down to which a slice is looked at."""

INERT = 1e-4


@dataclass(frozen=True)
class Slab:
    """Where one set of excitations acts.

    first, last  along the slice axis, for matter on resonance [m]; infinite where nothing selects
    width        full width at half maximum [m]
    gradient     during the excitation [Hz/m]: off-resonance f acts like a place f / gradient further on
    """

    first: float
    last: float
    width: float
    gradient: float


EVERYWHERE = Slab(-np.inf, np.inf, np.inf, np.inf)


def selective_axis(played: Pulses) -> int | None:
    """Scanner axis of the gradients that play during pulses; None if there are none.

    Raises UsageError if they play along several axes.
    """
    inside = np.abs(played.moment[:, 2, :3] - played.moment[:, 0, :3]).max(axis=0, initial=0.0)
    axes = np.flatnonzero(inside > 1.0)
    if len(axes) > 1:
        raise UsageError(
            "the pulses of this sequence select along more than one axis",
            remedy="The phase graph follows slices along one axis of the scanner; use --method bloch.",
        )
    return int(axes[0]) if len(axes) else None


def slabs(
    drive: Drive,
    played: Pulses,
    splits: list[Turns],
    axis: int | None,
    ends: tuple[float, float],
    longest: float,
    *,
    crushed: bool = True,
) -> list[Slab]:
    """The slabs that the excitations of a sequence reach inside the object, in order; those that touch are one.

    ends     of the object along the slice axis [m]
    crushed  whether what only refocusing pulses excite, outside of these, may be left out
    """
    if axis is None:
        return [EVERYWHERE]
    z = np.arange(ends[0] - 5e-3, ends[1] + 5e-3, 1.25e-4)
    one, none = np.ones(len(z)), np.zeros(len(z))
    still = np.stack([1e-6 * one, 1e-6 * one, one, none, z])
    found: list[Slab] = []
    for kind, j in enumerate(played.example):
        rf = drive.sequence.rf[played.rf[j]]
        excites = rf.use in (RFUse.EXCITATION, RFUse.UNDEFINED)
        if not excites and (crushed or rf.use is not RFUse.REFOCUSING):
            continue
        strength = float(np.diff(played.moment[j, [0, 2], axis])[0]) / float(rf.edges[-1] - rf.edges[0])
        if abs(strength) < 1.0:
            return [EVERYWHERE]
        alone = replace(played, example=played.example[kind : kind + 1])
        excited = np.abs(coefficients(drive, alone, splits, still, axis, longest)[0, 2])
        top = float(excited.max())
        inside = np.flatnonzero(excited > LEAST * top)
        if top < 1e-3 or not len(inside):
            continue
        half = np.flatnonzero(excited > top / 2)
        found.append(Slab(z[inside[0]], z[inside[-1]], float(z[half[-1]] - z[half[0]]) + 1.25e-4, strength))
    joined: list[Slab] = []
    for slab in sorted(found, key=lambda s: s.first):
        if joined and slab.first < joined[-1].last:
            last = joined.pop()
            slab = Slab(last.first, max(last.last, slab.last), min(last.width, slab.width), last.gradient)
        joined.append(slab)
    return joined


def acting(played: Pulses, coefficient: NDArray[np.complex128]) -> Pulses:
    """The pulses that do something to any of the specimens.

    coefficient  (n_kinds, 7, R), see graph_pulses.coefficients
    """
    nothing = np.zeros((7, 1))
    nothing[[0, 3]] = 1.0
    moved = np.abs(coefficient - nothing)[:, [1, 2, 4]].max(axis=(1, 2)) > INERT
    turned = np.abs(coefficient[:, 3] - 1.0).max(axis=1) > 30 * INERT
    keep = (moved | turned)[played.unique]
    return replace(
        played,
        block=played.block[keep],
        unique=played.unique[keep],
        rf=played.rf[keep],
        start=played.start[keep],
        centre=played.centre[keep],
        end=played.end[keep],
        moment=played.moment[keep],
        echo=played.echo[keep],
    )
