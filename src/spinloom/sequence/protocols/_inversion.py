"""The inversion pulse with its slice gradient and the spoiler that follows it, as one block."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi

from spinloom.core.scanner import Limits
from spinloom.sequence.events import RF, Block, Gradient
from spinloom.sequence.geometry import Orientation
from spinloom.sequence.gradients import delayed, joined, lobe, up
from spinloom.sequence.pulses import Selection, hyperbolic_secant, longitudinal_after, select

DURATION = 10.24e-3
BETA, MU = 800.0, 4.9
PEAK = 18e-6
SPOILER = 4730.0
"""Spoiler area [1/m]: almost five turns per millimetre, no multiple of the other spoilers."""


@dataclass(frozen=True, eq=False)
class Inversion:
    """A hyperbolic-secant inversion, the same for every slice but for its frequency.

    efficiency  1: Mz becomes -Mz (no relaxation during the pulse)
    """

    selection: Selection
    gradient: Gradient
    duration: float
    efficiency: float
    orientation: Orientation
    pulses: dict[float, RF] = field(default_factory=dict)

    @property
    def centre(self) -> float:
        return self.selection.rf.centre

    def block(self, offset: float) -> Block:
        if offset not in self.pulses:
            self.pulses[offset] = self.selection.at(offset)
        return self.orientation.block(self.duration, rf=self.pulses[offset], slice=self.gradient)


def selective_inversion(slice_thickness: float, orientation: Orientation, limits: Limits) -> Inversion:
    """Inverts a slice [m] and spoils what transverse magnetisation it leaves."""
    rf = hyperbolic_secant(DURATION, limits=limits, beta=BETA, mu=MU, peak=min(PEAK, limits.max_B1))
    selection, on = select(rf, MU * BETA / pi, slice_thickness, limits)
    spoiler = lobe(SPOILER, limits, before=selection.amplitude)
    whole = joined(on, delayed(spoiler, selection.duration))
    return Inversion(selection, whole, whole.end, -longitudinal_after(rf), orientation)


def global_inversion(orientation: Orientation, limits: Limits) -> Inversion:
    """Inverts everything within the pulse's bandwidth and spoils."""
    rf = hyperbolic_secant(DURATION, limits=limits, beta=BETA, mu=MU, peak=min(PEAK, limits.max_B1))
    end = up(rf.end + limits.rf_ringdown, limits.block_raster)
    spoiler = delayed(lobe(SPOILER, limits), end)
    return Inversion(Selection(rf, 0.0, end), spoiler, spoiler.end, -longitudinal_after(rf), orientation)
