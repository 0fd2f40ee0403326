"""On real scans: how much of a score is protocol, and what a misleading window makes of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import body as body_of
from spinloom.core.masks import head as head_of
from spinloom.evaluation import Gaussian, evaluate, pair_of, ssim
from spinloom.evaluation.published_sr import ssim_3d_on_a_slice
from spinloom.io import read_image


@pytest.fixture(scope="module")
def T1(shared_data: Path) -> Image:
    full = read_image(shared_data / "ms_mni_brain" / "patient26_T1.nii.gz")
    return Image(np.clip(full.data[:, :, 60:100].astype(float), 0, None), full.affine)


def test_the_3D_window_of_source_1_lifts_blur_and_noise(T1: Image) -> None:
    """Published effect on slices of a T1: blur 0.960 becomes 0.986, noise 0.85 becomes 0.97."""
    y = T1.data[:, :, 20] / T1.data.max() * 2 - 1
    rng = np.random.default_rng(0)
    for x, least in ((gaussian_filter(y, 1.0), 0.015), (y + rng.normal(0, 0.06, y.shape), 0.08)):
        plane = ssim(x, y, 2.0, window=Gaussian(), unbiased=False)
        assert ssim_3d_on_a_slice(x, y, 2.0) > plane + least
        assert ssim_3d_on_a_slice(x, y, 2.0) > 0.95


def test_one_prediction_has_as_many_scores_as_protocols(T1: Image) -> None:
    """The same blurred image: more than 6 dB apart, where the whole frame counts and where the head does."""
    x = Image(gaussian_filter(T1.data, 1.0), T1.affine)
    found = evaluate(pair_of(x, T1, name="patient26"), "all")
    PSNR = {p.name: found.values(p.name, "PSNR")["patient26"] for p in found.protocols}
    assert set(PSNR) == {"honest", "source0", "source1", "syndiff", "selfrdb", "fast-ddpm"}
    assert min(PSNR["fast-ddpm"], PSNR["source1"]) > PSNR["honest"] + 6
    assert found.values("source1", "SSIM of 3D window")["patient26"] > found.values("source1", "SSIM")["patient26"]
    assert any("misleading" in c for p in found.protocols for c in p.caveats)


def test_a_scale_that_is_wrong_by_a_fifth_is_invisible_to_three_protocols(T1: Image) -> None:
    brain = Image(head_of(T1.data).astype(np.int16), T1.affine, Quantity.LABEL)
    found = evaluate(pair_of(Image(1.2 * T1.data, T1.affine), T1, mask=brain), "all")
    for blind in ("source0", "syndiff", "selfrdb"):
        assert found.values(blind, "PSNR")["case"] > 100
    assert found.values("honest", "PSNR")["case"] < 20
    assert found.values("honest", "MAE")["case"] == pytest.approx(0.2 * found_mean(T1), rel=0.02)


def found_mean(T1: Image) -> float:
    """Mean of the image in the mask on the honest scale."""
    from spinloom.evaluation.honest import scale_of, where

    p = pair_of(Image(T1.data + 1, T1.affine), T1)
    return float(p.y[where(p)].mean() / scale_of(p, where(p)))


def test_noise_on_a_CT_is_its_own_error_in_every_tissue(shared_data: Path) -> None:
    """MAE of normal noise of 40 HU: 40 sqrt(2 / pi) = 31.9 HU in air, soft tissue and bone alike."""
    y = read_image(shared_data / "ct_body_small" / "example_ct_sm.nii.gz", quantity=Quantity.HU)
    x = Image(y.data + np.random.default_rng(0).normal(0, 40, y.data.shape), y.affine, Quantity.HU)
    body = Image(body_of(np.asarray(y.data, float)).astype(np.int16), y.affine, Quantity.LABEL)
    found = evaluate(pair_of(x, y, mask=body), "all")
    for metric in ("MAE", "MAE air", "MAE soft", "MAE bone"):
        assert found.values("honest", metric)["case"] == pytest.approx(40 * np.sqrt(2 / np.pi), rel=0.03)
    assert found.values("synthrad2023", "PSNR")["case"] == pytest.approx(20 * np.log10(4024 / 40), abs=0.5)
    assert 0.7 < found.values("honest", "Dice bone")["case"] < 0.95
    assert 0 < found.values("honest", "WEPL error")["case"] < 3
