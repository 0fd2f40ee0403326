"""One gradient-echo repetition: pulse, prephasing and encoding, line or lines, rewinding and spoiling.

    slice   ╱▔ RF ▔╲╲▁╱▁▁▁▁▁▁▁▁▁╱▔╲      rephaser (2D) or partition (3D), spoiler
    phase   ▁▁▁▁▁▁▁▁╱▔╲▁▁▁▁▁▁▁▁▁╲▁╱
    read    ▁▁▁▁▁▁▁▁╲▁╱╱▔▔ADC▔▔╲╱▔╲

Phase encoding is undone after the last line; the spoilers are the same in every repetition; the phase of pulse and
receiver follows a quadratic series, so that transverse magnetisation of earlier repetitions does not add up.

Zur, Wood & Neuringer, Magn. Reson. Med. 21, 251 (1991).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import pi

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence.events import ADC, RF, Block, Gradient
from spinloom.sequence.geometry import Orientation
from spinloom.sequence.gradients import gradient, lobe, nearest, ramp_time, shortest, up
from spinloom.sequence.protocols._readout import Readout
from spinloom.sequence.pulses import EXCITE, Selection, hard, select, windowed_sinc


@dataclass(frozen=True, eq=False)
class Excitation:
    """A pulse, its slice gradient (None: it excites everything) and the slice area that rephases it [1/m]."""

    selection: Selection
    gradient: Gradient | None
    rephase: float
    duration: float

    @property
    def after_centre(self) -> float:
        """From the pulse's centre to the end of its block [s]."""
        return self.duration - self.selection.rf.centre


def slice_excitation(
    FA: float, thickness: float, limits: Limits, *, duration: float = 3e-3, time_bandwidth: float = 6.0
) -> Excitation:
    """A Hamming-windowed sinc under a slice gradient, ramps included. FA [rad], thickness [m], duration [s]."""
    rf = windowed_sinc(FA, duration, time_bandwidth=time_bandwidth, apodisation=0.46, limits=limits)
    selection, rising = select(rf, time_bandwidth / duration, thickness, limits)
    G, fall = selection.amplitude, ramp_time(selection.amplitude, limits)
    end = round(selection.duration + fall, 9)
    whole = gradient([*(float(t) for t in rising.t), end], [*(float(g) for g in rising.g), 0.0])
    return Excitation(selection, whole, -G * (selection.after_centre + fall / 2), end)


def global_excitation(FA: float, limits: Limits, *, duration: float = 200e-6) -> Excitation:
    """A hard pulse of at least `duration` [s], longer where limits.max_B1 asks for it."""
    least = up(FA / (2 * pi * GAMMA_BAR * limits.max_B1), 2e-5)
    rf = hard(FA, max(duration, least), limits=limits)
    end = round(up(rf.end + limits.rf_ringdown, limits.block_raster), 9)
    return Excitation(Selection(rf, 0.0, end), None, 0.0, end)


def spoiling_phase(n: int, increment: float) -> float:
    """Phase of repetition n: increment n (n + 1) / 2, modulo one turn [rad]."""
    degrees = round(increment * 180 / pi, 9)
    return float(degrees * (n * (n + 1) // 2) % 360.0) * pi / 180


def echo_distance(readout: Readout, limits: Limits) -> float:
    """Shortest time between two echoes of one polarity: a line and the way back [s]."""
    line = readout.trapezoid()
    return round(line.end + shortest(line.area, limits), 9)


@dataclass(frozen=True, eq=False)
class Kernel:
    """The events of a gradient-echo repetition, made once.

    echo_times  as realised [s];  duration  without a pause for TR [s]
    """

    excitation: Excitation
    readout: Readout
    orientation: Orientation
    echo_times: tuple[float, ...]
    prephase: float
    gaps: tuple[float, ...]
    ending: float
    line: Gradient
    prephaser: Gradient
    flybacks: tuple[Gradient, ...]
    read_spoiler: Gradient
    encoders: tuple[Gradient | None, ...]
    rewinders: tuple[Gradient | None, ...]
    slice_encoders: tuple[Gradient | None, ...]
    slice_spoilers: tuple[Gradient | None, ...]
    pulses: dict[tuple[float, float], tuple[RF, ADC]] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        return (
            self.excitation.duration
            + self.prephase
            + sum(self.gaps)
            + len(self.echo_times) * self.line.end
            + self.ending
        )


def make_kernel(
    excitation: Excitation,
    readout: Readout,
    *,
    echo_times: tuple[float, ...] | None,
    areas: list[float],
    partitions: list[float],
    read_spoil: float,
    slice_spoil: float,
    orientation: Orientation,
    limits: Limits,
) -> Kernel:
    """Time a repetition.

    echo_times   [s]; None for one echo as early as possible
    areas        phase-encoding area of every line [1/m]
    partitions   the same along the slice axis; [0.0] in 2D
    read_spoil, slice_spoil   moments left at the end of the repetition [1/m]

    Raises UsageError if an echo cannot come that early, naming the earliest.
    """
    raster = limits.block_raster
    line = readout.trapezoid()
    to_slice = [excitation.rephase + area for area in partitions]
    encoders = tuple(lobe(a, limits) if a else None for a in areas)
    slice_encoders = tuple(lobe(a, limits) if a else None for a in to_slice)
    prephaser = lobe(-readout.before_echo, limits)
    least = max(g.end for g in (prephaser, *encoders, *slice_encoders) if g)
    first = excitation.after_centre + line.end / 2
    flyback = lobe(-line.area, limits)
    times = (round(first + least, 9),) if echo_times is None else echo_times
    realised: list[float] = []
    pauses: list[float] = []
    for n, wanted in enumerate(times):
        earliest = realised[-1] + line.end + flyback.end if n else first + least
        fixed = realised[-1] + line.end if n else first
        pause = nearest(wanted - fixed, raster)
        if wanted < earliest - raster:
            raise UsageError(
                f"TE {wanted * 1e3:.2f} ms is too short" + (f" for echo {n + 1}" if n else ""),
                remedy=f"The shortest with these settings is {earliest * 1e3:.2f} ms; a higher bandwidth shortens it.",
            )
        pauses.append(max(pause, earliest - fixed))
        realised.append(round(fixed + pauses[-1], 9))
    read_spoiler = lobe(read_spoil - readout.before_echo, limits)
    rewinders = tuple(lobe(-a, limits) if a else None for a in areas)
    slice_spoilers = tuple(lobe(slice_spoil - a, limits) if slice_spoil - a else None for a in partitions)
    return Kernel(
        excitation=excitation,
        readout=readout,
        orientation=orientation,
        echo_times=tuple(realised),
        prephase=round(pauses[0], 9),
        gaps=tuple(round(p, 9) for p in pauses[1:]),
        ending=max(g.end for g in (read_spoiler, *rewinders, *slice_spoilers) if g),
        line=line,
        prephaser=prephaser,
        flybacks=(flyback,) * (len(realised) - 1),
        read_spoiler=read_spoiler,
        encoders=encoders,
        rewinders=rewinders,
        slice_encoders=slice_encoders,
        slice_spoilers=slice_spoilers,
    )


def blocks(
    kernel: Kernel,
    *,
    line: int | None,
    partition: int = 0,
    offset: float = 0.0,
    phase: float = 0.0,
    labels: dict[str, int],
) -> Iterator[Block]:
    """One repetition.

    line, partition  what is encoded; line None: a dummy, nothing is read
    offset           of the slice [m];  phase  of pulse and receiver [rad]
    labels           of the readouts; LIN and ECO are added
    """
    block, excitation = kernel.orientation.block, kernel.excitation
    if (offset, phase) not in kernel.pulses:
        adc = kernel.readout.adc(kernel.readout.ramp, phase)
        kernel.pulses[offset, phase] = excitation.selection.at(offset, EXCITE + phase), adc
    rf, adc = kernel.pulses[offset, phase]
    encode = rewind = None
    if line is not None:
        encode, rewind = kernel.encoders[line], kernel.rewinders[line]
    yield block(excitation.duration, rf=rf, slice=excitation.gradient)
    yield block(kernel.prephase, read=kernel.prephaser, phase=encode, slice=kernel.slice_encoders[partition])
    for echo in range(len(kernel.echo_times)):
        if echo:
            yield block(kernel.gaps[echo - 1], read=kernel.flybacks[echo - 1])
        if line is None:
            yield block(kernel.line.end, read=kernel.line)
        else:
            yield block(kernel.line.end, read=kernel.line, adc=adc, labels={**labels, "LIN": line, "ECO": echo})
    yield block(kernel.ending, read=kernel.read_spoiler, phase=rewind, slice=kernel.slice_spoilers[partition])
