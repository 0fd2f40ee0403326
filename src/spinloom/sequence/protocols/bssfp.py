"""Balanced steady-state free precession: every gradient moment is zero over TR, the pulse's phase alternates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults
from spinloom.sequence.events import Block
from spinloom.sequence.geometry import Orientation, encoding_2d, pair
from spinloom.sequence.gradients import lobe, nearest, up
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._finish import finish
from spinloom.sequence.protocols._gradient_echo import Kernel, blocks, make_kernel, slice_excitation
from spinloom.sequence.protocols._multislice import Repetitions, pause
from spinloom.sequence.protocols._readout import cartesian_readout, phase_areas
from spinloom.sequence.pulses import EXCITE
from spinloom.sequence.sequence import Sequence

PULSE = {"duration": 1.2e-3, "time_bandwidth": 2.4}
"""Short pulses: TR is what counts."""


@dataclass(frozen=True, kw_only=True)
class BalancedSSFP(Protocol):
    """Balanced SSFP with phase alternation; TE is half TR."""


@checked
def bssfp(
    *,
    B0: float = 3.0,
    TR: float | None = None,
    FA: float | None = None,
    bandwidth: float | None = None,
    FOV: float | tuple[float, float] = (0.24, 0.24),
    matrix: int | tuple[int, int] = (128, 128),
    slices: int = 1,
    slice_thickness: float | None = None,
    slice_gap: float = 0.0,
    orientation: Orientation = Orientation.AXIAL,
    n_averages: int = 1,
    n_dummies: int = 200,
    oversampling: int = 2,
    limits: Limits | None = None,
    name: str = "bssfp",
) -> Sequence:
    """A 2D balanced SSFP; slices come one after the other.

        S ∝ PD sin FA (1 - E1) / (1 - (E1 - E2) cos FA - E1 E2) exp(-TE / T2)   on resonance, TE = TR / 2

    Pulses alternate in phase by half a turn; each slice starts with half a flip, TR / 2 before the first pulse.

    B0             field whose defaults are used [T]
    TR             [s]; None: the field's default, or the shortest if that is longer
    FA             [rad]
    bandwidth      of a pixel [Hz]
    FOV, matrix    (readout, phase) or one number for both [m], [1]
    slices, slice_thickness, slice_gap   [1], [m], [m]
    n_averages     of the whole k-space
    n_dummies      pulses of each slice before the first that is read
    oversampling   of the readout; the image keeps the plain matrix
    limits         hardware

    Raises UsageError if TR does not fit, naming the shortest that does.

    Carr, Phys. Rev. 112, 1693 (1958); Scheffler & Lehnhardt, Eur. Radiol. 13, 2409 (2003).
    """
    limits = limits or Limits()
    FA = defaults.SSFP_FA(B0) if FA is None else FA
    thickness = defaults.THICKNESS(B0) if slice_thickness is None else slice_thickness
    FOV, matrix = pair(FOV), pair(matrix)
    encoding = encoding_2d(
        FOV, matrix, slices=slices, slice_thickness=thickness, slice_gap=slice_gap, orientation=orientation
    )
    readout = cartesian_readout(
        FOV[0],
        matrix[0],
        defaults.SSFP_BANDWIDTH(B0) if bandwidth is None else bandwidth,
        oversampling=oversampling,
        limits=limits,
    )
    excitation = slice_excitation(FA, thickness, limits, **PULSE)
    starter = slice_excitation(FA / 2, thickness, limits, **PULSE)
    assert excitation.gradient is not None
    before = excitation.gradient.area + excitation.rephase

    def kernel_at(TE: float | None) -> Kernel:
        return make_kernel(
            excitation,
            readout,
            echo_times=None if TE is None else (TE,),
            areas=phase_areas(FOV[1], matrix[1]),
            partitions=[0.0],
            read_spoil=0.0,
            slice_spoil=-before,
            orientation=orientation,
            limits=limits,
        )

    fastest = kernel_at(None)
    second_half = excitation.selection.rf.centre + fastest.line.end / 2 + fastest.ending
    balance = lobe(excitation.rephase - before, limits)
    least = up(
        2 * max(fastest.echo_times[0], second_half, excitation.duration + balance.end),
        2 * limits.block_raster,
    )
    TR = max(defaults.SSFP_TR(B0), least) if TR is None else nearest(TR, 2 * limits.block_raster)
    if TR < least - 1e-9:
        raise UsageError(
            f"TR {TR * 1e3:.2f} ms is too short",
            remedy=f"The shortest with these settings is {least * 1e3:.2f} ms; a higher bandwidth shortens it.",
        )
    kernel = kernel_at(TR / 2)
    offsets = [float(z) for z in encoding.slice_offsets]

    def scan() -> Iterator[Block]:
        wait = TR / 2 - starter.duration - balance.end
        for place, offset in enumerate(offsets):
            half = starter.selection.at(offset, EXCITE + pi)
            yield orientation.block(starter.duration, rf=half, slice=excitation.gradient)
            yield orientation.block(balance.end, slice=balance)
            yield from pause(wait)
            for turn in Repetitions(matrix[1], n_averages, n_dummies):
                yield from blocks(
                    kernel,
                    line=turn.shot,
                    offset=offset,
                    phase=pi * (turn.number % 2),
                    labels={"SLC": place, "AVG": turn.average},
                )
                yield from pause(TR - kernel.duration)

    protocol = BalancedSSFP(
        TE=kernel.echo_times[0],
        TR=TR,
        FA=FA,
        bandwidth=readout.bandwidth,
        n_averages=n_averages,
        slice_thickness=thickness,
    )
    return finish(scan(), encoding, protocol, limits, name)
