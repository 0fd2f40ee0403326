"""Turbo spin echo: several lines per excitation, each an echo of a CPMG train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import Block
from spinloom.sequence.geometry import Orientation, encoding_2d, pair
from spinloom.sequence.gradients import nearest
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._inversion import selective_inversion
from spinloom.sequence.protocols._line_order import lines_of_shots
from spinloom.sequence.protocols._multislice import Repetitions, Turn, interleaved, inverted
from spinloom.sequence.protocols._readout import cartesian_readout, phase_areas
from spinloom.sequence.protocols._spin_echoes import Pulses, Shot, Train, blocks, make_shot, make_train
from spinloom.sequence.sequence import Sequence


@dataclass(frozen=True, kw_only=True)
class TurboSpinEcho(Protocol):
    """A turbo spin echo; TE is the effective one, of the echo that reads k = 0.

    refocus_FA            flip angle of the refocusing pulses [rad]
    ETL                   echoes per excitation
    echo_spacing          [s]
    TI                    inversion centre to excitation centre [s]; None without inversion
    inversion_efficiency  1: Mz becomes -Mz
    """

    refocus_FA: float
    ETL: int
    echo_spacing: float
    TI: float | None = None
    inversion_efficiency: float = 1.0


@checked
def turbo_spin_echo(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    TI: float | None = None,
    FA: float = pi / 2,
    refocus_FA: float | None = None,
    ETL: int = 16,
    echo_spacing: float | None = None,
    bandwidth: float | None = None,
    FOV: float | tuple[float, float] = (0.24, 0.24),
    matrix: int | tuple[int, int] | None = None,
    slices: int = 1,
    slice_thickness: float | None = None,
    slice_gap: float = 0.0,
    orientation: Orientation = Orientation.AXIAL,
    n_averages: int = 1,
    n_dummies: int = 1,
    oversampling: int = 2,
    crusher_cycles: float = 4.0,
    pulses: Pulses | None = None,
    limits: Limits | None = None,
    name: str = "turbo_spin_echo",
) -> Sequence:
    """A 2D multi-slice turbo spin echo, T2-weighted by default.

        S(k) ∝ PD [1 - exp(-(TR - ETL ESP) / T1)] exp(-n ESP / T2),   n the echo that reads k (180 degree pulses)

    B0                  field whose defaults are used [T]
    TE, TR, TI          effective echo, repetition and inversion time [s]; TI None: no inversion
    FA, refocus_FA      [rad]
    ETL                 echoes per excitation
    echo_spacing        [s]; None: the longest that puts an echo at TE; given: the echo nearest to TE reads k = 0
    bandwidth           of a pixel [Hz]
    FOV, matrix         (readout, phase) or one number for both [m], [1]
    slices, slice_thickness, slice_gap   [1], [m], [m]
    n_averages          of the whole k-space
    n_dummies           shots played before the first that is read
    oversampling        of the readout; the image keeps the plain matrix
    crusher_cycles      turns across the slice between a refocusing pulse and its readout
    pulses, limits      shapes of the pulses; hardware

    Raises UsageError if TE, TR, TI or echo_spacing do not fit, naming the shortest that does.

    Hennig, Nauerth & Friedburg, Magn. Reson. Med. 3, 823 (1986).
    """
    limits = limits or Limits()
    TE = defaults.TSE_TE(B0) if TE is None else TE
    TR = nearest(defaults.TSE_TR(B0) if TR is None else TR, limits.block_raster)
    TI = None if TI is None else nearest(TI, limits.block_raster)
    refocus_FA = defaults.TSE_REFOCUS(B0) if refocus_FA is None else refocus_FA
    thickness = defaults.THICKNESS(B0) if slice_thickness is None else slice_thickness
    FOV = pair(FOV)
    n_read, n_phase = pair(
        (defaults.pixels(FOV[0], defaults.PIXEL(B0)), defaults.pixels(FOV[1], defaults.PIXEL(B0)))
        if matrix is None
        else matrix
    )
    encoding = encoding_2d(
        FOV, (n_read, n_phase), slices=slices, slice_thickness=thickness, slice_gap=slice_gap, orientation=orientation
    )
    readout = cartesian_readout(
        FOV[0],
        n_read,
        defaults.BANDWIDTH(B0) if bandwidth is None else bandwidth,
        oversampling=oversampling,
        limits=limits,
        odd=echo_spacing is not None and round(echo_spacing / limits.block_raster) % 2 == 1,
    )
    train = make_train(
        FA=FA,
        refocus_FA=refocus_FA,
        pulses=pulses or Pulses(),
        slice_thickness=thickness,
        crusher_cycles=crusher_cycles,
        readout=readout,
        areas=phase_areas(FOV[1], n_phase),
        orientation=orientation,
        limits=limits,
    )
    shot, effective = time_train(train, ETL, TE, echo_spacing)
    order = lines_of_shots(n_phase, ETL, effective)
    repetitions = Repetitions(len(order), n_averages, n_dummies)
    offsets = [float(z) for z in encoding.slice_offsets]

    def play(place: int, turn: Turn) -> Iterator[Block]:
        if turn.shot is None:
            return blocks(shot, offsets[place], (None,) * ETL, {})
        return blocks(shot, offsets[place], order[turn.shot], {"SLC": place, "AVG": turn.average})

    efficiency = 1.0
    if TI is None:
        scan = interleaved(slices, TR, shot.duration, repetitions, play, limits)
    else:
        inversion = selective_inversion(thickness, orientation, limits)
        efficiency = inversion.efficiency
        scan = inverted(
            n_slices=slices,
            TR=TR,
            TI=TI,
            shot_duration=shot.duration,
            excitation_centre=shot.excitation_centre,
            inversion=lambda place: inversion.block(offsets[place]),
            inversion_centre=inversion.centre,
            repetitions=repetitions,
            shot=play,
            limits=limits,
        )
    protocol = TurboSpinEcho(
        TE=round((effective + 1) * shot.echo_spacing, 9),
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        slice_thickness=thickness,
        refocus_FA=refocus_FA,
        ETL=ETL,
        echo_spacing=shot.echo_spacing,
        TI=TI,
        inversion_efficiency=efficiency,
    )
    return finish(scan, encoding, protocol, limits, name)


def time_train(train: Train, ETL: int, TE: float, echo_spacing: float | None) -> tuple[Shot, int]:
    """Choose the echo (from 0) that sets the contrast, and the echo spacing if it is free [s].

    Raises UsageError if no echo of the train can come at TE.
    """
    if ETL < 1:
        raise UsageError(f"an echo train of {ETL} reads nothing", remedy="Use ETL 1 or more.")
    spacing = train.shortest_spacing if echo_spacing is None else echo_spacing
    count = int(TE / spacing + 1e-6) if echo_spacing is None else round(TE / spacing)
    if count < 1:
        raise UsageError(
            f"TE {TE * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {spacing * 1e3:.2f} ms; a higher bandwidth shortens it.",
        )
    if count > ETL and echo_spacing is not None:
        raise UsageError(
            f"TE {TE * 1e3:.2f} ms lies beyond the last of {ETL} echoes at {ETL * spacing * 1e3:.2f} ms",
            remedy="Use a longer echo train, a longer echo spacing or a shorter TE.",
        )
    count = min(count, ETL)
    shot = make_shot(train, ETL, TE / count if echo_spacing is None else echo_spacing)
    return shot, count - 1
