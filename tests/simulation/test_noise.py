"""Thermal noise: its size in k-space and image, how SNR scales, and the statistics of magnitudes."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.encoding import Encoding
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.core.rng import stream
from spinloom.core.scanner import ThermalNoise
from spinloom.reconstruction.coils import RootSumOfSquares
from spinloom.reconstruction.reconstruct import coil_images, reconstruct
from spinloom.simulation.noise import add_noise, image_sigma

MODEL = ThermalNoise(eta=0.05)


def silence(n: int = 64, voxel_mm: float = 2.0, *, coils: int = 1, averages: int = 1, oversampling: int = 1) -> KSpace:
    samples, lines = n * oversampling, n * averages
    k = np.zeros((lines, samples, 3))
    k[..., 0] = (np.arange(samples) - samples // 2) / (samples * voxel_mm * 1e-3)
    k[..., 1] = np.tile(np.arange(n) - n // 2, averages)[:, None] / (n * voxel_mm * 1e-3)
    encoding = Encoding(Grid.centred((n, n, 1), (voxel_mm, voxel_mm, 5.0)))
    return KSpace(np.zeros((coils, lines, samples), complex), k, np.zeros(k.shape[:2]), encoding)


def noisy(kspace: KSpace, *, B0: float = 3.0, dwell: float = 1e-5, seed: int = 0) -> KSpace:
    return add_noise(kspace, MODEL, B0=B0, dwell=dwell, rng=stream(seed, "noise"))


def sigma_of_image(**scan: float) -> float:
    dwell, B0 = scan.pop("dwell", 1e-5), scan.pop("B0", 3.0)
    image = coil_images(noisy(silence(**scan), B0=B0, dwell=dwell))  # type: ignore[arg-type]
    return float(np.std(image.real) / np.sqrt(2) + np.std(image.imag) / np.sqrt(2)) / np.sqrt(2)


def test_every_sample_has_the_sigma_of_the_model() -> None:
    drawn = noisy(silence(128), dwell=2e-5, B0=1.5).samples
    expected = MODEL.eta * 2.0 / np.sqrt(2e-5)
    for part in (drawn.real, drawn.imag):
        assert part.std() == pytest.approx(expected, rel=0.02)
        assert abs(part.mean()) < 4 * expected / 128
    assert abs(np.corrcoef(drawn.real.ravel(), drawn.imag.ravel())[0, 1]) < 0.03


def test_image_sigma_is_what_the_helper_says() -> None:
    image = coil_images(noisy(silence(64, 2.0)))
    expected = image_sigma(MODEL, B0=3.0, dwell=1e-5, n_samples=64 * 64, voxel_mm3=2 * 2 * 5.0)
    assert image.real.std() == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize(
    ("scan", "gain"),
    [
        ({"voxel_mm": 4.0}, 4.0),  # SNR grows with the voxel's volume
        ({"averages": 4}, 2.0),  # with the root of the averages
        ({"dwell": 4e-5}, 2.0),  # with one over the root of the bandwidth
        ({"B0": 1.5}, 0.5),  # with the field (p = 1)
    ],
)
def test_snr_law(scan: dict[str, float], gain: float) -> None:
    assert sigma_of_image() / sigma_of_image(**scan) == pytest.approx(gain, rel=0.06)


def test_oversampling_costs_no_snr() -> None:
    twice = sigma_of_image(oversampling=2, dwell=0.5e-5)
    assert twice == pytest.approx(sigma_of_image(), rel=0.06)


def test_magnitude_of_air_is_Rayleigh() -> None:
    """Mean sigma sqrt(pi/2), standard deviation 0.655 sigma. Gudbjartsson & Patz, Magn. Reson. Med. 34, 910 (1995)."""
    data = noisy(silence(128))
    sigma = image_sigma(MODEL, B0=3.0, dwell=1e-5, n_samples=128**2, voxel_mm3=20.0)
    air = reconstruct(data).data
    assert air.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.02)
    assert air.std() == pytest.approx(0.655 * sigma, rel=0.03)


def test_magnitude_of_bright_tissue_is_Rician_with_mean_near_sqrt_m2_plus_sigma2() -> None:
    data = silence(128)
    sigma = image_sigma(MODEL, B0=3.0, dwell=1e-5, n_samples=128**2, voxel_mm3=20.0)
    m = 10 * sigma
    data.samples[0, 64, 64] = m * 128**2 * 20.0  # k = 0: a uniform signal m
    bright = reconstruct(noisy(data)).data
    assert bright.mean() == pytest.approx(np.sqrt(m**2 + sigma**2), rel=0.005)
    assert bright.std() == pytest.approx(sigma, rel=0.04)


@pytest.mark.parametrize("coils", [2, 8])
def test_root_sum_of_squares_of_coils_is_noncentral_chi(coils: int) -> None:
    """In air the mean square is 2 n sigma². Constantinides et al., Magn. Reson. Med. 38, 852 (1997)."""
    data = noisy(silence(64, coils=coils))
    sigma = image_sigma(MODEL, B0=3.0, dwell=1e-5, n_samples=64**2, voxel_mm3=20.0)
    air = reconstruct(data, combine=RootSumOfSquares()).data
    assert np.mean(air**2) == pytest.approx(2 * coils * sigma**2, rel=0.04)
    cross = np.vdot(data.samples[0], data.samples[1]) / np.vdot(data.samples[0], data.samples[0])
    assert abs(cross) < 0.05


def test_padding_stays_silent_and_the_same_seed_draws_the_same_noise() -> None:
    data = silence(16)
    data.k[3, 10:] = np.nan
    first, again, other = noisy(data), noisy(data), noisy(data, seed=1)
    assert not first.samples[:, 3, 10:].any()
    assert first.samples.tobytes() == again.samples.tobytes()
    assert not np.array_equal(first.samples, other.samples)
