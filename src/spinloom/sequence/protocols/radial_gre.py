"""Radial gradient echo: every line goes through the middle of k-space, at another angle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, cos, pi, sin, sqrt

from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import Block, Gradient
from spinloom.sequence.geometry import Orientation, encoding_2d
from spinloom.sequence.gradients import nearest, scaled
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._gradient_echo import blocks, make_kernel, slice_excitation, spoiling_phase
from spinloom.sequence.protocols._multislice import Repetitions, Turn, interleaved
from spinloom.sequence.protocols._readout import cartesian_readout
from spinloom.sequence.sequence import Sequence

GOLDEN_ANGLE = pi * (sqrt(5) - 1) / 2
"""111.25 degrees: any run of spokes is spread almost evenly (Winkelmann et al., IEEE TMI 26, 68 (2007)) [rad]."""


@dataclass(frozen=True, kw_only=True)
class RadialGRE(Protocol):
    """A radial spoiled gradient echo.

    n_spokes            lines through the middle
    rf_spoil_increment  of the quadratic phase series [rad]
    """

    n_spokes: int
    rf_spoil_increment: float


@checked
def radial_gre(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    FA: float | None = None,
    n_spokes: int | None = None,
    golden: bool = True,
    bandwidth: float | None = None,
    FOV: float = 0.24,
    matrix: int = 192,
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
    name: str = "radial_gre",
) -> Sequence:
    """A 2D multi-slice radial gradient echo; LIN counts spokes.

        k = (n + 1/2 - N/2) / (oversampling FOV) (cos a, sin a),   a = LIN pi / n_spokes, or LIN times the golden angle

    B0             field whose defaults are used [T]
    TE, TR         [s]; TE None: the shortest
    FA             [rad]
    n_spokes       None: enough for the edge of k-space, pi/2 matrix
    golden         golden-angle steps instead of even ones
    bandwidth      of a pixel [Hz]
    FOV, matrix    square [m], [1]
    slices, slice_thickness, slice_gap   [1], [m], [m]
    n_averages     of all spokes
    n_dummies      repetitions before the first that is read
    oversampling   of the readout
    rf_spoil_increment   of the quadratic phase series [rad]
    spoil_cycles   turns across the slice, and across a pixel along the spoke, at the end of each repetition
    limits         hardware

    Raises UsageError if TE or TR do not fit, naming the shortest that does.

    Lauterbur, Nature 242, 190 (1973); Winkelmann et al., IEEE Trans. Med. Imaging 26, 68 (2007).
    """
    limits = limits or Limits()
    thickness = defaults.THICKNESS(B0) if slice_thickness is None else slice_thickness
    TR = nearest(defaults.GRE_TR_2D(B0) if TR is None else TR, limits.block_raster)
    FA = defaults.GRE_FA_2D(B0) if FA is None else FA
    n_spokes = ceil(pi / 2 * matrix) if n_spokes is None else n_spokes
    encoding = encoding_2d(
        (FOV, FOV),
        (matrix, matrix),
        slices=slices,
        slice_thickness=thickness,
        slice_gap=slice_gap,
        orientation=orientation,
    )
    readout = cartesian_readout(
        FOV,
        matrix,
        defaults.BANDWIDTH(B0) if bandwidth is None else bandwidth,
        oversampling=oversampling,
        limits=limits,
    )
    kernel = make_kernel(
        slice_excitation(FA, thickness, limits),
        readout,
        echo_times=None if TE is None else (TE,),
        areas=[0.0] * n_spokes,
        partitions=[0.0],
        read_spoil=spoil_cycles * matrix / FOV,
        slice_spoil=spoil_cycles / thickness,
        orientation=orientation,
        limits=limits,
    )
    step = GOLDEN_ANGLE if golden else pi / n_spokes
    offsets = [float(z) for z in encoding.slice_offsets]
    turned: dict[tuple[int, int], tuple[Gradient, Gradient]] = {}

    def play(place: int, turn: Turn) -> Iterator[Block]:
        spoke = turn.shot or 0
        for b in blocks(
            kernel,
            line=turn.shot,
            offset=offsets[place],
            phase=spoiling_phase(turn.number, rf_spoil_increment),
            labels={"SLC": place, "AVG": turn.average},
        ):
            along = b.gradients[orientation.readout]
            if along is None:
                yield b
                continue
            key = spoke, id(along)
            if key not in turned:
                turned[key] = scaled(along, cos(spoke * step)), scaled(along, sin(spoke * step))
            read, phase = turned[key]
            through = b.gradients[orientation.slice]
            yield orientation.block(b.duration, read=read, phase=phase, slice=through, adc=b.adc, labels=b.labels)

    protocol = RadialGRE(
        TE=kernel.echo_times[0],
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        slice_thickness=thickness,
        n_spokes=n_spokes,
        rf_spoil_increment=rf_spoil_increment,
    )
    scan = interleaved(slices, TR, kernel.duration, Repetitions(n_spokes, n_averages, n_dummies), play, limits)
    return finish(scan, encoding, protocol, limits, name)
