"""Geometric distortion of echo-planar images by a known off-resonance, undone.

An off-resonance f adds the phase -2πi f t. Along the phase axis t grows with k, t = t_0 + k dt/dk, so that

    k y + f t = k (y + f dt/dk) + f t_0

and what lies at y is seen at y' = y + f dt/dk, thinned or heaped up by dy'/dy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.reconstruction.ghost import reversed_lines
from spinloom.reconstruction.scan import Scan

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]


class FieldCorrection(Protocol):
    """A way to undo in the images what off-resonance did."""

    def __call__(self, images: Complex, scan: Scan, grid: Grid) -> Complex:
        """images (coil, x, y, z) on their grid in the world, and the scan they were made of → (coil, x, y, z)."""
        ...


@dataclass(frozen=True, eq=False)
class PixelShift:
    """Every voxel fetches its signal from where it was seen, times the stretch there.

        I(y) = |1 + dt/dk df/dy| I'(y + f dt/dk)

    I' between voxels is its Fourier series, which is what was sampled: nothing is blurred, and phases that turn fast
    from voxel to voxel do no harm. The phase at the fetched place is kept.

    dB0            off-resonance [Hz], anywhere in the world; outside its grid the value at its edge holds
    seconds_per_k  dt/dk along the phase axis [s m]; None: from the times of the lines of an echo train

    Jezzard & Balaban, Magn. Reson. Med. 34, 65 (1995).
    """

    dB0: Image
    seconds_per_k: float | None = None

    def __call__(self, images: Complex, scan: Scan, grid: Grid) -> Complex:
        rate = echo_train_rate(scan) if self.seconds_per_k is None else self.seconds_per_k
        axis = scan.encoding.phase_axis
        shift = field_on(self.dB0, grid) * rate * 1e3 / scan.encoding.grid.affine[axis, axis]  # [voxels]
        stretch = np.abs(1 + np.gradient(shift, axis=axis)) if shift.shape[axis] > 1 else 1.0
        moved = [shifted(image, shift, axis) * stretch for image in images]
        return np.asarray(moved, images.dtype)


def shifted(image: Complex, shift: Floats, axis: int) -> Complex:
    """I(y + shift(y)) along one axis by its Fourier series; shift (x, y, z) [voxels]."""
    lines = np.moveaxis(image, axis, -1)
    N = lines.shape[-1]
    spectrum = np.fft.fft(lines, axis=-1)
    n = np.fft.fftfreq(N, 1 / N)
    place = np.arange(N) + np.moveaxis(shift, axis, -1)
    out = np.zeros(lines.shape, complex)
    for i in range(N):
        out += spectrum[..., i, None] * np.exp(2j * np.pi * n[i] * place / N)
    return np.asarray(np.moveaxis(out / N, -1, axis))


def echo_train_rate(scan: Scan) -> float:
    """dt/dk along the phase axis of an echo-planar train [s m]: the slope of line time over k within a shot.

    Raises InputError when the lines are not one train read to and fro with even timing.
    """
    if not scan.is_cartesian:
        raise InputError("pixel shifts are for straight lines", remedy="Use ConjugatePhase for spirals.")
    back = reversed_lines(scan.kspace, scan.encoding.readout_axis)[scan.readouts]
    if not (back.any() and (~back).any()):
        raise InputError(
            "lines are not read to and fro, so there is no echo-planar distortion along the phase axis",
            remedy="Leave the field map out, or give seconds_per_k.",
        )
    k = scan.kspace.k[scan.readouts, 0, scan.encoding.phase_axis]
    t = np.nanmean(scan.kspace.t[scan.readouts], axis=1)
    repeat = scan.kspace.labels.get("AVG", np.zeros(len(scan.kspace.k), np.int64))[scan.readouts]
    _, shot = np.unique(np.stack([scan.slots, repeat], axis=1), axis=0, return_inverse=True)
    dk, dt = k.copy(), t.copy()
    for s in np.unique(shot):
        dk[shot == s] -= k[shot == s].mean()
        dt[shot == s] -= t[shot == s].mean()
    rate = float(np.sum(dk * dt) / max(float(np.sum(dk * dk)), 1e-300))
    if np.abs(dt - rate * dk).max() > 0.05 * max(float(np.ptp(dt)), 1e-12):
        raise InputError(
            "the lines of a slice were not read in one even train", remedy="Give seconds_per_k of the echo train."
        )
    return rate


def field_on(dB0: Image, grid: Grid) -> Floats:
    """A field map [Hz] at the voxels of a grid, by linear interpolation in the world."""
    if np.iscomplexobj(dB0.data) or not np.isfinite(np.asarray(dB0.data, float)).all():
        raise UsageError("a field map holds finite real numbers in Hz")
    if dB0.grid.same_place(grid):
        return np.asarray(dB0.data, float)
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    inverse = np.linalg.inv(dB0.affine)
    there = grid.positions_mm(index) @ inverse[:3, :3].T + inverse[:3, 3]
    return np.asarray(map_coordinates(np.asarray(dB0.data, float), np.moveaxis(there, -1, 0), order=1, mode="nearest"))
