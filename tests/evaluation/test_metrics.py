"""Metrics are their formulas, and agree with independent implementations to 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from spinloom.core.errors import InputError
from spinloom.evaluation import Gaussian, Uniform, dice, hd95, mae, ms_ssim, mse, ncc, psnr, rmse, ssim, ssim_map
from spinloom.evaluation.continuity import slice_roughness
from spinloom.evaluation.distributions import frechet_distance, kernel_distance
from spinloom.evaluation.features import N, slice_features, volume_features
from spinloom.evaluation.path_length import ELECTRON_DENSITY, Calibration, wepl, wepl_error

RNG = np.random.default_rng(7)
Array = NDArray[np.float64]


def images(*shape: int, noise: float = 0.1) -> tuple[Array, Array]:
    y = RNG.random(shape)
    for axis in range(len(shape)):
        y = (y + np.roll(y, 1, axis) + np.roll(y, 2, axis)) / 3
    return y + noise * RNG.standard_normal(shape), y


def test_differences_are_their_formulas() -> None:
    x, y = np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 2.0])
    assert mae(x, y) == pytest.approx(4 / 3)
    assert mse(x, y) == pytest.approx(10 / 3)
    assert rmse(x, y) == pytest.approx(np.sqrt(10 / 3))
    assert psnr(x, y, 4.0) == pytest.approx(10 * np.log10(16 / (10 / 3)))
    assert psnr(y, y, 1.0) == np.inf
    assert mae(x, y, [True, True, False]) == pytest.approx(0.5)


def test_correlation_is_that_of_numpy_and_knows_no_scale() -> None:
    x, y = images(9, 8, 7)
    assert ncc(x, y) == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1], abs=1e-12)
    assert ncc(3 * y + 2, y) == pytest.approx(1.0)
    assert ncc(-y, y) == pytest.approx(-1.0)
    with pytest.raises(InputError, match="constant"):
        ncc(np.ones(4), np.arange(4))


@pytest.mark.parametrize("shape", [(40, 33), (20, 19, 17)])
def test_PSNR_and_SSIM_agree_with_scikit_image(shape: tuple[int, ...]) -> None:
    x, y = images(*shape)
    assert psnr(x, y, 1.0) == pytest.approx(peak_signal_noise_ratio(y, x, data_range=1.0), abs=1e-6)
    assert ssim(x, y, 1.0) == pytest.approx(structural_similarity(y, x, data_range=1.0), abs=1e-6)
    theirs = structural_similarity(y, x, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert ssim(x, y, 1.0, window=Gaussian(), unbiased=False) == pytest.approx(theirs, abs=1e-6)


def test_one_scale_of_MS_SSIM_is_SSIM() -> None:
    x, y = images(40, 41)
    one = ms_ssim(x, y, 1.0, weights=(1.0,))
    assert one == pytest.approx(ssim(x, y, 1.0, window=Gaussian(), unbiased=False), abs=1e-12)


@pytest.mark.parametrize("window", [Uniform(), Gaussian()])
def test_inside_a_mask_SSIM_does_not_see_what_lies_outside(window: Uniform | Gaussian) -> None:
    x, y = images(30, 31)
    mask = np.zeros(y.shape, bool)
    mask[5:25, 4:28] = True
    here = ssim(x, y, 1.0, window=window, mask=mask)
    other = ssim(np.where(mask, x, 77.0), np.where(mask, y, -3.0), 1.0, window=window, mask=mask)
    assert other == pytest.approx(here, abs=1e-12)
    whole = ssim(x[5:25, 4:28], y[5:25, 4:28], 1.0, window=window)
    inner = np.zeros(y.shape, bool)
    r = window.radius
    inner[5 + r : 25 - r, 4 + r : 28 - r] = True
    values = ssim_map(x, y, 1.0, window=window, mask=mask)
    assert values[inner].mean() == pytest.approx(whole, abs=1e-12)
    assert np.isnan(values[~mask]).all()


def test_SSIM_slice_by_slice_is_the_mean_of_slices() -> None:
    x, y = images(20, 21, 4)
    expected = np.mean([structural_similarity(y[..., z], x[..., z], data_range=2.0) for z in range(4)])
    assert ssim(x, y, 2.0, slice_axis=2) == pytest.approx(expected, abs=1e-9)


def test_the_range_is_never_taken_from_the_images() -> None:
    x, y = images(12, 12)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="data_range"):
            psnr(x, y, wrong)
        with pytest.raises(InputError, match="data_range"):
            ssim(x, y, wrong)


@pytest.mark.parametrize("metric", [mae, rmse, ncc])
def test_what_has_no_meaning_is_refused(metric: object) -> None:
    x, y = images(5, 5)
    for a, b, mask, what in (
        (x, y[:4], None, "shapes differ"),
        (np.where(x > 0.5, np.nan, x), y, None, "not finite"),
        (x, y, np.zeros(y.shape, bool), "mask is empty"),
    ):
        with pytest.raises(InputError, match=what):
            metric(a, b, mask)  # type: ignore[operator]
    with pytest.raises(InputError, match="smaller than the window"):
        ssim(x, y, 1.0)
    with pytest.raises(InputError, match="too small for 5 scales"):
        ms_ssim(*images(100, 100), 1.0)


def test_dice_and_HD95_of_boxes_by_hand() -> None:
    """Two cubes of side 6, shifted by 2 along x with voxels of 1.5 mm: overlap 4/6; 95 % of surfaces within 3 mm."""
    a, b = np.zeros((20, 12, 12), bool), np.zeros((20, 12, 12), bool)
    a[4:10, 3:9, 3:9] = True
    b[6:12, 3:9, 3:9] = True
    assert dice(a, b) == pytest.approx(4 / 6)
    assert hd95(a, b, (1.5, 1.0, 1.0)) == pytest.approx(3.0)
    assert hd95(a, a, (1, 1, 1)) == 0
    assert np.isnan(dice(a & False, b & False))
    assert hd95(a, b & False, (1, 1, 1)) == np.inf


def test_roughness_is_one_for_the_reference_and_grows_with_steps_between_slices() -> None:
    y = np.cumsum(np.ones((6, 6, 10)), axis=2)
    mask = np.ones(y.shape, bool)
    steps = np.where(np.arange(10) % 2 == 0, 1.0, -1.0)
    assert slice_roughness(y, y, mask) == 1
    assert slice_roughness(y + 3 * steps, y, mask) == pytest.approx((5 * 5 + 4 * 7) / 9)
    assert slice_roughness(0 * y, y, mask) == 0


def test_a_water_equivalent_path_is_length_times_density() -> None:
    water, bone = np.zeros((10, 4, 3)), np.zeros((10, 4, 3))
    bone[2:6] = 975.0
    np.testing.assert_allclose(wepl(water, 2.0, 0), 20.0)
    np.testing.assert_allclose(wepl(bone, 2.0, 0), 20.0 + 4 * 2.0 * 975 / 1950)
    mask = np.ones(water.shape, bool)
    along_x, along_y = 4 * 2.0 * 0.5, 4 * 1.0 * 0.5
    expected = (along_x * 12 + along_y * 4 * 3) / (12 + 30)
    assert wepl_error(bone, water, mask, (2.0, 1.0, 1.0)) == pytest.approx(expected)
    assert ELECTRON_DENSITY(-1000) == 0
    with pytest.raises(InputError, match="in order of HU"):
        Calibration(((0.0, 1.0), (-1.0, 0.0)))


def test_the_Frechet_distance_of_Gaussians_is_its_closed_form() -> None:
    """|m - m'|^2 + sum (s - s')^2 for independent features of deviations s, s'."""
    n, s, t, shift = 200_000, np.array([1.0, 2.0, 0.5]), np.array([2.0, 1.0, 0.5]), np.array([1.0, 0.0, -1.0])
    a, b = RNG.standard_normal((n, 3)) * s, RNG.standard_normal((n, 3)) * t + shift
    assert frechet_distance(a, b) == pytest.approx(np.sum(shift**2) + np.sum((s - t) ** 2), rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    with pytest.raises(InputError, match="needs 6 samples"):
        frechet_distance(a[:5], b)


def test_the_kernel_distance_has_no_bias_and_is_its_double_sum() -> None:
    a, b = RNG.standard_normal((5, 4)), RNG.standard_normal((6, 4)) + 1

    def k(u: Array, v: Array) -> float:
        return float((u @ v / 4 + 1) ** 3)

    among = [np.mean([k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j]) for s in (a, b)]
    across = np.mean([k(u, v) for u in a for v in b])
    assert kernel_distance(a, b) == pytest.approx(sum(among) - 2 * across)
    draws = [kernel_distance(*RNG.standard_normal((2, 40, 4))) for _ in range(200)]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(200)


def test_features_know_blur_from_sharpness_and_no_place() -> None:
    mask = np.zeros((120, 120), bool)
    mask[20:100, 20:100] = True
    texture = RNG.standard_normal((120, 120))
    sharp = slice_features(texture, mask, (2.0, 2.0))
    moved = slice_features(np.roll(texture, 7, 0), np.roll(mask, 7, 0), (2.0, 2.0))
    soft = slice_features((texture + np.roll(texture, 1, 0) + np.roll(texture, 1, 1)) / 3, mask, (2.0, 2.0))
    assert sharp.shape == (N,)
    np.testing.assert_allclose(moved, sharp, atol=1e-9)
    assert (soft[:24] < sharp[:24] + np.log10(0.95)).all()  # the finest three wavelengths lose most
    volume = np.repeat(texture[..., None], 5, axis=2)
    assert volume_features(volume, np.repeat(mask[..., None], 5, axis=2), (2.0, 2.0, 3.0)).shape == (5, N)
