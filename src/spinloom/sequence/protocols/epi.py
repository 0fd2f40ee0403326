"""Echo-planar imaging: a whole slice after one excitation, lines read to and fro."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import ADC, Block, Gradient, RFUse
from spinloom.sequence.geometry import Orientation, encoding_2d, pair
from spinloom.sequence.gradients import delayed, joined, lobe, nearest, plateau, scaled, up
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._gradient_echo import slice_excitation
from spinloom.sequence.protocols._multislice import Repetitions, Turn, interleaved
from spinloom.sequence.protocols._readout import Readout, cartesian_readout
from spinloom.sequence.pulses import REFOCUS, Selection, select_within, windowed_sinc
from spinloom.sequence.sequence import Sequence

SPOIL_CYCLES = 8.0
"""Turns across the slice after the last line."""


@dataclass(frozen=True, kw_only=True)
class EchoPlanar(Protocol):
    """Single-shot echo-planar imaging; TE is when line k = 0 is read.

    echo_spacing  from line to line [s]
    spin_echo     whether a refocusing pulse stands at TE / 2
    refocus_FA    its flip angle [rad]
    """

    echo_spacing: float
    spin_echo: bool
    refocus_FA: float = pi


@checked
def epi(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float = 3.0,
    FA: float = pi / 2,
    spin_echo: bool = False,
    refocus_FA: float = pi,
    bandwidth: float | None = None,
    FOV: float | tuple[float, float] = (0.22, 0.22),
    matrix: int | tuple[int, int] = (64, 64),
    slices: int = 1,
    slice_thickness: float | None = None,
    slice_gap: float = 0.0,
    orientation: Orientation = Orientation.AXIAL,
    n_averages: int = 1,
    n_dummies: int = 2,
    oversampling: int = 2,
    crusher_cycles: float = 4.0,
    limits: Limits | None = None,
    name: str = "epi",
) -> Sequence:
    """A 2D multi-slice single-shot EPI, gradient-echo or spin-echo; lines run from LIN 0 up, odd ones backwards.

        S(k) ∝ PD exp(-t(k) / T2star) exp(-2 pi i dB0 t(k)),   t(k) = TE + (LIN - n/2) echo_spacing

    With a spin echo, T2prime and dB0 act for t(k) - TE only.

    B0             field whose defaults are used [T]
    TE, TR         [s]; TE None: the field's default, or the shortest if that is longer
    FA, refocus_FA [rad]
    spin_echo      refocus at TE / 2
    bandwidth      of a pixel along the readout [Hz]
    FOV, matrix    (readout, phase) or one number for both [m], [1]
    slices, slice_thickness, slice_gap   [1], [m], [m]
    n_averages     of the whole k-space
    n_dummies      shots of each slice before the first that is read
    oversampling   of the readout; the image keeps the plain matrix
    crusher_cycles turns across the slice on either side of the refocusing pulse
    limits         hardware

    Raises UsageError if TE or TR do not fit, naming the shortest that does.

    Mansfield, J. Phys. C 10, L55 (1977).
    """
    limits = limits or Limits()
    thickness = defaults.THICKNESS(B0) if slice_thickness is None else slice_thickness
    TR = nearest(TR, limits.block_raster)
    FOV, matrix = pair(FOV), pair(matrix)
    encoding = encoding_2d(
        FOV, matrix, slices=slices, slice_thickness=thickness, slice_gap=slice_gap, orientation=orientation
    )
    readout = cartesian_readout(
        FOV[0],
        matrix[0],
        defaults.EPI_BANDWIDTH(B0) if bandwidth is None else bandwidth,
        oversampling=oversampling,
        limits=limits,
    )
    lines = _lines(readout, 1 / FOV[1], matrix[1], limits)
    excitation = slice_excitation(FA, thickness, limits)
    refocus = _refocus(refocus_FA, thickness, crusher_cycles, limits) if spin_echo else None
    rephaser = lobe(excitation.rephase, limits)
    prephasers = lobe(-lines.before_echo, limits), lobe(-(matrix[1] // 2) / FOV[1], limits)
    spoiler = lobe(SPOIL_CYCLES / thickness, limits)

    # Shortest way from excitation to k = 0, and from refocusing to k = 0
    prephase = max(g.end for g in prephasers)
    if refocus is None:
        least = excitation.after_centre + max(prephase, rephaser.end) + lines.to_echo
    else:
        first = excitation.after_centre + rephaser.end + refocus.crush_up.end + refocus.selection.rf.centre
        second = refocus.selection.after_centre + max(prephase, refocus.crush_down.end) + lines.to_echo
        least = 2 * max(first, second)
    grain = (1 if refocus is None else 2) * limits.block_raster
    wanted = (defaults.EPI_SE_TE if spin_echo else defaults.EPI_TE)(B0)
    TE = nearest(max(wanted, least), grain) if TE is None else nearest(TE, grain)
    if TE < least - 1e-9:
        raise UsageError(
            f"TE {TE * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {up(least, grain) * 1e3:.2f} ms; "
            "a higher bandwidth or fewer lines shorten it.",
        )

    def front() -> Iterator[tuple[float, Gradient | None, Selection | None]]:
        """Blocks between excitation and first line: duration, slice gradient, refocusing pulse in it."""
        if refocus is None:
            yield TE - excitation.after_centre - lines.to_echo, rephaser, None
            return
        gap = TE / 2 - excitation.after_centre - refocus.selection.rf.centre
        yield gap, joined(rephaser, delayed(refocus.crush_up, gap - refocus.crush_up.end)), None
        yield refocus.selection.duration, refocus.gradient, refocus.selection
        yield TE / 2 - refocus.selection.after_centre - lines.to_echo, refocus.crush_down, None

    before = [(round(duration, 9), g, selection) for duration, g, selection in front()]
    offsets = [float(z) for z in encoding.slice_offsets]
    excitations = [excitation.selection.at(z) for z in offsets]
    refocusings = [refocus.selection.at(z) if refocus else None for z in offsets]
    block = orientation.block

    def play(place: int, turn: Turn) -> Iterator[Block]:
        yield block(excitation.duration, rf=excitations[place], slice=excitation.gradient)
        for n, (duration, g, selection) in enumerate(before):
            last = n == len(before) - 1
            yield block(
                duration,
                rf=refocusings[place] if selection else None,
                read=prephasers[0] if last else None,
                phase=prephasers[1] if last else None,
                slice=g,
            )
        for line in range(matrix[1]):
            labels = {"LIN": line, "SEG": line, "SLC": place, "AVG": turn.average}
            yield block(
                lines.spacing,
                read=lines.to_and_fro[line % 2],
                phase=lines.blip if line < matrix[1] - 1 else None,
                adc=None if turn.shot is None else lines.adc,
                labels=None if turn.shot is None else labels,
            )
        yield block(spoiler.end, slice=spoiler)

    duration = excitation.duration + sum(d for d, _, _ in before) + matrix[1] * lines.spacing + spoiler.end
    protocol = EchoPlanar(
        TE=TE,
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        slice_thickness=thickness,
        echo_spacing=lines.spacing,
        spin_echo=spin_echo,
        refocus_FA=refocus_FA,
    )
    scan = interleaved(slices, TR, duration, Repetitions(1, n_averages, n_dummies), play, limits)
    return finish(scan, encoding, protocol, limits, name)


@dataclass(frozen=True, eq=False)
class _Lines:
    """The readout train: gradients to and fro, the blip on the falling ramp, the window.

    spacing      [s];  to_echo  from the first line's start to k = 0 [s];  before_echo  readout area to undo [1/m]
    """

    to_and_fro: tuple[Gradient, Gradient]
    blip: Gradient
    adc: ADC
    spacing: float
    to_echo: float
    before_echo: float


def _lines(readout: Readout, step: float, n: int, limits: Limits) -> _Lines:
    blip = lobe(step, limits)
    ramp = max(readout.ramp, blip.end)
    spacing = round(2 * ramp + readout.flat, 9)
    forth = plateau(readout.amplitude, readout.flat, limits, ramp=ramp)
    return _Lines(
        to_and_fro=(forth, scaled(forth, -1.0)),
        blip=delayed(blip, ramp + readout.flat),
        adc=readout.adc(ramp),
        spacing=spacing,
        to_echo=n // 2 * spacing + spacing / 2,
        before_echo=forth.area / 2,
    )


@dataclass(frozen=True, eq=False)
class _Refocus:
    selection: Selection
    gradient: Gradient
    crush_up: Gradient
    crush_down: Gradient


def _refocus(FA: float, thickness: float, cycles: float, limits: Limits, duration: float = 2.56e-3) -> _Refocus:
    rf = windowed_sinc(
        FA, duration, time_bandwidth=4.2, apodisation=0.27, limits=limits, use=RFUse.REFOCUSING, phase=REFOCUS
    )
    selection, on = select_within(rf, 4.2 / duration, thickness, limits)
    area, G = cycles / thickness, selection.amplitude
    return _Refocus(selection, on, lobe(area, limits, after=G), lobe(area, limits, before=G))
