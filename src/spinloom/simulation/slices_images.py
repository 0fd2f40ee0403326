"""Images of many slices at once, from their maps: closed forms, k-space, noise, image, some milliseconds a slice.

For the case of a training set made on the fly: maps lie on the image's own grid, so every Fourier sum is an FFT.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spinloom.core.cores import available_cores, own_threads
from spinloom.core.errors import InputError
from spinloom.core.rng import stream
from spinloom.sequence.protocol import Protocol
from spinloom.simulation.slices_kspace import SliceMaps, kspace_of_slice

__all__ = ["SliceMaps", "images_of_slices"]


def images_of_slices(
    maps: SliceMaps,
    protocol: Protocol | Sequence[Protocol],
    *,
    sigma: float | Sequence[float] = 0.0,
    seed: int = 0,
    tolerance: float = 1e-3,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Magnitude images (n, x, y) of n slices [PD].

        S(kx, ky) = sinc(kx) sinc(ky) sum_xy PD F(T1, T2, B1; echo that reads ky) exp(-2πi (kx x + ky y))
                    exp(-2πi dB0 (clock + tau(kx)) - tau/T2 - |clock + tau|/T2') + noise,     k in turns per pixel
        image     = |FFT⁻¹ S|

    F is the protocol's closed form at its echo (evolution.evolved), tau the time from the echo to the sample. Slices
    are thin: the flip angle is that of B1. What is left out: readout oversampling and matter outside the image.

    maps       the slices
    protocol   SpinEcho (TI: inversion recovery), TurboSpinEcho, SpoiledGRE or BalancedSSFP; one, or one per slice
    sigma      standard deviation of the noise in real and imaginary part of the image [PD]; one, or one per slice
    seed       of the noise; slice i depends on (seed, i) alone, not on threads or on its neighbours
    tolerance  of the train and of what happens during a readout, relative to a voxel's largest sample
    threads    None: one per available core; never changes the result

    Raises InputError if maps, protocols and sigmas differ in number; UsageError for other protocols.
    """
    n = len(maps.PD)
    protocols = [protocol] * n if isinstance(protocol, Protocol) else list(protocol)
    sigmas = np.broadcast_to(np.asarray(sigma, np.float32), n) if np.ndim(sigma) == 0 else np.asarray(sigma, np.float32)
    if len(protocols) != n or len(sigmas) != n:
        raise InputError(
            f"{n} slices, but {len(protocols)} protocols and {len(sigmas)} values of sigma",
            remedy="Give one for all, or one per slice.",
        )
    if not (np.isfinite(sigmas).all() and (sigmas >= 0).all()):
        raise InputError(
            "sigma must be a finite number, 0 or more", remedy="It is the standard deviation of the noise."
        )
    images = np.empty(maps.PD.shape, np.float32)

    def work(i: int) -> None:
        S = kspace_of_slice(maps, i, protocols[i], tolerance=tolerance)
        if sigmas[i] > 0:
            noise = stream(seed, "slices", i).standard_normal((*S.shape, 2), dtype=np.float32)
            noise *= sigmas[i] * np.float32(np.sqrt(S.size))
            S += noise.view(np.complex64)[..., 0]
        np.abs(scipy.fft.ifft2(S, overwrite_x=True, workers=1).T, out=images[i])

    with own_threads(), ThreadPoolExecutor(threads or available_cores()) as pool:
        list(pool.map(work, range(n)))
    return images
