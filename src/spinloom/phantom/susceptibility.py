"""The field an object makes in itself: susceptibility to off-resonance, and what a scanner's shim leaves of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError, UsageError

Map = NDArray[np.float32]
FIT_VOXELS = 200_000  # a shim is fitted to about this many voxels of the mask, evenly taken


def field_from_susceptibility(
    chi_ppm: ArrayLike,
    voxel_mm: ArrayLike,
    B0: float,
    *,
    direction: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> Map:
    """Off-resonance of the protons in an object with susceptibility, by convolution with a dipole in k-space.

        dB0 = gamma_bar B0 1e-6 F^-1[ (1/3 - (k . b)^2 / k^2) F[chi_ppm] ],   0 at k = 0

    The 1/3 is the sphere of Lorentz: what is given is the field at the nucleus, which is 0 inside a uniform sphere.
    Each side of the grid is continued by half its length, first with the values at its faces (a neck goes on), and
    is periodic only beyond that. A uniform susceptibility makes no field, so the one of the air around does not matter.

    chi_ppm    (x, y, z) volume susceptibility [ppm, SI]
    voxel_mm   (3,) or scalar [mm]
    B0         [T]
    direction  of B0 along the array axes
    returns    (x, y, z) [Hz]

    Salomir, de Senneville & Moonen, Concepts Magn. Reson. B 19, 26 (2003);
    Marques & Bowtell, Concepts Magn. Reson. B 25, 65 (2005).
    """
    chi = np.asarray(chi_ppm, np.float32)
    size = np.broadcast_to(np.asarray(voxel_mm, float), (3,))
    b = np.asarray(direction, float)
    if chi.ndim != 3 or not np.isfinite(chi).all() or not (size > 0).all() or not np.linalg.norm(b) > 0:
        raise InputError("the susceptibility must be a finite map of three axes with positive voxel sizes")
    b = b / np.linalg.norm(b)
    wide = tuple(fft.next_fast_len(2 * n, real=True) for n in chi.shape)
    before = [(w - n) // 2 for w, n in zip(wide, chi.shape, strict=True)]
    around = [(f, w - n - f) for w, n, f in zip(wide, chi.shape, before, strict=True)]
    spectrum = fft.rfftn(np.pad(chi - chi[0, 0, 0], around, mode="edge"))
    k = [fft.fftfreq(wide[0], size[0]), fft.fftfreq(wide[1], size[1]), fft.rfftfreq(wide[2], size[2])]
    ky, kz = (c.astype(np.float32) for c in (k[1][:, None], k[2][None, :]))
    for i, kx in enumerate(k[0].astype(np.float32)):
        k2 = kx * kx + ky * ky + kz * kz
        along = np.float32(b[0]) * kx + np.float32(b[1]) * ky + np.float32(b[2]) * kz
        with np.errstate(invalid="ignore"):
            spectrum[i] *= np.float32(1 / 3) - along * along / k2
    spectrum[0, 0, 0] = 0
    field = fft.irfftn(spectrum, wide, overwrite_x=True)
    inner = tuple(slice(f, f + n) for f, n in zip(before, chi.shape, strict=True))
    return np.ascontiguousarray(field[inner] * np.float32(GAMMA_BAR * B0 * 1e-6), np.float32)


def shim(dB0: ArrayLike, mask: ArrayLike, *, order: int = 2, voxel_mm: ArrayLike = 1.0) -> Map:
    """What a scanner's shim coils leave of a field: the solid harmonics up to an order are fitted and taken away.

        1 | x, y, z | xy, yz, xz, x^2 - y^2, 2 z^2 - x^2 - y^2

    dB0       (x, y, z) [Hz]
    mask      (x, y, z) where the field is to become even (least squares)
    order     0: centre frequency only, 1: with linear gradients, 2: with second-order coils
    voxel_mm  (3,) or scalar [mm]
    returns   (x, y, z) [Hz], everywhere, not only in the mask

    Gruetter, Magn. Reson. Med. 29, 804 (1993).
    """
    field, inside = np.asarray(dB0, np.float32), np.asarray(mask, bool)
    if order not in (0, 1, 2):
        raise UsageError(f"no shim of order {order}", remedy="Known: 0, 1, 2.")
    if field.shape != inside.shape or not inside.any():
        raise InputError(f"the shim needs a mask of the field's shape {field.shape} that is not empty")
    size = np.broadcast_to(np.asarray(voxel_mm, float), (3,))
    half = 0.5 * max(n * h for n, h in zip(field.shape, size, strict=True))
    x, y, z = np.ogrid[tuple(slice(0, n) for n in field.shape)]
    x, y, z = ((c - (n - 1) / 2) * h / half for c, n, h in zip((x, y, z), field.shape, size, strict=True))
    harmonics = [np.ones((1, 1, 1)), x, y, z, x * y, y * z, x * z, x**2 - y**2, 2 * z**2 - x**2 - y**2]
    basis = [np.broadcast_to(h, field.shape) for h in harmonics[: (1, 4, 9)[order]]]
    voxels = np.nonzero(inside)
    some = tuple(index[:: len(voxels[0]) // FIT_VOXELS + 1] for index in voxels)
    columns = np.stack([h[some] for h in basis], axis=1)
    coefficients, *_ = np.linalg.lstsq(columns, field[some].astype(float), rcond=None)
    left = field.copy()
    for c, h in zip(coefficients, basis, strict=True):
        left -= (c * h).astype(np.float32)
    return left
