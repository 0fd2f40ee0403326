"""Noise is found where the background is not empty, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.image import Image
from spinloom.dataset.profile.background import background_noise, channels
from spinloom.dataset.profile.koay import mean_over_sd, noise_inside, sigma_of_scatter, variance_factors
from spinloom.dataset.profile.noise import measure_noise
from spinloom.dataset.recipe import from_plain
from spinloom.dataset.subject import make_subject, scan

SHAPE = (72, 80, 40)
GEOMETRY = {"matrix": 96, "slices": 24, "slice_thickness_mm": 5, "FOV_mm": [240, 240]}


def magnitudes(signal: float, n: int, size: tuple[int, ...], seed: int = 0) -> NDArray[np.float64]:
    """Root sum of squares of n channels with noise of 1; the first one carries the signal."""
    x = np.random.default_rng(seed).standard_normal((2, n, *size))
    x[0, 0] += signal
    return np.asarray(np.sqrt(np.sum(x**2, axis=(0, 1))))


def test_mean_over_sd_of_noise_alone_is_Rayleighs_and_in_strong_signal_the_signal() -> None:
    """sqrt(pi / (4 - pi)) = 1.9130; var = 2 - pi/2."""
    assert mean_over_sd(0.0) == pytest.approx(np.sqrt(np.pi / (4 - np.pi)))
    assert variance_factors(0.0) == pytest.approx(2 - np.pi / 2)
    assert mean_over_sd(50.0) == pytest.approx(50.0, rel=1e-3)


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("signal", [0.0, 0.5, 1.0, 2.0, 5.0, 40.0])
def test_scatter_of_magnitudes_gives_sigma_within_3_percent(signal: float, n: int) -> None:
    m = magnitudes(signal, n, (200_000,))
    assert sigma_of_scatter(float(m.mean()), float(m.std()), n) == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_channels_of_noise_alone_within_5_percent(n: int) -> None:
    m = magnitudes(0.0, n, (400_000,))
    assert channels(float(m.mean() ** 2 / np.mean(m**2))) == pytest.approx(n, rel=0.05)


@pytest.mark.parametrize("n", [1, 4])
def test_noise_of_a_zero_filled_scan_within_5_percent(n: int) -> None:
    """Noise that is correlated from voxel to voxel has the moments of any other."""
    rng = np.random.default_rng(1)
    kept = np.zeros(SHAPE)
    kept[12:60, 16:64] = 1
    total = 0.0
    for _ in range(n):
        noise = rng.standard_normal(SHAPE) + 1j * rng.standard_normal(SHAPE)
        total = total + np.abs(np.fft.ifftn(np.fft.fftn(noise) * np.fft.ifftshift(kept))) ** 2
    outside = np.ones(SHAPE, bool)
    outside[20:50, 20:60, 5:35] = False
    found = background_noise(np.sqrt(total), outside)
    assert found is not None
    assert found[0] == pytest.approx(np.sqrt(kept.mean()), rel=0.05)
    assert found[1] == pytest.approx(n, rel=0.15)


def test_noise_inside_a_stripped_head_within_5_percent_where_magnitudes_are_low() -> None:
    """Signal of 1.5 sigma: the scatter is 25 % less than sigma, and is corrected."""
    head = np.zeros(SHAPE, bool)
    head[10:60, 10:70, 5:35] = True
    image = Image(np.where(head, magnitudes(1.5, 1, SHAPE), 0.0), np.eye(4))
    assert noise_inside(image, head) == pytest.approx(1.0, rel=0.05)


def ringing_head(noise: float) -> Image:
    """A simulated head with a relative strength of noise; its sharp skin rings across the background."""
    recipe = from_plain(
        {
            "phantom": {"kind": "head", "voxel_mm": 4.0},
            "scanner": {"receive_inhomogeneity": 0, "B1_inhomogeneity": 0, "B0_inhomogeneity": 0, "noise": noise},
            "protocol": [{"use": "t2w", "suffix": "T2w", "parameters": GEOMETRY}],
        }
    )
    return scan(recipe, make_subject(recipe, 1), recipe.protocol[0]).images[0]


@pytest.fixture(scope="module")
def clean() -> Image:
    return ringing_head(0.0)


@pytest.mark.parametrize("noise", [1.0, 5.0])
def test_noise_of_a_simulated_head_whose_edges_ring_into_the_background_within_8_percent(
    clean: Image, noise: float
) -> None:
    """Truth: what a noisy scan differs by from the noiseless one where signal is strong."""
    noisy = ringing_head(noise)
    m, c = (np.abs(np.asarray(s.data, float)) for s in (noisy, clean))
    sigma = float((m - c)[c > np.percentile(c, 85)].std())
    found = measure_noise(noisy)
    assert found.kind == "rician"
    assert found.sigma == pytest.approx(sigma, rel=0.08)
    assert measure_noise(clean).sigma < 0.3 * sigma


def test_parts_of_the_background_that_were_zeroed_do_not_count() -> None:
    data = 3 * magnitudes(0.0, 1, SHAPE) + np.where(_ball(), 200.0, 0.0)
    data[:, :20] = 0
    found = measure_noise(Image(data, np.eye(4)))
    assert (found.kind, found.sigma) == ("rician", pytest.approx(3.0, rel=0.05))


def _ball() -> NDArray[np.bool_]:
    smooth = gaussian_filter(np.pad(np.ones((30, 30, 20)), ((21, 21), (25, 25), (10, 10))), 3)
    return np.asarray(smooth > 0.5)
