"""Thermal noise of the receiver: complex, white, Gaussian, independent between coils and samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinloom.core.kspace import KSpace
from spinloom.core.scanner import ThermalNoise


def add_noise(kspace: KSpace, noise: ThermalNoise, *, B0: float, dwell: float, rng: np.random.Generator) -> KSpace:
    """S + sigma (n' + i n''), n' and n'' standard normal; padded samples (k = NaN) stay zero.

        sigma = eta (3 T / B0)^p / sqrt(dwell)

    noise  the model of sigma
    B0     [T];  dwell between samples [s]
    rng    drawn from coil by coil, readout by readout

    Edelstein et al., Magn. Reson. Med. 3, 604 (1986).
    """
    sigma = noise.sigma(B0=B0, dwell=dwell)
    real = np.float32 if kspace.samples.dtype == np.complex64 else np.float64
    samples = kspace.samples.copy()
    sampled = ~np.isnan(kspace.k[..., 0])
    for coil in samples:
        drawn = rng.standard_normal((*coil.shape, 2), dtype=real)
        drawn *= real(sigma)
        coil += np.where(sampled, drawn.view(coil.dtype)[..., 0], 0)
    return replace(kspace, samples=samples)


def image_sigma(
    noise: ThermalNoise, *, B0: float, dwell: float, n_samples: int, voxel_mm3: float, n_averages: int = 1
) -> float:
    """Standard deviation of the real (and the imaginary) part of a fully sampled image, whose signal is m [PD].

        sigma_image = eta (3 T / B0)^p / (V sqrt(n_samples n_averages dwell))

    n_samples  of one average, lines times samples (oversampling included)
    voxel_mm3  V of n_samples voxels, i.e. the encoded volume / n_samples [mm³]

    Edelstein et al. (1986), eq. 7: SNR grows with the voxel and the root of the time spent sampling.
    """
    return noise.sigma(B0=B0, dwell=dwell) / (voxel_mm3 * float(np.sqrt(n_samples * n_averages)))
