"""Reconstruction of readouts that are no straight lines: radial, spiral, anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.cartesian import axis_positions
from spinloom.reconstruction.density import density_weights
from spinloom.reconstruction.nufft import fourier_sum
from spinloom.reconstruction.window import Window


def scattered(
    kspace: KSpace, encoding: Encoding, readouts: NDArray[np.intp], window: Window | None, thickness: float | None
) -> NDArray[np.complexfloating]:
    """Coil images (coil, x, y, z): density-weighted Fourier sum.

        image(r) = sum_k w(k) S(k) exp(+2πi k . r)

    readouts   indices of those that make one image
    window     apodisation over |k| / k_max, or None
    thickness  of the slices of a 2D scan [m]; None: the grid's step
    """
    axes = [a for a in range(3) if encoding.volume or a != encoding.slice_axis]
    r = tuple(axis_positions(encoding, a) for a in axes)
    shape, size = encoding.grid.shape, encoding.grid.voxel_mm
    slot = np.zeros(len(readouts), np.int64) if encoding.volume else _slices(kspace, readouts)
    images = np.zeros((kspace.n_coils, *shape), np.complex128)
    weights: dict[bytes, NDArray[np.float64]] = {}
    for s in np.unique(slot):
        own = readouts[slot == s]
        valid = ~np.isnan(kspace.k[own][..., 0])
        k = kspace.k[own][valid][:, axes]
        key = np.round(k, 3).tobytes()
        if key not in weights:
            weights[key] = density_weights(k, r)
        w = weights[key] * 1e-3 ** len(axes)  # per mm
        if window is not None:
            radius = np.linalg.norm(k, axis=1)
            w = w * window(radius / radius.max())
        if not encoding.volume:
            w = w / (size[encoding.slice_axis] if thickness is None else thickness * 1e3)
        A = fourier_sum(k, r)
        for coil in range(kspace.n_coils):
            image = A.adjoint(kspace.samples[coil, own][valid] * w)
            if encoding.volume:
                images[coil] = image
            else:
                np.moveaxis(images[coil], encoding.slice_axis, 2)[:, :, s] = image
    return images


def _slices(kspace: KSpace, readouts: NDArray[np.intp]) -> NDArray[np.int64]:
    return kspace.labels.get("SLC", np.zeros(kspace.k.shape[0], np.int64))[readouts]
