"""Which lines of a Cartesian raster were acquired: gaps, partial Fourier, the fully sampled centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.reconstruction.scan import Scan

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lines:
    """Acquired lines along one axis of the image: k = (n + offset) / FOV.

    axis    of the image (0, 1, 2)
    n       (m,) sorted, distinct
    offset  in (-1/2, 1/2]
    N       voxels along the axis: the whole raster is n = -(N // 2) ... (N - 1) // 2
    """

    axis: int
    n: Ints
    offset: float
    N: int

    @property
    def raster(self) -> Ints:
        return np.arange(self.N) - self.N // 2

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(N,) raster lines between the first and the last that was acquired."""
        return np.asarray((self.raster >= self.n[0]) & (self.raster <= self.n[-1]))

    @property
    def is_partial(self) -> bool:
        """Whether one end reaches less far from k = 0 than the other, by more than the lone line of an even raster."""
        first, last = float(self.n[0] + self.offset), float(self.n[-1] + self.offset)
        return abs(first + last) > self.acceleration + 1.01

    @property
    def acceleration(self) -> int:
        """The widest step from line to line."""
        return int(np.diff(self.n).max(initial=1))

    @property
    def centre(self) -> int:
        """Half-width h of the fully sampled centre: every n from -h to h was acquired; -1 if n = 0 was not."""
        have, h = set(self.n.tolist()), -1
        while h + 1 in have and -h - 1 in have:
            h += 1
        return h


def lines_along(scan: Scan, axis: int) -> Lines:
    """The lines of a Cartesian scan along an encoded axis or the readout; of its first slice, which must stand for all.

    Raises InputError when lines lie between those of the raster, or slices were sampled differently.
    """
    each = [_lines(scan, axis, scan.slots == s) for s in np.unique(scan.slots)]
    if any(not np.array_equal(other.n, each[0].n) for other in each[1:]):
        raise InputError("slices have different lines", remedy="Reconstruct them one by one, or use CGSense.")
    return each[0]


def raster_lines(k: NDArray[np.float64], encoding: Encoding, axis: int) -> tuple[Ints, float]:
    """n and offset of k [1/m] = (n + offset) / FOV; InputError where k is on no such raster."""
    q = k * encoding.grid.shape[axis] * encoding.grid.voxel_mm[axis] * 1e-3
    offset = float(np.angle(np.mean(np.exp(2j * np.pi * q)))) / (2 * np.pi)
    n = np.round(q - offset).astype(np.int64)
    if np.abs(q - offset - n).max() > 0.05:
        raise InputError(
            f"lines along axis {'xyz'[axis]} do not lie a whole number of steps 1 / FOV apart",
            remedy="Only the plain Fourier sum and CGSense take them.",
        )
    return n, offset


def _lines(scan: Scan, axis: int, own: NDArray[np.bool_]) -> Lines:
    N = scan.encoding.grid.shape[axis]
    if axis != scan.encoding.readout_axis:
        n, offset = raster_lines(scan.kspace.k[scan.readouts[own], 0, axis], scan.encoding, axis)
        return Lines(axis, np.unique(n), offset, N)
    reach = scan.kspace.k[scan.readouts[own], :, axis] * N * scan.encoding.grid.voxel_mm[axis] * 1e-3
    raster = np.arange(N) - N // 2
    first, last = np.nanmax(np.nanmin(reach, axis=1)), np.nanmin(np.nanmax(reach, axis=1))
    return Lines(axis, raster[(raster >= first - 0.5) & (raster <= last + 0.5)], 0.0, N)
