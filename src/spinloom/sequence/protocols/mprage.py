"""MPRAGE: a volume read by trains of gradient echoes, each train after an inversion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import Block
from spinloom.sequence.geometry import Orientation, encoding_3d, triple
from spinloom.sequence.gradients import nearest
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._gradient_echo import blocks, global_excitation, make_kernel, spoiling_phase
from spinloom.sequence.protocols._inversion import global_inversion
from spinloom.sequence.protocols._multislice import Repetitions, pause
from spinloom.sequence.protocols._readout import cartesian_readout, phase_areas
from spinloom.sequence.sequence import Sequence


@dataclass(frozen=True, kw_only=True)
class MPRAGE(Protocol):
    """Magnetisation-prepared rapid gradient echo; TR is from inversion to inversion.

    TI                    inversion centre to the excitation that reads the k-space centre [s]
    echo_spacing          from excitation to excitation of a train [s]
    n_inner               excitations of a train
    inversion_efficiency  1: Mz becomes -Mz
    """

    TI: float
    echo_spacing: float
    n_inner: int
    inversion_efficiency: float = 1.0


@checked
def mprage(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    TI: float | None = None,
    FA: float | None = None,
    echo_spacing: float | None = None,
    bandwidth: float | None = None,
    FOV: float | tuple[float, float, float] = (0.256, 0.256, 0.192),
    matrix: int | tuple[int, int, int] | None = None,
    orientation: Orientation = Orientation.SAGITTAL,
    n_averages: int = 1,
    n_dummies: int = 1,
    oversampling: int = 2,
    rf_spoil_increment: float = 117 * pi / 180,
    spoil_cycles: float = 2.0,
    limits: Limits | None = None,
    name: str = "mprage",
) -> Sequence:
    """A 3D MPRAGE: every train reads all partitions of one line, in order, so TI belongs to the middle partition.

    B0             field whose defaults are used [T]
    TE, TR, TI     echo time (None: the shortest), inversion to inversion, inversion to the k-space centre [s]
    FA             [rad]
    echo_spacing   excitation to excitation [s]; None: the shortest
    bandwidth      of a pixel [Hz]
    FOV, matrix    (readout, phase, partition) or one number for all [m], [1]
    n_averages     of the whole k-space
    n_dummies      trains played before the first that is read
    oversampling   of the readout; the image keeps the plain matrix
    rf_spoil_increment   of the quadratic phase series [rad]
    spoil_cycles   turns across a voxel at the end of each repetition, along readout and partitions
    limits         hardware

    Raises UsageError if TE, TI, TR or echo_spacing do not fit, naming the shortest that does.

    Mugler & Brookeman, Magn. Reson. Med. 15, 152 (1990); Deichmann et al., NeuroImage 12, 112 (2000).
    """
    limits = limits or Limits()
    raster = limits.block_raster
    TR = nearest(defaults.MPRAGE_TR(B0) if TR is None else TR, raster)
    TI = nearest(defaults.MPRAGE_TI(B0) if TI is None else TI, raster)
    FA = defaults.MPRAGE_FA(B0) if FA is None else FA
    FOV = triple(FOV)
    n_read, n_phase, n_inner = (
        triple(matrix) if matrix else tuple(defaults.pixels(length, defaults.VOXEL_3D(B0)) for length in FOV)
    )
    encoding = encoding_3d(FOV, (n_read, n_phase, n_inner), orientation=orientation)
    readout = cartesian_readout(
        FOV[0],
        n_read,
        defaults.BANDWIDTH_3D(B0) if bandwidth is None else bandwidth,
        oversampling=oversampling,
        limits=limits,
    )
    kernel = make_kernel(
        global_excitation(FA, limits),
        readout,
        echo_times=None if TE is None else (TE,),
        areas=phase_areas(FOV[1], n_phase),
        partitions=phase_areas(FOV[2], n_inner),
        read_spoil=spoil_cycles * n_read / FOV[0],
        slice_spoil=spoil_cycles * n_inner / FOV[2],
        orientation=orientation,
        limits=limits,
    )
    spacing = kernel.duration if echo_spacing is None else nearest(echo_spacing, raster)
    if spacing < kernel.duration - 1e-9:
        raise UsageError(
            f"an echo spacing of {spacing * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {kernel.duration * 1e3:.2f} ms.",
        )
    inversion = global_inversion(orientation, limits)
    wait = TI - (inversion.duration - inversion.centre) - n_inner // 2 * spacing - kernel.excitation.selection.rf.centre
    if wait < -1e-9:
        raise UsageError(
            f"TI {TI * 1e3:.1f} ms is too short for a train whose centre comes after {n_inner // 2} excitations",
            remedy=f"The shortest with these settings is {(TI - wait) * 1e3:.1f} ms; "
            "fewer partitions or a higher bandwidth shorten it.",
        )
    rest = TR - inversion.duration - wait - n_inner * spacing
    if rest < -1e-9:
        raise UsageError(
            f"TR {TR * 1e3:.1f} ms is too short",
            remedy=f"The shortest with these settings is {(TR - rest) * 1e3:.1f} ms.",
        )

    def scan() -> Iterator[Block]:
        invert = inversion.block(0.0)
        gap = spacing - kernel.duration
        for turn in Repetitions(n_phase, n_averages, n_dummies):
            yield invert
            yield from pause(wait)
            for n in range(n_inner):
                yield from blocks(
                    kernel,
                    line=turn.shot,
                    partition=n,
                    phase=spoiling_phase(turn.number * n_inner + n, rf_spoil_increment),
                    labels={"PAR": n, "SEG": n, "AVG": turn.average},
                )
                yield from pause(gap)
            yield from pause(rest)

    protocol = MPRAGE(
        TE=kernel.echo_times[0],
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        TI=TI,
        echo_spacing=spacing,
        n_inner=n_inner,
        inversion_efficiency=inversion.efficiency,
    )
    return finish(scan(), encoding, protocol, limits, name)
