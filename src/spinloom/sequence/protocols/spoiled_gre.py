"""Spoiled gradient echo in 2D or 3D, with one echo or several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

from spinloom.core.encoding import Encoding
from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import Block
from spinloom.sequence.geometry import Orientation, encoding_2d, encoding_3d, pair
from spinloom.sequence.gradients import nearest
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._gradient_echo import (
    Kernel,
    blocks,
    echo_distance,
    global_excitation,
    make_kernel,
    slice_excitation,
    spoiling_phase,
)
from spinloom.sequence.protocols._multislice import Repetitions, Turn, interleaved
from spinloom.sequence.protocols._readout import cartesian_readout, phase_areas
from spinloom.sequence.sequence import Sequence


@dataclass(frozen=True, kw_only=True)
class SpoiledGRE(Protocol):
    """A spoiled gradient echo; TE is that of the first echo.

    rf_spoil_increment  of the quadratic phase series [rad]
    echo_times          of all echoes [s]
    """

    rf_spoil_increment: float
    echo_times: tuple[float, ...]


@checked
def spoiled_gre(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    FA: float | None = None,
    echo_times: tuple[float, ...] | None = None,
    n_echoes: int = 1,
    bandwidth: float | None = None,
    FOV: float | tuple[float, ...] = (0.24, 0.24),
    matrix: int | tuple[int, ...] | None = None,
    slices: int = 1,
    slice_thickness: float | None = None,
    slice_gap: float = 0.0,
    orientation: Orientation = Orientation.AXIAL,
    n_averages: int = 1,
    n_dummies: int = 20,
    oversampling: int = 2,
    rf_spoil_increment: float = 117 * pi / 180,
    spoil_cycles: float = 2.0,
    limits: Limits | None = None,
    name: str = "spoiled_gre",
) -> Sequence:
    """A spoiled gradient echo: 2D multi-slice, or 3D (not selective) if FOV has three lengths.

        S ∝ PD sin FA (1 - E1) / (1 - E1 cos FA) exp(-TE / T2star),   E1 = exp(-TR / T1)

    B0             field whose defaults are used [T]
    TE, TR         [s]; TE None: the field's default, or the shortest if that is longer
    FA             [rad]
    echo_times     several echoes of one polarity instead of one at TE [s]
    n_echoes       how many, if echo_times is not given: at TE, 2 TE ... or as far apart as the readout needs
    bandwidth      of a pixel [Hz]
    FOV, matrix    (readout, phase) or (readout, phase, partition) [m], [1]
    slices, slice_thickness, slice_gap   of 2D [1], [m], [m]
    n_averages     of the whole k-space
    n_dummies      repetitions played before the first that is read
    oversampling   of the readout; the image keeps the plain matrix
    rf_spoil_increment   of the quadratic phase series [rad]
    spoil_cycles   turns at the end of each repetition, across a pixel along the readout and across the slice
    limits         hardware

    Raises UsageError if TE or TR do not fit, naming the shortest that does.

    Haase et al., J. Magn. Reson. 67, 258 (1986); Zur, Wood & Neuringer, Magn. Reson. Med. 21, 251 (1991).
    """
    limits = limits or Limits()
    FOV = FOV if isinstance(FOV, tuple) else pair(FOV)
    matrix = (matrix,) * len(FOV) if isinstance(matrix, int) else matrix
    volume = len(FOV) == 3
    TR = nearest((defaults.GRE_TR_3D if volume else defaults.GRE_TR_2D)(B0) if TR is None else TR, limits.block_raster)
    FA = (defaults.GRE_FA_3D if volume else defaults.GRE_FA_2D)(B0) if FA is None else FA
    thickness = None if volume else (defaults.THICKNESS(B0) if slice_thickness is None else slice_thickness)
    encoding, shape = _encoding(FOV, matrix, B0, slices, thickness, slice_gap, orientation)
    band = (defaults.BANDWIDTH_3D if volume else defaults.BANDWIDTH)(B0) if bandwidth is None else bandwidth
    readout = cartesian_readout(FOV[0], shape[0], band, oversampling=oversampling, limits=limits)

    def kernel_at(times: tuple[float, ...] | None) -> Kernel:
        across = FOV[2] / shape[2] if thickness is None else thickness
        return make_kernel(
            global_excitation(FA, limits) if thickness is None else slice_excitation(FA, thickness, limits),
            readout,
            echo_times=times,
            areas=phase_areas(FOV[1], shape[1]),
            partitions=phase_areas(FOV[2], shape[2]) if volume else [0.0],
            read_spoil=spoil_cycles * shape[0] / FOV[0],
            slice_spoil=spoil_cycles / across,
            orientation=orientation,
            limits=limits,
        )

    if echo_times is None:
        first = max(defaults.GRE_TE(B0), kernel_at(None).echo_times[0]) if TE is None else TE
        step = max(first, echo_distance(readout, limits))
        echo_times = tuple(first + n * step for n in range(n_echoes))
    kernel = kernel_at(echo_times)
    offsets = [0.0] if volume else [float(z) for z in encoding.slice_offsets]
    partitions = shape[2] if volume else 1

    def play(place: int, turn: Turn) -> Iterator[Block]:
        line, partition = (None, 0) if turn.shot is None else divmod(turn.shot, partitions)
        return blocks(
            kernel,
            line=line,
            partition=partition,
            offset=offsets[place],
            phase=spoiling_phase(turn.number, rf_spoil_increment),
            labels={"AVG": turn.average, **({"PAR": partition} if volume else {"SLC": place})},
        )

    protocol = SpoiledGRE(
        TE=kernel.echo_times[0],
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        slice_thickness=thickness,
        rf_spoil_increment=rf_spoil_increment,
        echo_times=kernel.echo_times,
    )
    repetitions = Repetitions(shape[1] * partitions, n_averages, n_dummies)
    scan = interleaved(len(offsets), TR, kernel.duration, repetitions, play, limits)
    return finish(scan, encoding, protocol, limits, name)


def _encoding(
    FOV: tuple[float, ...],
    matrix: tuple[int, ...] | None,
    B0: float,
    slices: int,
    thickness: float | None,
    gap: float,
    orientation: Orientation,
) -> tuple[Encoding, tuple[int, ...]]:
    size = (defaults.PIXEL if thickness else defaults.VOXEL_3D)(B0)
    shape = tuple(defaults.pixels(length, size) for length in FOV) if matrix is None else matrix
    if len(shape) != len(FOV):
        raise UsageError(f"FOV has {len(FOV)} lengths and matrix {len(shape)}", remedy="Give two each, or three each.")
    if thickness is None:
        return encoding_3d((FOV[0], FOV[1], FOV[2]), (shape[0], shape[1], shape[2]), orientation=orientation), shape
    return encoding_2d(
        (FOV[0], FOV[1]),
        (shape[0], shape[1]),
        slices=slices,
        slice_thickness=thickness,
        slice_gap=gap,
        orientation=orientation,
    ), shape
