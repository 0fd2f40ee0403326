"""What a scan encodes: the image grid and which readout fills which line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid


@dataclass(frozen=True, eq=False)
class Encoding:
    """The image a sequence asks for.

    grid          image grid in the scanner frame (isocentre at 0, axes RAS+) [mm]
    readout_axis  array axis (0, 1, 2) along which samples are read
    phase_axis    array axis of the (first) phase encoding
    volume        True: the remaining axis is phase encoded too (3D); False: it counts slices (2D)
    """

    grid: Grid
    readout_axis: int = 0
    phase_axis: int = 1
    volume: bool = False

    @property
    def slice_axis(self) -> int:
        """The remaining axis: slices (2D) or partitions (3D)."""
        return 3 - self.readout_axis - self.phase_axis

    @property
    def slice_offsets(self) -> NDArray[np.float64]:
        """(n_slices,) position of each slice along the slice axis, in the scanner frame [m]."""
        index = np.tile((np.asarray(self.grid.shape) - 1) / 2, (self.grid.shape[self.slice_axis], 1))
        index[:, self.slice_axis] = np.arange(self.grid.shape[self.slice_axis])
        return np.asarray(self.grid.positions_mm(index)[:, self.slice_axis] * 1e-3, float)
