"""Protocols give the numbers of those who published them, and what misleads is shown to mislead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.evaluation.known import NAMES, protocols
from spinloom.evaluation.pair import Pair, pair_of
from spinloom.evaluation.published_ct import source2, synthrad2023
from spinloom.evaluation.published_maps import source0
from spinloom.evaluation.published_mr import selfrdb, syndiff
from spinloom.evaluation.published_sr import source1, ssim_3d_on_a_slice, ssim_on_a_slice
from spinloom.evaluation.scores import TISSUES, against, evaluate

RNG = np.random.default_rng(3)


def pair(
    x: np.ndarray, y: np.ndarray, quantity: Quantity = Quantity.SIGNAL, name: str = "a", **more: np.ndarray
) -> Pair:
    extra = {k: Image(v, np.eye(4), Quantity.LABEL) for k, v in more.items()}
    return pair_of(Image(x, np.eye(4), quantity), Image(y, np.eye(4), quantity), name=name, **extra)


def head() -> np.ndarray:
    """A textured ball on nothing."""
    r = np.linalg.norm(np.indices((40, 40, 24)) - np.array([20, 20, 12]).reshape(3, 1, 1, 1), axis=0)
    return np.where(r < 11, 100 + 40 * gaussian_filter(RNG.standard_normal(r.shape), 1.0), 0.0)


def CT() -> np.ndarray:
    r = np.linalg.norm(np.indices((40, 40, 24)) - np.array([20, 20, 12]).reshape(3, 1, 1, 1), axis=0)
    return np.where(r < 6, 700.0, np.where(r < 11, 40.0, -1000.0)) + np.where(r < 11, RNG.normal(0, 5, r.shape), 0)


def test_an_MSE_of_0_008025_on_minus_one_to_one_is_89_6_HU() -> None:
    """Source 2's headline: one unit is 1000 HU, so sqrt(0.008025) 1000 = 89.6 HU over the whole frame."""
    y = np.clip(CT(), -900, 900)
    x = y + 1000 * np.sqrt(0.008025) * np.where(RNG.random(y.shape) < 0.5, -1, 1)
    x = np.clip(x, -1000, 1000)
    frame = x.shape[0] * x.shape[1] / 256**2
    exact = np.mean(((x - y) / 1000) ** 2)
    found = source2(pair(x, y, Quantity.HU))
    assert found["RMSE"] == pytest.approx(1000 * np.sqrt(found["MSE"]))
    assert 1000 * np.sqrt(0.008025) == pytest.approx(89.6, abs=0.05)
    assert found["MSE"] == pytest.approx(frame * exact)
    assert exact == pytest.approx(0.008025, rel=0.2)


def test_a_3D_window_on_a_slice_makes_images_alike_that_are_not() -> None:
    """The window of 11^3, padded with zeros, calls the square of the mean variance: SSIM rises for nothing."""
    y = gaussian_filter(RNG.random((64, 64)), 1.0) * 2 - 1
    x = gaussian_filter(y, 1.2)
    plane = structural_similarity(y, x, data_range=2.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    volume = ssim_3d_on_a_slice(x, y, 2.0)
    assert volume > plane + 0.02
    assert volume > ssim_on_a_slice(x, y, 2.0) + 0.02


def test_the_formula_of_the_3D_window_is_the_convolution_it_stands_for() -> None:
    from scipy.ndimage import correlate1d

    from spinloom.evaluation.similarity import Gaussian

    x, y = RNG.random((2, 20, 21))
    deep = np.zeros((2, 20, 21, 11))
    deep[..., 5] = x, y
    w = Gaussian().weights

    def smooth(a: np.ndarray) -> np.ndarray:
        for axis in range(3):
            a = correlate1d(a, w, axis=axis, mode="constant")
        return a[..., 5]

    mx, my = smooth(deep[0]), smooth(deep[1])
    vx, vy, vxy = smooth(deep[0] ** 2) - mx**2, smooth(deep[1] ** 2) - my**2, smooth(deep[0] * deep[1]) - mx * my
    C1, C2 = 0.02**2, 0.06**2
    expected = np.mean((2 * mx * my + C1) * (2 * vxy + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2)))
    assert ssim_3d_on_a_slice(x, y, 2.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("blind", [source0, syndiff, selfrdb], ids=["source0", "syndiff", "selfrdb"])
def test_protocols_that_stretch_both_images_do_not_see_a_wrong_scale(blind: object) -> None:
    """A map wrong by a factor of two is perfect there; the honest protocol gives it less than 10 dB."""
    y = head()
    score = blind(pair(2 * y, y, mask=y > 0))["PSNR"]  # type: ignore[operator]
    assert score > 100
    honest = evaluate(pair(2 * y, y)).values("honest", "PSNR")["a"]
    assert honest < 10


def test_background_lifts_whole_frame_scores_and_not_the_honest_one() -> None:
    y = head()
    x = y + np.where(y > 0, 15 * RNG.standard_normal(y.shape), 0)
    wide = [np.pad(a, ((40, 40), (40, 40), (0, 0))) for a in (x, y)]
    near, far = evaluate(pair(x, y), "all"), evaluate(pair(*wide), "all")
    assert far.values("fast-ddpm", "PSNR")["a"] > near.values("fast-ddpm", "PSNR")["a"] + 6
    assert far.values("honest", "PSNR")["a"] == pytest.approx(near.values("honest", "PSNR")["a"], abs=1e-9)
    assert far.values("honest", "SSIM")["a"] == pytest.approx(near.values("honest", "SSIM")["a"], abs=1e-9)


def test_SynthRAD2023_clips_for_PSNR_and_not_for_MAE() -> None:
    y = CT()
    x = y.copy()
    x[20, 20, 12] = 9000.0
    found = synthrad2023(pair(x, y, Quantity.HU, mask=np.ones(y.shape)))
    assert found["MAE"] == pytest.approx((9000 - y[20, 20, 12]) / y.size)
    assert found["PSNR"] == pytest.approx(10 * np.log10(4024**2 / ((3000 - y[20, 20, 12]) ** 2 / y.size)))


def test_source1_is_eight_bits_of_the_reference() -> None:
    y = head()
    found = source1(pair(y + 1e-9, y))
    assert found["PSNR"] == 100
    step = y.max() / 255
    coarser = source1(pair(y + np.where(y > 0, step, 0), y))["PSNR"]
    inside = np.mean([np.mean(y[..., z] > 0) for z in range(24) if np.ptp(y[..., z]) > 0])
    assert coarser == pytest.approx(10 * np.log10(4 / (inside / 127.5**2)), abs=0.7)  # one grey value of 255
    assert found["SSIM"] == pytest.approx(1.0, abs=1e-6)


def test_every_protocol_scores_the_images_it_suits_and_says_where_it_comes_from() -> None:
    y, ct = head(), CT()
    for p, quantity in ((pair(y + 1, y), Quantity.SIGNAL), (pair(ct + 5, ct, Quantity.HU), Quantity.HU)):
        found = evaluate(p, "all")
        assert {q.name for q in found.protocols} == {q.name for q in protocols(("all",), quantity)}
        for q in found.protocols:
            assert q.source
            for c in q.columns:
                assert "a" in found.values(q.name, c.name)
    assert len(NAMES) == 9


def test_a_protocol_of_another_quantity_is_refused() -> None:
    with pytest.raises(UsageError, match="is for CT numbers"):
        evaluate(pair(head() + 1, head()), "synthrad2023")
    with pytest.raises(UsageError, match="Did you mean 'syndiff'"):
        evaluate(pair(head() + 1, head()), "sindiff")


def test_maps_are_scored_in_ms_and_percent_per_tissue() -> None:
    labels = np.zeros((20, 20, 14), np.int32)
    labels[3:17, 3:10, 3:11], labels[3:17, 10:17, 3:11] = 1, 2
    T1 = np.choose(labels, [0.0, 0.8, 1.2]).astype(float)
    found = evaluate(pair(T1 * np.where(labels == 1, 1.1, 0.95), T1, Quantity.T1, labels=labels))
    assert found.values(TISSUES, "1: MAE")["a"] == pytest.approx(80.0)
    assert found.values(TISSUES, "2: bias")["a"] == pytest.approx(-60.0)
    assert found.values(TISSUES, "1: bias in percent")["a"] == pytest.approx(10.0)
    assert {r.unit for r in found.rows if r.metric in ("MAE", "1: MAE")} == {"ms"}


def test_label_maps_have_dice_and_distance() -> None:
    y = np.zeros((20, 20, 10), np.int32)
    y[4:10, 4:10, 2:8], y[12:18, 4:10, 2:8] = 1, 2
    x = np.where(y == 2, 0, y)
    found = evaluate(pair(x, y, Quantity.LABEL))
    assert found.values("honest", "Dice")["a"] == pytest.approx(0.5)
    assert found.values("honest", "HD95")["a"] == 0
    assert found.values("honest", "labels missed")["a"] == 1


def test_what_cannot_be_compared_is_refused() -> None:
    y = Image(head(), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 3.0
    for x, what in (
        (Image(y.data[:39], np.eye(4)), "has shape"),
        (Image(y.data, moved), "3 mm apart"),
        (Image(np.where(y.data > 0, np.nan, 0.0), np.eye(4)), "not finite"),
        (replace(y, quantity=Quantity.T1), "Convert one of them"),
    ):
        with pytest.raises(InputError, match=what):
            pair_of(x, y)
    with pytest.raises(InputError, match="reference is constant"):
        pair_of(y, replace(y, data=np.ones(y.data.shape)))
    with pytest.raises(InputError, match="mask is empty"):
        pair_of(y, y, mask=replace(y, data=np.zeros(y.data.shape)))
    ct = Image(CT(), np.eye(4), Quantity.HU)
    for wrong, remedy in ((ct.data + 1024, "Subtract it"), (ct.data / 1000, "Undo the scaling")):
        with pytest.raises(InputError, match=remedy):
            pair_of(replace(ct, data=wrong), ct)
    with pytest.raises(InputError, match="comes twice"):
        evaluate([pair(head(), head()), pair(head(), head())])
    with pytest.raises(InputError, match="different quantities"):
        evaluate([pair(head(), head()), pair(CT(), CT(), Quantity.HU, name="b")])
    with pytest.raises(InputError, match="nothing to score"):
        evaluate([])


def test_two_predictions_are_compared_subject_by_subject() -> None:
    y = [head() for _ in range(3)]
    one, two = (evaluate([pair(a + d, a, name=str(i)) for i, a in enumerate(y)]) for d in (1.0, 3.0))
    found = {(p, c.name): c_ for p, c, c_ in against(one, two)}
    assert found["honest", "MAE"].n == 3
    assert found["honest", "MAE"].difference < 0
    with pytest.raises(InputError, match="no subject in common"):
        against(one, evaluate(pair(y[0] + 1, y[0], name="other")))
