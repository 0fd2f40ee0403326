"""Laws of noise and of k-space that was not acquired."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hyp1f1

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset import degrade as d
from spinloom.dataset.degrade.patterns import Pattern

N = 60


def flat(value: float) -> Image:
    return Image(np.full((N, N, N), value), np.eye(4))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("A", [0.0, 0.5, 2.0, 10.0])
def test_the_mean_of_rician_noise_is_the_laguerre_formula(A: float) -> None:
    out = d.Noise(snr=1.0, signal=1.0).apply(flat(A), rng()).data  # sigma = 1
    assert out.mean() == pytest.approx(np.sqrt(np.pi / 2) * hyp1f1(-0.5, 1, -(A**2) / 2), abs=5 / N**1.5)


def test_the_background_of_one_coil_spreads_by_0_655_sigma() -> None:
    out = d.Noise(snr=4.0, signal=8.0).apply(flat(0.0), rng()).data
    assert out.std() == pytest.approx(2 * np.sqrt(2 - np.pi / 2), rel=0.01)


@pytest.mark.parametrize("n", [1, 4, 16])
def test_the_second_moment_of_many_coils_is_signal_plus_2_n_sigma_squared(n: int) -> None:
    out = d.Noise(2.0, d.NonCentralChi(n), signal=6.0).apply(flat(5.0), rng()).data
    assert (out.astype(float) ** 2).mean() == pytest.approx(25 + 2 * n * 9, rel=0.01)


def test_gaussian_noise_has_the_stated_snr() -> None:
    out = d.Noise(20.0, d.Gaussian(), signal=100.0).apply(flat(100.0), rng()).data
    assert out.std() == pytest.approx(5.0, rel=0.01)
    assert out.mean() == pytest.approx(100.0, abs=0.1)


def test_the_signal_is_the_mean_of_the_head_not_of_the_air_around_it() -> None:
    data = np.zeros((40, 40, 40))
    data[10:30, 10:30, 10:30] = 50.0
    told = d.Noise(25.0).apply(Image(data, np.eye(4)), rng()).info["degraded"][0]  # type: ignore[index]
    assert told["signal"] == pytest.approx(50.0)
    assert told["sigma"] == pytest.approx(2.0)


def test_the_same_seed_gives_the_same_noise() -> None:
    one, two = (d.Noise(5.0, signal=1.0).apply(flat(1.0), np.random.default_rng(9)).data for _ in range(2))
    assert np.array_equal(one, two)


def test_noise_without_an_object_or_of_no_size_is_refused() -> None:
    with pytest.raises(InputError):
        d.Noise(20.0).apply(flat(3.0), rng())
    with pytest.raises(UsageError):
        d.Noise(0.0)
    with pytest.raises(UsageError):
        d.NonCentralChi(0)


def test_ct_numbers_and_z_scores_are_no_magnitude() -> None:
    ct = Image(np.linspace(-1000, 1500, 512).reshape(8, 8, 8), np.eye(4), Quantity.HU)
    scores = Image(np.linspace(-2, 2, 512).reshape(8, 8, 8), np.eye(4))
    for image in (ct, scores):
        with pytest.raises(InputError, match="magnitude"):
            d.Noise(20.0, signal=1.0).apply(image, rng())
        with pytest.raises(InputError):
            d.Noise(20.0, d.Gaussian()).apply(image, rng())
        with pytest.raises(InputError):
            d.Undersample(d.Regular(2)).apply(image, rng())
    out = d.Noise(20.0, d.Gaussian(), signal=400.0).apply(ct, rng())
    assert (out.data - ct.data).std() == pytest.approx(20.0, rel=0.1)


PATTERNS: list[Pattern] = [d.Regular(4, 8), d.VariableDensity(3, 6), d.PartialFourier(0.7), d.Radial(12)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: str(p.facts()["pattern"]))
@pytest.mark.parametrize("axes", [(1, 0), (0, 1), (2, 0)])
def test_what_was_acquired_is_kept_and_the_rest_is_zero(pattern: Pattern, axes: tuple[int, int]) -> None:
    g = np.random.default_rng(3)
    image = Image(g.standard_normal((40, 36, 30)) + 1j * g.standard_normal((40, 36, 30)), np.eye(4))
    out = d.Undersample(pattern, axes).apply(image, np.random.default_rng(8))
    over = axes if pattern.plane else axes[:1]
    mask = pattern.mask(tuple(image.data.shape[a] for a in over), np.random.default_rng(8))
    before, after = (np.fft.fftshift(np.fft.fftn(i.data, axes=over), axes=over) for i in (image, out))
    before, after = (np.moveaxis(a, over, range(len(over))) for a in (before, after))
    assert 0.1 < mask.mean() < 0.9
    np.testing.assert_allclose(after[mask], before[mask], atol=1e-3)
    assert np.abs(after[~mask]).max() < 1e-3
    assert out.info["degraded"][0]["kept"] == pytest.approx(mask.mean(), abs=1e-6)  # type: ignore[index]


def test_full_sampling_changes_nothing_and_real_images_stay_real() -> None:
    image = Image(np.random.default_rng(4).random((16, 18, 4)), np.eye(4))
    out = d.Undersample(d.PartialFourier(1.0)).apply(image, rng()).data
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, image.data, atol=1e-6)


def test_regular_undersampling_by_two_folds_the_object_by_half_the_field_of_view() -> None:
    data = np.zeros((8, 32, 2))
    data[3, 10] = 1.0
    out = d.Undersample(d.Regular(2)).apply(Image(data, np.eye(4)), rng()).data
    assert out[3, 10, 0] == pytest.approx(0.5)
    assert out[3, 26, 0] == pytest.approx(0.5)
    assert out[3].sum() == pytest.approx(2.0, abs=1e-5)


def test_enough_spokes_fill_the_disc_and_leave_the_corners() -> None:
    mask = d.Radial(120).mask((48, 48), rng())
    k = np.hypot(*np.meshgrid(np.arange(48) - 24, np.arange(48) - 24, indexing="ij"))
    assert mask[k < 22].all()
    assert not mask[k > 26].any()
    assert mask[24, 24]


@pytest.mark.parametrize(
    "make",
    [
        lambda: d.Undersample(d.Regular(2), (1, 1)),
        lambda: d.Undersample(d.Regular(90)).apply(flat(1.0), rng()),
        lambda: d.Undersample(d.VariableDensity(8, 50)).apply(flat(1.0), rng()),
        lambda: d.Undersample(d.PartialFourier(0.3)).apply(flat(1.0), rng()),
        lambda: d.Undersample(d.Radial(0)).apply(flat(1.0), rng()),
        lambda: d.Undersample(d.Radial(10**9)).apply(flat(1.0), rng()),
        lambda: d.Undersample(d.VariableDensity(0)).apply(flat(1.0), rng()),
    ],
)
def test_patterns_that_do_not_fit_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]
