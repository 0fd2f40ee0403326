"""Where a scan lies: orientation → gradient axes, image grid in the scanner frame, slice positions and their order."""

from __future__ import annotations

from enum import Enum
from math import ceil
from typing import TypeVar

import numpy as np

from spinloom.core.encoding import Encoding
from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.sequence.events import ADC, RF, Block, Gradient

N = TypeVar("N", int, float)
MOST_READOUTS = 2**20


class Orientation(Enum):
    """Which scanner axes (0, 1, 2 = right, anterior, superior) are read, phase encoded and sliced."""

    AXIAL = (0, 1, 2)
    CORONAL = (2, 0, 1)
    SAGITTAL = (2, 1, 0)

    @property
    def readout(self) -> int:
        return self.value[0]

    @property
    def phase(self) -> int:
        return self.value[1]

    @property
    def slice(self) -> int:
        return self.value[2]

    def block(
        self,
        duration: float,
        *,
        rf: RF | None = None,
        read: Gradient | None = None,
        phase: Gradient | None = None,
        slice: Gradient | None = None,
        adc: ADC | None = None,
        labels: dict[str, int] | None = None,
    ) -> Block:
        """A block whose gradients are named by what they do."""
        axis: list[Gradient | None] = [None, None, None]
        axis[self.readout], axis[self.phase], axis[self.slice] = read, phase, slice
        return Block(duration, rf, axis[0], axis[1], axis[2], adc, labels)


def encoding_2d(
    FOV: tuple[float, float],
    matrix: tuple[int, int],
    *,
    slices: int,
    slice_thickness: float,
    slice_gap: float,
    orientation: Orientation,
) -> Encoding:
    """Slices centred on the isocentre; the grid's step across slices is thickness + gap.

    FOV, matrix                 (readout, phase) [m], [1]
    slice_thickness, slice_gap  [m]
    """
    if slices < 1 or slice_thickness <= 0 or slice_gap < 0:
        raise UsageError(
            f"{slices} slices of {slice_thickness * 1e3:g} mm with a gap of {slice_gap * 1e3:g} mm cannot be placed",
            remedy="Use at least 1 slice, a positive thickness and a gap of 0 or more.",
        )
    step = slice_thickness + slice_gap
    return _encoding((*FOV, step * slices), (*matrix, slices), orientation, volume=False)


def encoding_3d(FOV: tuple[float, float, float], matrix: tuple[int, int, int], *, orientation: Orientation) -> Encoding:
    """A volume centred on the isocentre. FOV, matrix: (readout, phase, partition) [m], [1]."""
    return _encoding(FOV, matrix, orientation, volume=True)


def _encoding(
    FOV: tuple[float, float, float], matrix: tuple[int, int, int], orientation: Orientation, *, volume: bool
) -> Encoding:
    if min(FOV) <= 0 or min(matrix) < 1:
        raise UsageError(f"field of view {FOV} m with matrix {matrix} holds no voxel", remedy="Use positive numbers.")
    if (readouts := matrix[1] * matrix[2]) > MOST_READOUTS:
        raise UsageError(
            f"a matrix of {' x '.join(map(str, matrix))} needs {readouts:,} lines, more than {MOST_READOUTS:,}",
            remedy="Use fewer lines or slices.",
        )
    shape = [1, 1, 1]
    voxel_mm = np.ones(3)
    for axis, length, n in zip(orientation.value, FOV, matrix):
        shape[axis] = n
        voxel_mm[axis] = length / n * 1e3
    grid = Grid.centred((shape[0], shape[1], shape[2]), voxel_mm)
    return Encoding(grid, readout_axis=orientation.readout, phase_axis=orientation.phase, volume=volume)


def packages(n_slices: int, most: int) -> tuple[tuple[int, ...], ...]:
    """Slices shared out to as few repetitions as hold `most` slices each; neighbours are excited far apart in time.

    With C packages, package c holds slices c, c + C, c + 2C ..., the even ones of these first, then the odd ones.
    """
    n = ceil(n_slices / most)
    groups = (tuple(range(c, n_slices, n)) for c in range(n))
    return tuple(group[0::2] + group[1::2] for group in groups)


def pair(value: N | tuple[N, N]) -> tuple[N, N]:
    """(readout, phase); one number stands for both."""
    return value if isinstance(value, tuple) else (value, value)


def triple(value: N | tuple[N, N, N]) -> tuple[N, N, N]:
    """(readout, phase, partition); one number stands for all three."""
    return value if isinstance(value, tuple) else (value, value, value)
