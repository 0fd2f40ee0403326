"""SSIM and MS-SSIM: scikit-image's and torchmetrics' numbers, the sum over a window by hand, and masks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.metrics import structural_similarity

from spinloom.core.errors import InputError
from spinloom.evaluation import Gaussian, Uniform, ms_ssim, ssim, ssim_map

Images = tuple[np.ndarray, np.ndarray]


def waves(shape: tuple[int, ...]) -> Images:
    """Two images that any program can make again."""
    g = np.meshgrid(*[np.arange(n) / n for n in shape], indexing="ij")
    third = 5 * g[2] if len(g) > 2 else 0
    y = 0.5 + 0.25 * np.sin(11 * g[0] + 3 * g[1]) + 0.2 * np.cos(17 * g[1] - third)
    return 0.9 * y + 0.03 * np.sin(40 * g[0]) * np.cos(33 * g[1]), y


@pytest.fixture(params=[(31, 40), (21, 18, 24)], ids=["2D", "3D"])
def images(request: pytest.FixtureRequest) -> Images:
    y = gaussian_filter(np.random.default_rng(2).normal(size=request.param), 2)
    return y + 0.05 * np.random.default_rng(3).normal(size=y.shape), y


@pytest.mark.parametrize("unbiased", [True, False])
def test_as_scikit_image(images: Images, unbiased: bool) -> None:
    x, y = images
    theirs = structural_similarity(y, x, data_range=0.7, use_sample_covariance=unbiased)
    assert ssim(x, y, 0.7, unbiased=unbiased) == pytest.approx(theirs, abs=1e-10)
    theirs = structural_similarity(y, x, data_range=0.7, use_sample_covariance=unbiased, gaussian_weights=True)
    assert ssim(x, y, 0.7, window=Gaussian(), unbiased=unbiased) == pytest.approx(theirs, abs=1e-10)


def test_the_whole_map_as_scikit_image(images: Images) -> None:
    x, y = images
    _, theirs = structural_similarity(y, x, data_range=0.7, full=True, win_size=5)
    np.testing.assert_allclose(ssim_map(x, y, 0.7, window=Uniform(5)), theirs, atol=1e-10)


@pytest.mark.parametrize(
    ("shape", "gaussian", "uniform"),
    [((192, 200), 0.9703502144460604, 0.96458150162519), ((24, 26, 28), 0.983964380895124, 0.9856226653403016)],
)
def test_as_torchmetrics(shape: tuple[int, ...], gaussian: float, uniform: float) -> None:
    """Its full map (torchmetrics 1.9.0, float64), averaged where windows lie inside the image."""
    x, y = waves(shape)
    assert ssim(x, y, 1.0, window=Gaussian(), unbiased=False) == pytest.approx(gaussian, abs=1e-10)
    assert ssim(x, y, 1.0, unbiased=False) == pytest.approx(uniform, abs=1e-10)


def test_many_scales_as_torchmetrics() -> None:
    """Contrast of four scales and SSIM of the fifth, by torchmetrics 1.9.0, where windows lie inside the image."""
    assert ms_ssim(*waves((192, 200)), 1.0) == pytest.approx(0.9802815515783373, abs=1e-10)


def test_one_voxel_by_hand() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 9, 9))
    a, b = x[1:8, 1:8].ravel(), y[1:8, 1:8].ravel()
    C = np.cov(a, b)
    C1, C2 = 0.02**2, 0.06**2
    by_hand = (2 * a.mean() * b.mean() + C1) * (2 * C[0, 1] + C2)
    by_hand /= (a.mean() ** 2 + b.mean() ** 2 + C1) * (C[0, 0] + C[1, 1] + C2)
    assert ssim_map(x, y, 2.0)[4, 4] == pytest.approx(by_hand, abs=1e-12)


def test_one_voxel_at_the_edge_of_a_mask_by_hand() -> None:
    """The window sees the voxels of the mask alone, with their weights adding up to one again."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 15, 15))
    mask = np.zeros((15, 15), bool)
    mask[:, :8] = True
    mask[6, 6] = False
    bell = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    w = np.outer(bell, bell) * mask[2:13, 2:13]
    w /= w.sum()
    a, b = x[2:13, 2:13], y[2:13, 2:13]
    mx, my = (w * a).sum(), (w * b).sum()
    vx, vy, vxy = (w * a * a).sum() - mx**2, (w * b * b).sum() - my**2, (w * a * b).sum() - mx * my
    by_hand = (2 * mx * my + 1e-4) * (2 * vxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    found = ssim_map(x, y, 1.0, window=Gaussian(), mask=mask, unbiased=False)
    assert found[7, 7] == pytest.approx(by_hand, abs=1e-12)
    assert np.isnan(found[7, 8])
    assert np.isnan(found[6, 6])


def test_a_mask_of_everything_changes_nothing_where_windows_lie_inside(images: Images) -> None:
    x, y = images
    inner = tuple(slice(5, n - 5) for n in y.shape)
    all_of_it = np.ones(y.shape, bool)
    masked = ssim_map(x, y, 0.7, window=Gaussian(), mask=all_of_it)[inner]
    np.testing.assert_allclose(masked, ssim_map(x, y, 0.7, window=Gaussian())[inner], atol=1e-12)


def test_what_lies_outside_the_mask_neither_helps_nor_hurts(images: Images) -> None:
    x, y = images
    mask = np.zeros(y.shape, bool)
    mask[tuple(slice(4, n - 6) for n in y.shape)] = True
    spoilt = np.where(mask, x, 1e3)
    assert ssim(spoilt, y, 0.7, mask=mask) == pytest.approx(ssim(x, y, 0.7, mask=mask), abs=1e-12)
    assert ssim(np.where(mask, y, -50), y, 0.7, mask=mask) == pytest.approx(1, abs=1e-12)


def test_slices_weigh_equally_and_empty_ones_not_at_all() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 12, 13, 5))
    mask = np.zeros(y.shape, bool)
    mask[2:6, 2:6, 1], mask[:, :, 3] = True, True
    each = [ssim(x[:, :, z], y[:, :, z], 1.0, mask=mask[:, :, z]) for z in (1, 3)]
    assert ssim(x, y, 1.0, mask=mask, slice_axis=2) == pytest.approx(np.mean(each), abs=1e-12)
    each = [structural_similarity(y[:, :, z], x[:, :, z], data_range=1.0) for z in range(5)]
    assert ssim(x, y, 1.0, slice_axis=2) == pytest.approx(np.mean(each), abs=1e-10)


def test_one_for_equal_images_and_minus_one_for_inverted_contrast(images: Images) -> None:
    y = 10 + images[1]
    assert ssim(y, y, 1.0) == pytest.approx(1, abs=1e-12)
    assert ssim(20 - y, y, 0.01) == pytest.approx(-1, abs=0.01)


def test_many_scales_by_their_formula_in_3D() -> None:
    """Two scales: contrast and structure of the fine one, everything of the coarse one."""
    rng = np.random.default_rng(7)
    y = gaussian_filter(rng.normal(size=(24, 26, 28)), 1.5)
    x = y + 0.05 * rng.normal(size=y.shape)

    def means(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        def f(v: np.ndarray) -> np.ndarray:
            return np.asarray(uniform_filter(v, 7))

        C1, C2 = 0.01**2, 0.03**2
        L = (2 * f(a) * f(b) + C1) / (f(a) ** 2 + f(b) ** 2 + C1)
        CS = (2 * (f(a * b) - f(a) * f(b)) + C2) / (f(a * a) - f(a) ** 2 + f(b * b) - f(b) ** 2 + C2)
        s = (slice(3, -3),) * 3
        return float(CS[s].mean()), float((L * CS)[s].mean())

    halves = [v.reshape(12, 2, 13, 2, 14, 2).mean(axis=(1, 3, 5)) for v in (x, y)]
    by_hand = means(x, y)[0] ** 0.4 * means(*halves)[1] ** 0.6
    assert ms_ssim(x, y, 1.0, window=Uniform(), weights=(0.4, 0.6)) == pytest.approx(by_hand, abs=1e-12)


def test_many_scales_in_a_mask_see_nothing_else() -> None:
    x, y = waves((180, 190))
    mask = np.zeros(y.shape, bool)
    mask[32:160, 16:176] = True
    found = ms_ssim(x, y, 1.0, mask=mask)
    assert ms_ssim(np.where(mask, x, 9.0), y, 1.0, mask=mask) == pytest.approx(found, abs=1e-9)
    assert ms_ssim(np.where(mask, y, 9.0), y, 1.0, mask=mask) == pytest.approx(1, abs=1e-9)


def test_refused() -> None:
    y = np.random.default_rng(8).normal(size=(9, 9))
    with pytest.raises(InputError, match="smaller than the window"):
        ssim(y, y, 1.0, window=Gaussian())
    with pytest.raises(InputError, match="too small for 5 scales"):
        ms_ssim(*waves((175, 200)), 1.0)
    with pytest.raises(InputError, match="data_range"):
        ssim(y, y, 0.0)
    with pytest.raises(InputError, match="shapes differ"):
        ssim(y, y[:, :8], 1.0)
    with pytest.raises(InputError, match="not finite"):
        ssim(np.where(y == y.max(), np.inf, y), y, 1.0)
    with pytest.raises(InputError, match="mask is empty"):
        ssim(y, y, 1.0, mask=np.zeros(y.shape))
    with pytest.raises(InputError, match="mask is empty"):
        ssim(y, y, 1.0, mask=np.zeros(y.shape), slice_axis=1)
    specks = np.zeros((180, 180), bool)
    specks[::4, ::4] = True
    with pytest.raises(InputError, match="nothing of the mask is left"):
        ms_ssim(*waves((180, 180)), 1.0, mask=specks)
