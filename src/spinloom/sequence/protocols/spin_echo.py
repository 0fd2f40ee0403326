"""Spin echo: one excitation, one refocusing pulse, one line."""

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
from spinloom.sequence.protocols._multislice import Repetitions, Turn, interleaved, inverted
from spinloom.sequence.protocols._readout import cartesian_readout, phase_areas
from spinloom.sequence.protocols._spin_echoes import Pulses, blocks, make_shot, make_train
from spinloom.sequence.sequence import Sequence


@dataclass(frozen=True, kw_only=True)
class SpinEcho(Protocol):
    """A spin echo, with an inversion before it if TI is given.

    refocus_FA            flip angle of the refocusing pulse [rad]
    TI                    inversion centre to excitation centre [s]; None without inversion
    inversion_efficiency  1: Mz becomes -Mz
    """

    refocus_FA: float
    TI: float | None = None
    inversion_efficiency: float = 1.0


@checked
def spin_echo(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    TI: float | None = None,
    FA: float = pi / 2,
    refocus_FA: float = pi,
    bandwidth: float | None = None,
    FOV: float | tuple[float, float] = (0.24, 0.24),
    matrix: int | tuple[int, int] | None = None,
    slices: int = 1,
    slice_thickness: float | None = None,
    slice_gap: float = 0.0,
    orientation: Orientation = Orientation.AXIAL,
    n_averages: int = 1,
    n_dummies: int = 2,
    oversampling: int = 2,
    crusher_cycles: float = 4.0,
    pulses: Pulses | None = None,
    limits: Limits | None = None,
    name: str = "spin_echo",
) -> Sequence:
    """A 2D multi-slice spin echo, T1-weighted by default.

        S ∝ PD [1 - 2 exp(-(TR - TE/2) / T1) + exp(-TR / T1)] exp(-TE / T2)   (90 and 180 degrees, no inversion)

    B0                  field whose defaults are used [T]
    TE, TR, TI          echo, repetition and inversion time [s]; TI None: no inversion
    FA, refocus_FA      [rad]
    bandwidth           of a pixel [Hz]
    FOV, matrix         (readout, phase) or one number for both [m], [1]
    slices, slice_thickness, slice_gap   [1], [m], [m]
    n_averages          of the whole k-space
    n_dummies           repetitions played before the first that is read
    oversampling        of the readout; the image keeps the plain matrix
    crusher_cycles      turns across the slice on either side of the refocusing pulse
    pulses, limits      shapes of the pulses; hardware

    Raises UsageError if TE, TR or TI do not fit, naming the shortest that does.

    Hahn, Phys. Rev. 80, 580 (1950).
    """
    limits = limits or Limits()
    TE = defaults.SE_TE(B0) if TE is None else TE
    TR = nearest(defaults.SE_TR(B0) if TR is None else TR, limits.block_raster)
    TI = None if TI is None else nearest(TI, limits.block_raster)
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
        odd=round(TE / limits.block_raster) % 2 == 1,
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
    if TE < train.shortest_spacing - limits.block_raster:
        raise UsageError(
            f"TE {TE * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {train.shortest_spacing * 1e3:.2f} ms; "
            "a higher bandwidth, shorter pulses or thicker slices shorten it.",
        )
    shot = make_shot(train, 1, TE)
    repetitions = Repetitions(n_phase, n_averages, n_dummies)
    offsets = [float(z) for z in encoding.slice_offsets]

    def play(place: int, turn: Turn) -> Iterator[Block]:
        return blocks(shot, offsets[place], (turn.shot,), {"SLC": place, "AVG": turn.average})

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
    protocol = SpinEcho(
        TE=shot.echo_spacing,
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        slice_thickness=thickness,
        refocus_FA=refocus_FA,
        TI=TI,
        inversion_efficiency=efficiency,
    )
    return finish(scan, encoding, protocol, limits, name)
