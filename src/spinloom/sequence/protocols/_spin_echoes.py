"""One shot of a spin-echo train: excitation, then refocusing, crusher, line, crusher, over and over.

    slice   ╱▔ 90 ▔╲▁▁╱▔ 180 ▔╲▁▁▁▁▁▁▁╱▔ 180 ▔ ...
    read    ▁▁▁▁▁▁▁╱╲▁▁▁▁▁▁▁▁▁▁╱▔ADC▔╲▁▁▁▁▁▁▁▁

Equal moments on both sides of every refocusing pulse (slice crushers and readout) and phase encoding undone after every
line: the Carr-Purcell-Meiboom-Gill conditions, so that spin and stimulated echoes coincide. Excitation to first
refocusing is exactly half an echo spacing.

Hennig, Nauerth & Friedburg, Magn. Reson. Med. 3, 823 (1986).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.geometry import Orientation
from spinloom.sequence.gradients import delayed, gradient, hold, joined, lobe, nearest, shortest, up
from spinloom.sequence.protocols._readout import Readout
from spinloom.sequence.pulses import REFOCUS, Selection, select, select_within, windowed_sinc


@dataclass(frozen=True)
class Pulses:
    """Excitation and refocusing pulses of a spin-echo train: durations [s], time-bandwidth products, apodisation."""

    excitation_duration: float = 2.56e-3
    refocus_duration: float = 2.56e-3
    excitation_time_bandwidth: float = 3.8
    refocus_time_bandwidth: float = 4.2
    apodisation: float = 0.27


@dataclass(frozen=True, eq=False)
class Train:
    """What a train is made of, before its timing is chosen.

    excite, refocus  pulses under their slice gradients
    readout, areas   the line, and the phase-encoding area of every line [1/m]
    crusher          slice moment between a refocusing pulse and its echo's readout [1/m]
    """

    excite: Selection
    excite_gradient: Gradient
    refocus: Selection
    refocus_gradient: Gradient
    readout: Readout
    areas: list[float]
    crusher: float
    orientation: Orientation
    limits: Limits

    @property
    def rephase(self) -> float:
        """Slice area that undoes the excitation's second half [1/m]."""
        return -self.excite.amplitude * self.excite.after_centre

    @property
    def shortest_spacing(self) -> float:
        """Shortest echo spacing [s]."""
        limits, G0, G = self.limits, self.excite.amplitude, self.refocus.amplitude
        flank = max(
            shortest(self.crusher, limits, before=G),
            shortest(max(self.areas, key=abs), limits),
            self.readout.ramp,
        )
        gap = max(
            shortest(self.rephase + self.crusher, limits, before=G0, after=G),
            shortest(self.readout.before_echo, limits),
        )
        by_readout = self.refocus.duration + self.readout.flat + 2 * flank
        by_excitation = 2 * (self.excite.after_centre + gap + self.refocus.rf.centre)
        return self.on_raster(max(by_readout, by_excitation), up)

    def on_raster(self, spacing: float, rounded: Callable[[float, float], float]) -> float:
        """An echo spacing [s] that leaves whole rasters before and after the readout."""
        fixed = self.refocus.duration + self.readout.flat
        return round(fixed + rounded(spacing - fixed, 2 * self.limits.block_raster), 9)


def make_train(
    *,
    FA: float,
    refocus_FA: float,
    pulses: Pulses,
    slice_thickness: float,
    crusher_cycles: float,
    readout: Readout,
    areas: list[float],
    orientation: Orientation,
    limits: Limits,
) -> Train:
    """Pulses, their slice gradients and the crusher, which winds `crusher_cycles` turns across the slice.

    A readout of an odd number of rasters has its echo between two of them; the excitation then moves by half a raster.
    """
    excitation = windowed_sinc(
        FA,
        pulses.excitation_duration,
        time_bandwidth=pulses.excitation_time_bandwidth,
        apodisation=pulses.apodisation,
        limits=limits,
    )
    refocusing = windowed_sinc(
        refocus_FA,
        pulses.refocus_duration,
        time_bandwidth=pulses.refocus_time_bandwidth,
        apodisation=pulses.apodisation,
        limits=limits,
        use=RFUse.REFOCUSING,
        phase=REFOCUS,
    )
    half_odd = (readout.flat / 2) % limits.block_raster
    excite, excite_gradient = select(
        excitation,
        pulses.excitation_time_bandwidth / pulses.excitation_duration,
        slice_thickness,
        limits,
        later=half_odd if 1e-9 < half_odd < limits.block_raster - 1e-9 else 0.0,
    )
    refocus, refocus_gradient = select_within(
        refocusing, pulses.refocus_time_bandwidth / pulses.refocus_duration, slice_thickness, limits
    )
    return Train(
        excite=excite,
        excite_gradient=excite_gradient,
        refocus=refocus,
        refocus_gradient=refocus_gradient,
        readout=readout,
        areas=areas,
        crusher=crusher_cycles / slice_thickness,
        orientation=orientation,
        limits=limits,
    )


@dataclass(frozen=True, eq=False)
class Shot:
    """Every event of a timed train, made once and shared by all slices, lines and repetitions.

    echo_spacing  [s];  duration  of the whole shot, spoiler included [s]
    """

    train: Train
    n_echoes: int
    echo_spacing: float
    gap: float
    flank: float
    ending: float
    prephaser: Gradient
    between: Gradient
    crush_down: Gradient
    crush_up: Gradient
    spoiler: Gradient
    ramp_up: Gradient
    plateau: Gradient
    ramp_down: Gradient
    adc: ADC
    encoders: list[Gradient | None]
    rewinders: list[Gradient | None]
    last_rewinders: list[Gradient | None]
    pulses: dict[float, tuple[RF, RF]] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        t = self.train
        echo = t.refocus.duration + t.readout.flat + 2 * self.flank
        return t.excite.duration + self.gap + self.n_echoes * echo - self.flank + self.ending

    @property
    def excitation_centre(self) -> float:
        """From the start of the shot [s]."""
        return self.train.excite.rf.centre


def make_shot(train: Train, n_echoes: int, echo_spacing: float) -> Shot:
    """Time a train. Raises UsageError if the echo spacing [s] is shorter than the train allows."""
    limits, readout, G = train.limits, train.readout, train.refocus.amplitude
    spacing = train.on_raster(echo_spacing, nearest)
    if spacing < train.shortest_spacing - 1e-9:
        raise UsageError(
            f"an echo spacing of {spacing * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {train.shortest_spacing * 1e3:.2f} ms; "
            "more bandwidth, shorter pulses or thicker slices shorten it.",
        )
    flank = round((spacing - train.refocus.duration - readout.flat) / 2, 9)
    gap = round(spacing / 2 - train.excite.after_centre - train.refocus.rf.centre, 9)
    crush_up = lobe(train.crusher, limits, after=G)
    spoiler = lobe(2 * train.crusher, limits)
    encoders = [lobe(area, limits) if area else None for area in train.areas]
    undo = [lobe(-area, limits) if area else None for area in train.areas]
    return Shot(
        train=train,
        n_echoes=n_echoes,
        echo_spacing=spacing,
        gap=gap,
        flank=flank,
        ending=max(spoiler.end, readout.ramp, *(g.end for g in undo if g), 0.0),
        prephaser=lobe(readout.before_echo, limits),
        between=_between(train, crush_up, gap),
        crush_down=lobe(train.crusher, limits, before=G),
        crush_up=delayed(crush_up, flank - crush_up.end),
        spoiler=spoiler,
        ramp_up=gradient([flank - readout.ramp, flank], [0.0, readout.amplitude]),
        plateau=hold(readout.amplitude, readout.flat),
        ramp_down=gradient([0.0, readout.ramp], [readout.amplitude, 0.0]),
        adc=readout.adc(),
        encoders=encoders,
        rewinders=[delayed(g, flank - g.end) if g else None for g in undo],
        last_rewinders=undo,
    )


def _between(train: Train, crush_up: Gradient, gap: float) -> Gradient:
    """Slice gradient from excitation to refocusing: rephase, wait, crush; or all in one lobe where time is short."""
    G0, G = train.excite.amplitude, train.refocus.amplitude
    if shortest(train.rephase, train.limits, before=G0) + crush_up.end <= gap + 1e-9:
        return joined(lobe(train.rephase, train.limits, before=G0), delayed(crush_up, gap - crush_up.end))
    return lobe(train.rephase + train.crusher, train.limits, duration=gap, before=G0, after=G)


def blocks(shot: Shot, offset: float, lines: tuple[int | None, ...], labels: dict[str, int]) -> Iterator[Block]:
    """One shot.

    offset  of the slice [m]
    lines   which line each echo reads; None: that echo is played but not read
    labels  of the readouts; LIN and SEG are added
    """
    train, block = shot.train, shot.train.orientation.block
    if offset not in shot.pulses:
        shot.pulses[offset] = train.excite.at(offset), train.refocus.at(offset)
    excitation, refocusing = shot.pulses[offset]
    yield block(train.excite.duration, rf=excitation, slice=train.excite_gradient)
    yield block(shot.gap, read=shot.prephaser, slice=shot.between)
    for echo, line in enumerate(lines):
        last = echo == shot.n_echoes - 1
        encode = None if line is None else shot.encoders[line]
        rewind = None if line is None else (shot.last_rewinders if last else shot.rewinders)[line]
        yield block(train.refocus.duration, rf=refocusing, slice=train.refocus_gradient)
        yield block(shot.flank, read=shot.ramp_up, phase=encode, slice=shot.crush_down)
        if line is None:
            yield block(train.readout.flat, read=shot.plateau)
        else:
            tags = {**labels, "LIN": line, "SEG": echo}
            yield block(train.readout.flat, read=shot.plateau, adc=shot.adc, labels=tags)
        if last:
            yield block(shot.ending, read=shot.ramp_down, phase=rewind, slice=shot.spoiler)
        else:
            yield block(shot.flank, read=shot.ramp_down, phase=rewind, slice=shot.crush_up)
