"""Resolution along an axis is that of the k-space that was acquired and the blur that was added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.dataset.profile.resolution import measure_resolution, point_spread_FWHM

FINE = 192
"""Voxels along each axis of the anatomy, 1 mm each."""


def anatomy() -> NDArray[np.float64]:
    """Two kinds of structure in a ball of 84 % of the field."""
    shape = (FINE,) * 3
    r = np.sqrt(sum(((g - FINE / 2 + 0.5) / (0.42 * FINE)) ** 2 for g in np.indices(shape)))
    small, large = (gaussian_filter(np.random.default_rng(n).standard_normal(shape), s) for n, s in ((1, 4.5), (2, 9)))
    return np.where(r < 1, np.where(small > 0, 100.0, 140.0) + np.where(large > 0, 0.0, 60.0), 0.0)


def acquired(whole: NDArray[np.complex128], lines: int, *, blur_mm: float, sigma: float, zero_filling: float) -> Image:
    """Magnitude of some lines of k-space along the second axis; 2 mm along the others.

    whole  k-space of the anatomy, 0 in the middle
    sigma  of the real part of a voxel before zero filling
    """
    c, h, n = FINE // 2, FINE // 4, lines
    K = whole[c - h : c + h, c - n // 2 : c - n // 2 + n, c - h : c + h] * (2 * h * n * 2 * h / FINE**3)
    k = np.arange(-(n // 2), n - n // 2) / FINE
    K = K * np.exp(-((2 * np.pi * blur_mm * k) ** 2) / 2)[None, :, None]
    rng = np.random.default_rng(7)
    K = K + sigma * np.sqrt(K.size) * (rng.standard_normal(K.shape) + 1j * rng.standard_normal(K.shape))
    written = round(n * zero_filling)
    filled = np.zeros((2 * h, written, 2 * h), complex)
    first = written // 2 - n // 2
    filled[:, first : first + n, :] = K
    data = np.abs(np.fft.ifftn(np.fft.ifftshift(filled))) * zero_filling
    return Image(data, np.diag([2.0, FINE / written, 2.0, 1.0]))


@pytest.fixture(scope="module")
def k_space() -> NDArray[np.complex128]:
    return np.asarray(np.fft.fftshift(np.fft.fftn(anatomy())))


def test_point_spread_of_a_cut_k_space_is_a_sinc_and_of_a_strong_blur_a_Gaussian() -> None:
    """sinc(x) = 1/2 at x = 0.6034 voxels; a Gaussian's width at half maximum is 2 sqrt(2 ln 2) s."""
    assert point_spread_FWHM(0.0, 0.5) == pytest.approx(2 * 0.6034, rel=1e-3)
    assert point_spread_FWHM(3.0, 0.5) == pytest.approx(2 * np.sqrt(2 * np.log(2)) * 3.0, rel=1e-3)


@pytest.mark.parametrize("sigma", [1.0, 6.0])
@pytest.mark.parametrize("blur_mm", [0.0, 1.0, 2.0])
@pytest.mark.parametrize(("lines", "zero_filling"), [(96, 1.0), (96, 1.5), (64, 1.0), (64, 1.5), (64, 2.0), (48, 2.0)])
def test_acquired_voxel_within_5_percent_and_width_of_a_point_within_25(
    k_space: NDArray[np.complex128], lines: int, zero_filling: float, blur_mm: float, sigma: float
) -> None:
    """And the truth lies inside the interval that is given with each."""
    image = acquired(k_space, lines, blur_mm=blur_mm, sigma=sigma, zero_filling=zero_filling)
    across, along, _ = measure_resolution(image)
    assert across is not None
    assert along is not None
    voxel = FINE / lines
    width = point_spread_FWHM(blur_mm, 1 / (2 * voxel))
    low, found, high = along.acquired_mm
    assert found == pytest.approx(voxel, rel=0.05)
    assert low <= voxel <= high * 1.000001
    low, found, high = along.FWHM_mm
    assert found == pytest.approx(width, rel=0.25)
    assert low <= width <= high
    assert across.acquired_mm[1] == pytest.approx(2.0)


def test_an_axis_too_short_to_tell_says_nothing_and_a_strange_mask_is_refused() -> None:
    flat = Image(np.random.default_rng(0).random((32, 32, 3)) + 1, np.eye(4))
    assert measure_resolution(flat, np.ones((32, 32, 3), bool))[2] is None
    with pytest.raises(InputError, match="mask has shape"):
        measure_resolution(flat, np.ones((3, 3, 3), bool))


@pytest.mark.parametrize("subject", ["subjA", "subjB", "subjC"])
def test_real_gradient_echoes_of_128_by_196_samples_written_as_256_are_found_out(
    shared_data: Path, subject: str
) -> None:
    """0.055 T, Liu et al., Nat. Commun. 12, 7238 (2021): k-space of 128 x 196, image of 256 x 256, within 5 %."""
    with np.load(shared_data / "hku_ulf_3t" / subject / "images.npz") as stored:
        data = stored["lf_T1w_GRE"].astype(float)
    x, y, _ = measure_resolution(Image(data, np.eye(4)))
    assert x is not None
    assert y is not None
    assert x.zero_filled == pytest.approx(256 / 128, rel=0.05)
    assert y.zero_filled == pytest.approx(256 / 196, rel=0.05)
