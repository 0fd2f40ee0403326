"""Spiral gradient echo: interleaved Archimedean spirals from the middle of k-space outwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import ADC, RF, Block, Gradient
from spinloom.sequence.geometry import Orientation, encoding_2d
from spinloom.sequence.gradients import lobe, nearest, shortest, up
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._gradient_echo import slice_excitation, spoiling_phase
from spinloom.sequence.protocols._multislice import Repetitions, Turn, interleaved
from spinloom.sequence.pulses import EXCITE
from spinloom.sequence.sequence import Sequence

MARGIN = 0.9
"""Share of the slew rate the spiral may use; the rest is for the raster and for turning it."""


@dataclass(frozen=True, kw_only=True)
class SpiralGRE(Protocol):
    """A spiral spoiled gradient echo; TE is when the spiral leaves k = 0.

    n_interleaves       spirals that fill one k-space
    rf_spoil_increment  of the quadratic phase series [rad]
    """

    n_interleaves: int
    rf_spoil_increment: float


@checked
def spiral_gre(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    FA: float | None = None,
    n_interleaves: int = 16,
    FOV: float = 0.24,
    matrix: int = 128,
    slices: int = 1,
    slice_thickness: float | None = None,
    slice_gap: float = 0.0,
    orientation: Orientation = Orientation.AXIAL,
    n_averages: int = 1,
    n_dummies: int = 20,
    oversampling: int = 2,
    rf_spoil_increment: float = 117 * pi / 180,
    spoil_cycles: float = 4.0,
    limits: Limits | None = None,
    name: str = "spiral_gre",
) -> Sequence:
    """A 2D multi-slice spiral gradient echo; LIN counts interleaves, which differ by an even rotation.

    B0             field whose defaults are used [T]
    TE, TR         pulse to start of the spiral [s]; TE None: the shortest
    FA             [rad]
    n_interleaves  spirals that fill one k-space; more are shorter ones
    FOV, matrix    round field of view [m], pixels across it
    slices, slice_thickness, slice_gap   [1], [m], [m]
    n_averages     of all interleaves
    n_dummies      repetitions before the first that is read
    oversampling   samples lie at most 1 / (oversampling FOV) apart
    rf_spoil_increment   of the quadratic phase series [rad]
    spoil_cycles   turns across the slice at the end of each repetition
    limits         hardware; the spiral uses nine tenths of the slew rate

    Raises UsageError if TE or TR do not fit, naming the shortest that does.

    Meyer et al., Magn. Reson. Med. 28, 202 (1992); Glover, Magn. Reson. Med. 42, 412 (1999).
    """
    limits = limits or Limits()
    thickness = defaults.THICKNESS(B0) if slice_thickness is None else slice_thickness
    TR = nearest(defaults.GRE_TR_2D(B0) if TR is None else TR, limits.block_raster)
    FA = defaults.GRE_FA_2D(B0) if FA is None else FA
    if n_interleaves < 1 or oversampling < 1:
        raise UsageError("a spiral needs at least one interleave and an oversampling of 1")
    encoding = encoding_2d(
        (FOV, FOV),
        (matrix, matrix),
        slices=slices,
        slice_thickness=thickness,
        slice_gap=slice_gap,
        orientation=orientation,
    )
    excitation = slice_excitation(FA, thickness, limits)
    rephaser = lobe(excitation.rephase, limits)
    start, raster = up(limits.adc_dead, limits.gradient_raster), limits.gradient_raster
    least = excitation.after_centre + rephaser.end + start
    TE = round(least, 9) if TE is None else nearest(TE, limits.block_raster)
    if TE < least - 1e-9:
        raise UsageError(f"TE {TE * 1e3:.2f} ms is too short", remedy=f"The shortest is {least * 1e3:.2f} ms.")
    wait = round(TE - excitation.after_centre - start, 9)
    wave = archimedean(
        FOV, matrix, n_interleaves, limits.max_gradient_Hz_per_m, MARGIN * limits.max_slew_Hz_per_m_per_s, raster
    )
    arms = [_Arm.make(wave * np.exp(2j * pi * n / n_interleaves), start, raster) for n in range(n_interleaves)]
    rewind = max(arm.shortest_rewinder(limits) for arm in arms)
    spoiler = lobe(spoil_cycles / thickness, limits)
    ending = max(rewind, spoiler.end)
    rewinders = [arm.rewinders(rewind, limits) for arm in arms]
    reading = float(arms[0].read.t[-1])
    dwell = max(1, int(1 / (oversampling * FOV * float(np.abs(wave).max())) / limits.adc_raster)) * limits.adc_raster
    n_samples = int((reading - start - limits.adc_dead) / dwell) // 2 * 2
    offsets = [float(z) for z in encoding.slice_offsets]
    pulses: dict[tuple[int, float], tuple[RF, ADC]] = {}
    block = orientation.block

    def play(place: int, turn: Turn) -> Iterator[Block]:
        phase, n = spoiling_phase(turn.number, rf_spoil_increment), turn.shot or 0
        if (place, phase) not in pulses:
            adc = ADC(n_samples, round(dwell, 9), start, 0.0, phase)
            pulses[place, phase] = excitation.selection.at(offsets[place], EXCITE + phase), adc
        rf, adc = pulses[place, phase]
        labels = {"LIN": n, "SLC": place, "AVG": turn.average}
        dummy = turn.shot is None
        yield block(excitation.duration, rf=rf, slice=excitation.gradient)
        yield block(wait, slice=rephaser)
        yield block(
            reading,
            read=arms[n].read,
            phase=arms[n].phase,
            adc=None if dummy else adc,
            labels=None if dummy else labels,
        )
        yield block(ending, read=rewinders[n][0], phase=rewinders[n][1], slice=spoiler)

    protocol = SpiralGRE(
        TE=TE,
        TR=TR,
        FA=FA,
        bandwidth=1 / (n_samples * dwell),
        n_averages=n_averages,
        slice_thickness=thickness,
        n_interleaves=n_interleaves,
        rf_spoil_increment=rf_spoil_increment,
    )
    duration = excitation.duration + wait + reading + ending
    scan = interleaved(slices, TR, duration, Repetitions(n_interleaves, n_averages, n_dummies), play, limits)
    return finish(scan, encoding, protocol, limits, name)


@dataclass(frozen=True, eq=False)
class _Arm:
    """One interleave, on two axes; it ends at full speed."""

    read: Gradient
    phase: Gradient

    @staticmethod
    def make(wave: NDArray[np.complex128], start: float, raster: float) -> _Arm:
        t = np.round(start + np.arange(len(wave)) * raster, 9)
        return _Arm(Gradient(t, wave.real.copy()), Gradient(t, wave.imag.copy()))

    def shortest_rewinder(self, limits: Limits) -> float:
        return max(shortest(-g.area, limits, before=float(g.g[-1])) for g in (self.read, self.phase))

    def rewinders(self, duration: float, limits: Limits) -> tuple[Gradient, Gradient]:
        read, phase = (lobe(-g.area, limits, duration=duration, before=float(g.g[-1])) for g in (self.read, self.phase))
        return read, phase


def archimedean(
    FOV: float, n: int, n_interleaves: int, G_max: float, slew_max: float, raster: float
) -> NDArray[np.complex128]:
    """Gradient of one spiral on a raster, kx + i ky, as fast as the limits allow.

        k = lambda theta exp(i theta),   lambda = n_interleaves / (2 pi FOV),   until |k| = n / (2 FOV)

    with theta'' the largest that keeps |k''| <= slew_max, and |k'| <= G_max.

    FOV       [m];  n  pixels across it
    G_max     [Hz/m];  slew_max  [Hz/m/s];  raster  [s]
    returns   (m,) at times 0, raster, 2 raster ... [Hz/m], starting from 0

    Glover, Magn. Reson. Med. 42, 412 (1999).
    """
    lam = n_interleaves / (2 * pi * FOV)
    end = n / (2 * FOV) / lam
    fine = 10
    dt = raster / fine
    theta = omega = 0.0
    out = [0j]
    while theta < end:
        for _ in range(fine):
            a = 1 + theta**2
            room = (slew_max / lam) ** 2 * a - omega**4 * (a * (theta**2 + 4) - theta**2)
            accelerate = (sqrt(max(room, 0.0)) - theta * omega**2) / a
            fastest = G_max / (lam * sqrt(a))
            new = min(omega + accelerate * dt, fastest)
            theta += (omega + new) / 2 * dt
            omega = new
        turn = complex(cos(theta), sin(theta))
        out.append(lam * omega * (1 + 1j * theta) * turn)
    return np.array(out)
