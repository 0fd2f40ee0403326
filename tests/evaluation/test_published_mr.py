"""What publications' code does to MR slices, worked out here a second time by scikit-image, numpy and torch.

Slices are not square, prediction and reference differ by a scale, and the prediction's largest voxel lies where SynDiff
crops it away.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from spinloom.core.image import Image, Quantity
from spinloom.evaluation.frames import centred, padded_and_cropped
from spinloom.evaluation.pair import Pair, pair_of
from spinloom.evaluation.published_maps import oracle, source0
from spinloom.evaluation.published_mr import fast_ddpm, selfrdb, syndiff
from spinloom.evaluation.published_sr import source1
from spinloom.evaluation.scores import evaluate
from spinloom.evaluation.tables import reasons

Slices = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def pair() -> Pair:
    """163 x 180 x 3: textured tissues; the prediction is soft, 1.3 times too bright, and goes below 0."""
    rng = np.random.default_rng(0)
    r = np.linalg.norm((np.indices((163, 180, 3)) - np.array([80, 92, 1]).reshape(3, 1, 1, 1)) / [[[[0.8]]], [[[1]]], [[[1]]]], axis=0)  # fmt: skip  # noqa: E501
    y = np.where(r < 50, 300.0, np.where(r < 75, 500.0, 0.0)) + np.where(r < 75, rng.normal(0, 30, r.shape), 0)
    x = 1.3 * gaussian_filter(y, (1.5, 1.0, 0)) + rng.normal(0, 12, r.shape)
    x[2, 90, :] = 1.2 * x.max()
    labels = np.where(r < 50, 1, np.where(r < 75, 2, 0)).astype(np.int16)
    mask = Image((r < 78).astype(np.int16), np.eye(4), Quantity.LABEL)
    return pair_of(Image(x, np.eye(4)), Image(y, np.eye(4)), mask=mask, labels=Image(labels, np.eye(4), Quantity.LABEL))


def slices(pair: Pair) -> Slices:
    assert pair.mask is not None
    return [(pair.x[..., z], pair.y[..., z], pair.mask[..., z].astype(float)) for z in range(pair.y.shape[2])]


def means(rows: list[tuple[float, float]]) -> dict[str, float]:
    return {"PSNR": float(np.mean([r[0] for r in rows])), "SSIM": float(np.mean([r[1] for r in rows]))}


def test_source_0_by_scikit_image(pair: Pair) -> None:
    def scores(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        a, b = (np.interp(v, (v.min(), v.max()), (0, 255)) for v in (x, y))
        alike = structural_similarity(y, x, data_range=x.max() - abs(x.min()))
        return peak_signal_noise_ratio(b, a, data_range=255), alike

    found = source0(pair)
    for name, value in means([scores(x, y) for x, y, _ in slices(pair)]).items():
        assert found[name] == pytest.approx(value, abs=1e-9)


def test_the_oracle_of_source_0_is_the_mean_of_every_tissue(pair: Pair) -> None:
    """On one scale nothing uniform per tissue gets below its error; under source 0's two scales other images may."""
    assert pair.labels is not None
    best = np.zeros(pair.y.shape)
    for label in (0, 1, 2):
        best[pair.labels == label] = pair.y[pair.labels == label].mean()
    found, of_means = source0(pair), source0(replace(pair, x=best))
    assert found["PSNR of oracle"] == pytest.approx(of_means["PSNR"], abs=1e-9)
    assert found["SSIM of oracle"] == pytest.approx(of_means["SSIM"], abs=1e-9)
    np.testing.assert_allclose(oracle(pair.y, pair.labels), best, atol=1e-9)
    for shift in (-20.0, 20.0):
        assert np.mean((best + shift - pair.y) ** 2) > np.mean((best - pair.y) ** 2)
    assert np.isnan(source0(replace(pair, labels=None))["PSNR of oracle"])


def test_source_1_by_convolutions_of_torch(pair: Pair) -> None:
    """Padding of 5 zeros on every side, mean over the whole map; single precision there, hence 1e-5."""
    torch = pytest.importorskip("torch")
    i = torch.arange(11, dtype=torch.float64) - 5
    g = torch.exp(-(i**2) / (2 * 1.5**2))
    g = g / g.sum()

    def ssim(x: np.ndarray, y: np.ndarray, dimensions: int) -> float:
        a, b = (torch.from_numpy(v)[(None,) * (dimensions - 2 + 2)] for v in (x, y))
        kernel = g[:, None] * g[None] if dimensions == 2 else g[:, None, None] * g[None, :, None] * g[None, None]
        convolve = torch.nn.functional.conv2d if dimensions == 2 else torch.nn.functional.conv3d

        def m(v: object) -> object:
            return convolve(v, kernel[None, None], padding=5)

        mx, my = m(a), m(b)
        vx, vy, vxy = m(a * a) - mx**2, m(b * b) - my**2, m(a * b) - mx * my
        C1, C2 = 0.02**2, 0.06**2
        return float(((2 * mx * my + C1) * (2 * vxy + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2))).mean())

    top = pair.y.max()
    rows = []
    for x, y, _ in slices(pair):
        a, b = (np.round(255 * np.clip(v / top, 0, 1)) / 255 * 2 - 1 for v in (x, y))
        rows.append((peak_signal_noise_ratio(b, a, data_range=2), ssim(a, b, 2), ssim(a, b, 3)))
    found = source1(pair)
    for value, name in zip(np.mean(rows, axis=0), ("PSNR", "SSIM", "SSIM of 3D window"), strict=True):
        assert found[name] == pytest.approx(value, abs=1e-6)


def test_SynDiff_by_scikit_image(pair: Pair) -> None:
    """163 voxels in a frame of 256: 46 zeros on both sides (255), of which CenterCrop leaves out the first 52."""
    rows = []
    for x, y, _ in slices(pair):
        a, b = (np.pad(v / v.max(), ((46, 46), (38, 38)))[52:204] for v in (x, y))
        assert a.shape == (152, 256)
        assert a.max() < 1
        MSE = np.mean((a - b) ** 2)
        rows.append((20 * np.log10(a.max() / np.sqrt(MSE)), structural_similarity(b, a, data_range=1.0)))
    found = syndiff(pair)
    for name, value in means(rows).items():
        assert found[name] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(("n", "first"), [(152, 0), (153, 1), (155, 2), (156, 2), (159, 4), (163, 6), (182, 15), (256, 52)])  # fmt: skip  # noqa: E501
def test_the_crop_of_SynDiff_begins_where_its_two_steps_leave_it(n: int, first: int) -> None:
    """floor((256 - n) / 2) zeros on both sides, then round((256 or 255 - 152) / 2) = 52 left out, halves to even."""
    found = padded_and_cropped(np.arange(1.0, n + 1)[:, None] * np.ones((1, 256)), 256, (152, 256))
    assert found.shape == (152, 256)
    assert found[0, 0] == first + 1
    assert 52 - (256 - n) // 2 == first


def test_slices_smaller_than_the_crop_of_SynDiff_have_zeros_around_them() -> None:
    found = padded_and_cropped(np.ones((100, 219)), 256, (152, 256))
    assert found.shape == (152, 256)
    assert found.sum() == 100 * 219
    assert found[26:126, 18:237].all()


def test_a_frame_is_about_the_middle() -> None:
    for n in (3, 4, 7, 8, 9):
        found = centred(np.arange(1.0, n + 1)[:, None], (6, 1), -1.0)[:, 0]
        inside = found[found > 0]
        assert len(found) == 6
        assert len(inside) == min(n, 6)
        assert abs((inside[0] - 1) - (n - inside[-1])) <= 1
        before, after = np.argmax(found > 0), np.argmax(found[::-1] > 0)
        assert after - before in (0, 1)


def test_SelfRDB_by_scikit_image(pair: Pair) -> None:
    rows = []
    for x, y, m in slices(pair):
        a, b = (np.abs(v * m) / np.mean(np.abs(v * m)) for v in (x, y))
        rows.append(
            (peak_signal_noise_ratio(b, a, data_range=b.max()), structural_similarity(b, a, data_range=b.max()))
        )
    found = selfrdb(pair)
    for name, value in means(rows).items():
        assert found[name] == pytest.approx(value, abs=1e-9)


def test_SelfRDB_has_no_score_without_a_mask_and_says_why(pair: Pair) -> None:
    found = evaluate(replace(pair, mask=None), "selfrdb")
    assert all(np.isnan(r.value) for r in found.rows if r.protocol == "selfrdb")
    assert any("selfrdb: no PSNR in 1 of 1 cases: no mask was given" in why for why in reasons(found))


def test_Fast_DDPM_by_scikit_image(pair: Pair) -> None:
    """Translation: fractions of grey values stay, and what lies beyond the reference's largest value is cut."""
    rows = []
    for x, y, _ in slices(pair):
        a, b = (255 * np.clip(v, 0, pair.y.max()) / pair.y.max() for v in (x, y))
        rows.append((peak_signal_noise_ratio(b, a, data_range=255), structural_similarity(b, a, data_range=255)))
    found = fast_ddpm(pair)
    for name, value in means(rows).items():
        assert found[name] == pytest.approx(value, abs=1e-9)


def test_slices_without_error_are_left_out_of_a_mean_PSNR_and_it_is_said(pair: Pair) -> None:
    some = pair.x.copy()
    some[..., 0] = pair.y[..., 0]
    found = evaluate(replace(pair, x=some, labels=None), "fast-ddpm")
    top = pair.y.max()
    a, b = (255 * np.clip(v / top, 0, 1) for v in (pair.x, pair.y))
    expected = np.mean([peak_signal_noise_ratio(b[..., z], a[..., z], data_range=255) for z in (1, 2)])
    assert found.values("fast-ddpm", "PSNR")["case"] == pytest.approx(expected)
    assert any("without any error" in c for p in found.protocols if p.name == "fast-ddpm" for c in p.caveats)
    assert source1(replace(pair, x=pair.y))["PSNR"] == 100
