"""Receive sensitivities on the image's grid: known ones, or those seen in the fully sampled centre of k-space.

Estimated maps have sqrt(sum_c |s_c|²) = 1: the coils' common brightness stays in the image, as in a root sum of
squares. Their phase is that at which one mixture of the coils, their strongest, is real.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError, UsageError
from spinloom.core.scanner import Coils
from spinloom.reconstruction.coils import local_eigenvector
from spinloom.reconstruction.lines import Lines, lines_along
from spinloom.reconstruction.partial_fourier import filtered
from spinloom.reconstruction.scan import Fourier, Scan, part_of
from spinloom.reconstruction.window import hann

Complex = NDArray[np.complexfloating]

FEWEST = 4
"""Half-width of the calibrated centre below which no map is made of it [lines]."""


class CoilMaps(Protocol):
    """Where receive sensitivities come from."""

    def __call__(self, scan: Scan) -> Complex:
        """(coil, x, y, z)."""
        ...


@dataclass(frozen=True, eq=False)
class KnownMaps:
    """Sensitivities that are known.

    maps  (coil, x, y, z) on the image's grid
    """

    maps: Complex

    def __call__(self, scan: Scan) -> Complex:
        wanted = (scan.kspace.n_coils, *scan.encoding.grid.shape)
        if self.maps.shape != wanted:
            raise UsageError(f"coil maps have shape {self.maps.shape}, this scan needs {wanted}")
        return self.maps


@dataclass(frozen=True)
class Walsh:
    """The strongest eigenvector of the coils' local correlation in the images of the calibrated centre.

        R(r) = mean over a block of I_c conj(I_d),   R s = λ_max s

    Cartesian scans: the largest centred block of lines that was acquired whole. Others: |k| < fraction k_max.

    block     edge of the averaging block [voxels]
    fraction  of k_max, for scans that are no straight lines

    Walsh, Gmitro & Marcellin, Magn. Reson. Med. 43, 682 (2000).
    """

    block: int = 5
    fraction: float = 0.25

    def __call__(self, scan: Scan) -> Complex:
        if scan.is_cartesian:
            images, centre = calibration_images(scan)
            for lines, half in centre:
                q = np.abs(lines.raster + lines.offset) / (half + 1)
                images = filtered(images, lines, np.where(q < 1, hann(q), 0.0))
        else:
            images = Fourier()(_near(scan, self.fraction))
        return with_phase_of(local_eigenvector(images, self.block), principal(images))


def calibration_images(scan: Scan) -> tuple[Complex, list[tuple[Lines, int]]]:
    """Coil images of the fully sampled centre alone, and along each encoded axis its lines and their half-width.

    Raises InputError when fewer than 4 lines on either side of k = 0 were acquired without a gap.
    """
    keep = np.ones(len(scan.readouts), bool)
    centre = []
    k = scan.kspace.k[scan.readouts, 0]
    for axis in scan.encoded_axes:
        lines = lines_along(scan, axis)
        half = min(lines.centre, (lines.N - 1) // 2)
        if half < min(FEWEST, (lines.N - 1) // 2):
            raise InputError(
                f"the centre of k-space has {max(2 * half + 1, 0)} lines without a gap along axis {'xyz'[axis]}, "
                f"{2 * FEWEST + 1} or more tell what the coils hear",
                remedy="Give the coil maps, or acquire more lines in the centre.",
            )
        FOV = lines.N * scan.encoding.grid.voxel_mm[axis] * 1e-3
        keep &= np.abs(np.round(k[:, axis] * FOV - lines.offset)) <= half
        centre.append((lines, half))
    read = lines_along(scan, scan.encoding.readout_axis)
    centre.append((read, min(max(half for _, half in centre), (read.N - 1) // 2)))
    return Fourier()(part_of(scan, keep)), centre


def principal(images: Complex) -> Complex:
    """(coil,) the mixture of coils with most signal: the first eigenvector of their covariance.

    Buehrer et al., Magn. Reson. Med. 57, 1131 (2007).
    """
    flat = images.reshape(len(images), -1)
    return np.asarray(np.linalg.eigh(flat @ flat.conj().T)[1][:, -1])


def with_phase_of(maps: Complex, mixture: Complex) -> Complex:
    """Maps (coil, x, y, z) turned so that sum_c conj(u_c) s_c is real and positive; u (coil,)."""
    seen = np.tensordot(mixture.conj(), maps, axes=1)
    return np.asarray(maps * np.exp(-1j * np.angle(seen)))


def maps_of(coils: Coils, encoding: Encoding) -> Complex:
    """(coil, x, y, z) what the coils of a scanner hear at the voxel centres of an image.

    coils     of the scanner
    encoding  of the scan, in the scanner frame
    """
    index = np.stack(np.meshgrid(*map(np.arange, encoding.grid.shape), indexing="ij"), axis=-1)
    return coils(encoding.grid.positions_mm(index) * 1e-3)


def _near(scan: Scan, fraction: float) -> Scan:
    """The scan with samples outside fraction k_max set to zero, under a Hann window."""
    k = np.linalg.norm(np.nan_to_num(scan.kspace.k), axis=-1)
    q = k / (fraction * k[scan.readouts].max())
    weight = np.where(q < 1, hann(q), 0.0)
    return replace(scan, kspace=replace(scan.kspace, samples=scan.kspace.samples * weight))
