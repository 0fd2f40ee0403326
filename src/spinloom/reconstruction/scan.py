"""What one image is made of: some readouts of a scan and the grid they encode."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.kspace import KSpace
from spinloom.core.lines import straight
from spinloom.reconstruction.cartesian import cartesian
from spinloom.reconstruction.scattered import scattered
from spinloom.reconstruction.window import Window

Complex = NDArray[np.complexfloating]


@dataclass(frozen=True, eq=False)
class Scan:
    """The readouts of one image.

    kspace     all samples
    encoding   the image grid
    readouts   (n,) indices of the readouts that make this image
    window     apodisation, or None
    thickness  of the slices of a 2D scan [m]; None: the grid's step
    """

    kspace: KSpace
    encoding: Encoding
    readouts: NDArray[np.intp]
    window: Window | None = None
    thickness: float | None = None

    @cached_property
    def is_cartesian(self) -> bool:
        """Whether the readouts are straight, evenly sampled lines along the readout axis."""
        return straight(self.kspace.k[self.readouts], self.encoding.readout_axis)

    @property
    def slots(self) -> NDArray[np.int64]:
        """(n,) slice of each readout; 0 throughout for a volume."""
        labels = self.kspace.labels
        if self.encoding.volume or "SLC" not in labels:
            return np.zeros(len(self.readouts), np.int64)
        return labels["SLC"][self.readouts]

    @property
    def encoded_axes(self) -> tuple[int, ...]:
        """Axes of the image stepped from readout to readout: phase, and slice for a volume."""
        return (self.encoding.phase_axis, *((self.encoding.slice_axis,) if self.encoding.volume else ()))


class Method(Protocol):
    """A way from samples to images."""

    def __call__(self, scan: Scan) -> Complex:
        """(coil, x, y, z), or (1, x, y, z) once coils are combined."""
        ...


@dataclass(frozen=True)
class Fourier:
    """The density-weighted Fourier sum; what was not acquired counts as zero.

    image(r) = sum_k w(k) S(k) exp(+2πi k . r)
    """

    def __call__(self, scan: Scan) -> Complex:
        way = cartesian if scan.is_cartesian else scattered
        return way(scan.kspace, scan.encoding, scan.readouts, scan.window, scan.thickness)


def part_of(scan: Scan, keep: NDArray[np.bool_]) -> Scan:
    """The scan with some of its readouts: keep (n,)."""
    return replace(scan, readouts=scan.readouts[keep])
