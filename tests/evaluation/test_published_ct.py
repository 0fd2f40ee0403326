"""The challenges' definitions, worked out here a second time by other functions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.signal import fftconvolve
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from spinloom.core.image import Image, Quantity
from spinloom.evaluation.pair import Pair, pair_of
from spinloom.evaluation.published_ct import source2, synthrad2023, synthrad2025
from spinloom.evaluation.scores import evaluate
from spinloom.evaluation.tables import reasons


@pytest.fixture(scope="module")
def pair() -> Pair:
    """A head of three tissues and a prediction that is soft and noisy, also outside of the mask."""
    rng = np.random.default_rng(0)
    r = np.linalg.norm((np.indices((60, 64, 41)) - np.array([30, 32, 20]).reshape(3, 1, 1, 1)) / [[[[1]]], [[[1]]], [[[0.7]]]], axis=0)  # fmt: skip  # noqa: E501
    y = np.where(r < 20, 40.0, np.where(r < 24, 1400.0, -1000.0)) + rng.normal(0, 8, r.shape)
    y[30, 32, 20] = 3400.0
    x = gaussian_filter(y, 1.0) + rng.normal(0, 30, r.shape)
    mask = Image((r < 26).astype(np.int16), np.eye(4), Quantity.LABEL)
    return pair_of(Image(x, np.eye(4), Quantity.HU), Image(y, np.eye(4), Quantity.HU), mask=mask)


def test_SynthRAD2023_by_scikit_image(pair: Pair) -> None:
    m = pair.mask
    assert m is not None
    x, y = np.clip(pair.x, -1024, 3000), np.clip(pair.y, -1024, 3000)
    found = synthrad2023(pair)
    assert found["MAE"] == pytest.approx(np.abs(pair.x - pair.y)[m].mean(), abs=1e-9)
    assert found["PSNR"] == pytest.approx(peak_signal_noise_ratio(y[m], x[m], data_range=4024), abs=1e-9)
    a, b = (np.where(m, v, -1024) + 1024 for v in (x, y))
    _, full = structural_similarity(b, a, data_range=4024, full=True)
    inner = (slice(3, -3),) * 3
    assert found["SSIM"] == pytest.approx(full[inner][m[inner]].mean(), abs=1e-9)


def test_SynthRAD2025_by_other_filters(pair: Pair) -> None:
    """Images of less than 97 voxels are continued at their edges; five scales, each halved by a mean of 2 x 2 x 2."""
    m = pair.mask
    assert m is not None
    x, y = (np.where(m, np.clip(v, -1024, 3071), -1024) + 1024 for v in (pair.x, pair.y))
    widths = [((97 - n) // 2, 97 - n - (97 - n) // 2) for n in y.shape]
    x, y, m = (np.pad(v, widths, mode="edge") for v in (x, y, m))
    product = 1.0
    for w in (0.0448, 0.2856, 0.3001, 0.2363, 0.1333):
        mx, my = uniform_filter(x, 7), uniform_filter(y, 7)
        n = 343 / 342
        vx, vy = n * (uniform_filter(x * x, 7) - mx**2), n * (uniform_filter(y * y, 7) - my**2)
        vxy = n * (uniform_filter(x * y, 7) - mx * my)
        C1, C2 = (0.01 * 4095) ** 2, (0.03 * 4095) ** 2
        sd = np.sqrt(np.clip(vx, 0, None) * np.clip(vy, 0, None))
        parts = (
            (2 * mx * my + C1) / (mx**2 + my**2 + C1),
            (2 * sd + C2) / (vx + vy + C2),
            (vxy + C2 / 2) / (sd + C2 / 2),
        )
        value = np.clip(np.array(parts), 0, None).prod(axis=0) ** w
        inner = (slice(3, -3),) * 3
        product *= value[inner][m[inner]].mean()
        x, y = (fftconvolve(v, np.full((2, 2, 2), 1 / 8), mode="same")[::2, ::2, ::2] for v in (x, y))
        m = m[::2, ::2, ::2]
    assert synthrad2025(pair)["MS-SSIM"] == pytest.approx(product, abs=1e-6)


def framed(values: np.ndarray) -> np.ndarray:
    """(nx, ny, nz) in the middle of 256 x 256 of air."""
    out = np.full((256, 256, values.shape[2]), -1.0)
    i, j = ((256 - n) // 2 for n in values.shape[:2])
    out[i : i + values.shape[0], j : j + values.shape[1]] = values
    return out


def test_source_2_by_scikit_image_in_its_frame(pair: Pair) -> None:
    """All slices count for MSE, those of air alone too, which have no range for SSIM."""
    found = source2(pair)
    x, y = (framed(np.where(pair.mask, np.clip(v, -1000, 1000), -1000) / 1000) for v in (pair.x, pair.y))
    some = np.ptp(y, axis=(0, 1)) > 0
    assert 0 < some.sum() < len(some)
    assert found["MSE"] == pytest.approx(((x - y) ** 2).mean(), abs=1e-12)
    alike = [structural_similarity(y[..., z], x[..., z], data_range=np.ptp(y[..., z])) for z in np.flatnonzero(some)]
    assert found["SSIM"] == pytest.approx(np.mean(alike), abs=1e-9)


def CT(values: np.ndarray) -> Image:
    return Image(values, np.eye(4), Quantity.HU)


def test_a_narrow_frame_is_padded_with_air_for_source_2() -> None:
    """120 x 140 in 256 x 256: RMSE falls by sqrt(120 140 / 256^2) = 0.506, so 66.2 HU become 33.5 HU."""
    y = np.random.default_rng(0).uniform(-900, 900, (120, 140, 4))
    sign = np.where(np.indices(y.shape).sum(0) % 2, 1, -1)
    native = source2(pair_of(CT(y + 66.2 * sign), CT(y)))["RMSE"]
    assert native == pytest.approx(66.2 * np.sqrt(120 * 140 / 256**2))
    assert native == pytest.approx(33.5, abs=0.05)
    x, y = (1000 * framed(v / 1000) for v in (y + 66.2 * sign, y))
    assert source2(pair_of(CT(x), CT(y)))["RMSE"] == pytest.approx(native, abs=1e-9)


def test_a_wide_frame_is_cropped_to_the_middle_for_source_2() -> None:
    y = np.full((300, 280, 2), -1000.0)
    y[100:200, 100:180] = 0.0
    x = y.copy()
    x[:22] = x[278:] = x[:, :12] = x[:, 268:] = 900.0
    assert source2(pair_of(CT(x), CT(y)))["MSE"] == 0
    x[22, 12] = x[277, 267] = 0.0
    assert source2(pair_of(CT(x), CT(y)))["MSE"] == pytest.approx(2 / 256**2)


@pytest.mark.parametrize("name", ["synthrad2023", "synthrad2025"])
def test_without_a_mask_the_challenges_have_no_scores_and_say_why(pair: Pair, name: str) -> None:
    found = evaluate(replace(pair, mask=None), name)
    assert all(np.isnan(r.value) for r in found.rows if r.protocol == name)
    assert len(reasons(found)) == 3
    assert all("no mask of the body was given" in why for why in reasons(found))


def test_the_headline_of_source_2_in_HU() -> None:
    """MSE 0.008025 on [-1, 1], one unit 1000 HU: 89.6 HU over the frame, 26.98 dB; 151, 134 and 121 HU in a head that
    fills 35, 45 and 55 % of the frame, if air is without error."""
    frame = (256, 256, 3)
    y = np.tile(np.linspace(-500, 500, 256)[:, None, None], (1, 256, 3))
    x = y + 1000 * np.sqrt(0.008025) * np.where(np.indices(frame).sum(0) % 2, 1, -1)
    found = source2(pair_of(CT(x), CT(y)))
    assert found["MSE"] == pytest.approx(0.008025, abs=1e-12)
    assert found["RMSE"] == pytest.approx(89.6, abs=0.05)
    assert found["PSNR"] == pytest.approx(26.98, abs=0.02)
    for share, HU in ((0.35, 151), (0.45, 134), (0.55, 121)):
        inside = np.arange(256) < round(256 * share)
        some, head = (CT(np.where(inside[:, None, None], v, -1000.0)) for v in (x, y))
        assert 1000 * np.sqrt(0.008025 / share) == pytest.approx(HU, abs=0.8)
        assert source2(pair_of(some, head))["RMSE"] == pytest.approx(89.58 * np.sqrt(inside.mean()), abs=0.05)
