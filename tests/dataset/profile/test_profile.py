"""What is measured on images of known truth is that truth, within a stated interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.profile.fields import field_statistics
from spinloom.dataset.profile.ghosts import entropy_focus, ghosting
from spinloom.dataset.profile.imitate import imitate
from spinloom.dataset.profile.measure import Profile, Range, measure, of_scan, profile_of
from spinloom.dataset.profile.noise import measure_noise
from spinloom.dataset.profile.relaxometry import fit_T1, fit_T2
from spinloom.dataset.profile.shading import measure_shading

SHAPE, MM = (72, 80, 40), (2.0, 2.0, 3.0)
RNG = np.random.default_rng(5)


def head(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Two tissues in an ellipsoid of 70 % of the field."""
    r = np.sqrt(sum(((g - n / 2 + 0.5) / (0.35 * n)) ** 2 for g, n in zip(np.indices(shape), shape, strict=True)))
    fine = gaussian_filter(np.random.default_rng(1).standard_normal(shape), 2.0)
    return np.where(r < 1, np.where(fine > 0, 100.0, 140.0), 0.0)


def image(data: np.ndarray, quantity: Quantity = Quantity.SIGNAL, mm: tuple[float, ...] = MM) -> Image:
    return Image(data, np.diag([*mm, 1.0]), quantity)


@pytest.mark.parametrize("channels", [1, 4, 16])
@pytest.mark.parametrize("sigma", [2.0, 8.0])
def test_sigma_and_channels_of_the_background_within_4_and_15_percent(channels: int, sigma: float) -> None:
    each = head() / np.sqrt(channels)
    noise = sigma * RNG.standard_normal((2, channels, *SHAPE))
    found = measure_noise(image(np.sqrt(np.sum((each + noise[0]) ** 2 + noise[1] ** 2, axis=0))))
    assert found.sigma == pytest.approx(sigma, rel=0.04)
    assert found.channels == pytest.approx(channels, rel=0.15)
    assert found.kind == ("rician" if channels == 1 else "chi")


def test_signed_noise_is_gaussian_and_a_removed_background_is_said() -> None:
    signed = measure_noise(image(head() + 3 * RNG.standard_normal(SHAPE)))
    assert (signed.kind, signed.sigma) == ("gaussian", pytest.approx(3, rel=0.03))
    stripped = measure_noise(image(np.where(head() > 0, 120 + 3 * RNG.standard_normal(SHAPE), 0)))
    assert (stripped.kind, stripped.sigma) == ("removed", pytest.approx(3, rel=0.05))
    with pytest.raises(InputError, match="constant"):
        measure_noise(image(np.ones(SHAPE)))


def test_a_ghost_does_not_pass_for_noise() -> None:
    clean = np.hypot(head() + 2 * RNG.standard_normal(SHAPE), 2 * RNG.standard_normal(SHAPE))
    ghost = np.hypot(clean, 0.1 * np.roll(head(), SHAPE[1] // 2, axis=1))
    assert measure_noise(image(ghost)).sigma == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("depth", [0.3, 0.8])
def test_the_depth_of_a_smooth_field_within_20_percent(depth: float) -> None:
    x = np.linspace(-1, 1, SHAPE[0])[:, None, None]
    y = np.linspace(-1, 1, SHAPE[1])[None, :, None]
    field = np.exp(depth * (0.7 * x + 0.4 * y)) * np.ones(SHAPE)
    inside = head() > 0
    low, middle, high = np.percentile(field[inside], [5, 50, 95])
    found = measure_shading(image(head() * field + 0.5 * np.abs(RNG.standard_normal(SHAPE))))
    assert found.depth == pytest.approx((high - low) / middle, rel=0.2)
    assert measure_shading(image(head() + 0.5 * np.abs(RNG.standard_normal(SHAPE)))).depth < 0.1


def test_a_half_field_ghost_is_found_along_its_axis_within_a_tenth() -> None:
    G = 0.08
    noise = np.abs(RNG.standard_normal(SHAPE))
    found = ghosting(image(head() + G * np.roll(head(), SHAPE[1] // 2, axis=1) + noise))
    assert found[1] == pytest.approx(G, rel=0.15)
    assert abs(found[0]) < 0.02


def test_entropy_is_that_of_Atkinson_and_rises_with_ghosts() -> None:
    """EFC: -E ln(E) of one voxel is 0; of N equal ones 1."""
    one = np.zeros((8, 8, 4))
    one[3, 3, 2] = 5.0
    assert entropy_focus(image(one)) == pytest.approx(0, abs=1e-12)
    assert entropy_focus(image(np.ones((8, 8, 4)))) == pytest.approx(1.0)
    sharp = head()
    assert entropy_focus(image(sharp + 0.2 * np.roll(sharp, 9, axis=1))) > entropy_focus(image(sharp))


@pytest.mark.parametrize(("T1", "c"), [(0.3, 2.0), (1.2, 1.9), (3.5, 1.85)])
def test_T1_of_an_inversion_recovery_and_its_error(T1: float, c: float) -> None:
    """Noiseless: exact to 1e-3. Noisy: within errors that are those of 500 repetitions to 15 %."""
    TI = np.array([0.05, 0.1, 0.2, 0.5, 2.0, 4.0])
    S = 100 * (1 - c * np.exp(-TI / T1))
    clean = fit_T1(S, TI)
    assert (clean.T, clean.c, clean.A) == (
        pytest.approx(T1, rel=1e-3),
        pytest.approx(c, rel=1e-3),
        pytest.approx(100, rel=1e-3),
    )
    noisy = fit_T1(S + 0.5 * RNG.standard_normal((500, 6)), TI)
    assert np.median(noisy.T) == pytest.approx(T1, rel=0.02)
    assert np.sqrt(np.mean(noisy.T_error**2)) == pytest.approx(noisy.T.std(), rel=0.15)


@pytest.mark.parametrize("T2", [0.02, 0.08, 0.4])
def test_T2_of_an_echo_series_and_its_error(T2: float) -> None:
    TE = np.array([0.01, 0.025, 0.05, 0.09, 0.15, 0.25])
    S = 50 * np.exp(-TE / T2)
    assert fit_T2(S, TE).T == pytest.approx(T2, rel=1e-3)
    noisy = fit_T2(S + 0.3 * RNG.standard_normal((500, 6)), TE)
    assert np.median(noisy.T) == pytest.approx(T2, rel=0.02)
    assert np.sqrt(np.mean(noisy.T_error**2)) == pytest.approx(noisy.T.std(), rel=0.15)


def test_series_that_cannot_be_fitted_are_refused() -> None:
    for signals, times in (([1.0, 2, 3], [0.1, 0.2, 0.3]), ([1.0, 2, 3, 4], [0.1, 0.1, 0.1, 0.2]), ([1.0, 2], [1.0])):
        with pytest.raises(InputError, match="cannot be fitted"):
            fit_T1(signals, times)
    with pytest.raises(InputError, match="not finite"):
        fit_T2([1.0, np.nan, 2.0, 3.0], [0.1, 0.2, 0.3, 0.4])


def test_statistics_of_a_linear_field_are_its_slope_and_percentiles() -> None:
    x = np.arange(40.0)[:, None, None] * np.ones((40, 6, 5))
    mask = image(np.ones(x.shape), Quantity.LABEL)
    found = field_statistics(image(3 * x, Quantity.DB0), mask)
    assert found.slope_per_mm == pytest.approx(3 / MM[0])
    assert (found.low, found.high) == (pytest.approx(3 * 1.95, abs=3), pytest.approx(3 * 37.05, abs=3))


def test_a_profile_goes_to_TOML_and_back_and_bad_scans_are_named() -> None:
    def broken() -> Image:
        raise InputError("is no image", file="x.nii")

    scans = [("a", "T1w", lambda s=s: image(head() + s * np.abs(RNG.standard_normal(SHAPE))), None) for s in (2.0, 5.0)]
    found = measure([*scans, ("b", "T1w", broken, None)])
    assert found.contrasts["T1w"]["SNR"].n == 2
    assert found.contrasts["T1w"]["SNR"].high > 2 * found.contrasts["T1w"]["SNR"].low
    assert found.failures == (("b", "x.nii: is no image."),)
    again = profile_of(found.to_toml())
    assert again.contrasts == found.contrasts
    for text in ("[", "a = 1", "[T1w]\nSNR = {low = 1}"):
        with pytest.raises(InputError):
            profile_of(text)


def test_SNR_is_of_the_scans_with_a_background_and_a_noiseless_one_without_is_not_the_noisiest() -> None:
    """A scan whose background was set to 0 has SNR inside alone, however much structure passes for noise there."""
    texture = np.where(head() > 0, head() + 12 * RNG.standard_normal(SHAPE), 0)
    whole = np.hypot(head() + 3 * RNG.standard_normal(SHAPE), 3 * RNG.standard_normal(SHAPE))
    alone = of_scan(image(texture))[1]
    assert not {"SNR", "noise_channels", "ghost_x"} & {k for k, v in alone.items() if np.isfinite(v)}
    found = measure([("a", "T1w", lambda: image(texture), None), ("b", "T1w", lambda: image(whole), None)])
    numbers = found.contrasts["T1w"]
    assert (numbers["SNR"].n, numbers["SNR_inside"].n) == (1, 2)
    assert numbers["SNR"].low == pytest.approx(of_scan(image(whole))[1]["SNR"])


def test_a_profile_without_backgrounds_leaves_the_noise_of_the_recipe_and_says_so() -> None:
    from spinloom.dataset.recipe import from_plain

    numbers = {"SNR_inside": Range(20.0, 20.0, 20.0, 1)}
    recipe, became, left = imitate(
        Profile({"T1w": numbers}, {"T1w": ("removed",)}), from_plain({"scanner": {"noise": 7.0}})
    )
    assert recipe.protocol[0].noise is None
    assert recipe.scanner.noise.value == 7.0  # type: ignore[union-attr]
    assert not any("noise" in text for text in became)
    assert any("noise: the background was removed" in text and "20 or more" in text for text in left)


def test_tissue_contrast_is_the_ratio_of_medians() -> None:
    labels = np.where(head() > 120, 2, np.where(head() > 0, 1, 0)).astype(np.int32)
    found = of_scan(image(head() + RNG.standard_normal(SHAPE)), image(labels, Quantity.LABEL))[1]
    names = {k: v for k, v in found.items() if k.startswith("contrast")}
    name, ratio = next(iter(names.items()))
    assert ratio == pytest.approx(1.4 if "2:1" in name else 1 / 1.4, rel=0.02)


def without_shading(profile: Profile) -> Profile:
    """So that the receive field stays as it is, and noise is all there is to find."""
    contrasts = {
        c: {k: r for k, r in numbers.items() if not k.startswith("shading")} for c, numbers in profile.contrasts.items()
    }
    return replace(profile, contrasts=contrasts)


def test_a_recipe_like_a_profile_makes_scans_of_its_SNR_and_times() -> None:
    """A simulated scan thirty times as noisy as the default gives a recipe with that noise, to 15 %."""
    from spinloom.dataset.recipe import from_plain
    from spinloom.dataset.subject import make_subject, scan

    plain = {
        "phantom": {"kind": "head", "voxel_mm": 4.0},
        "scanner": {"noise": 30.0, "receive_inhomogeneity": 0.0},
        "protocol": [
            {
                "use": "t2w",
                "suffix": "T2w",
                "parameters": {"TE_ms": 80, "matrix": 64, "slices": 16, "slice_thickness_mm": 6},
            }
        ],
    }
    noisy = from_plain(plain)
    taken = scan(noisy, make_subject(noisy, 0), noisy.protocol[0]).images[0]
    profile = without_shading(measure([("a", "T2w", lambda: taken, None)]))
    base = from_plain({**plain, "scanner": {"receive_inhomogeneity": 0.0}})
    recipe, became, _ = imitate(profile, base)
    assert any("TE" in text for text in became)
    assert float(str(recipe.protocol[0].parameters["TE_ms"].value)) == pytest.approx(80, rel=0.01)
    assert recipe.protocol[0].noise.value == pytest.approx(30.0, rel=0.15)  # type: ignore[union-attr]


def test_each_contrast_gets_the_noise_it_was_made_with() -> None:
    """Two contrasts of one subject, forty and ten times as noisy as the default: each is found to 20 %."""
    from spinloom.dataset.recipe import from_plain
    from spinloom.dataset.subject import make_subject, scan

    parameters = {"matrix": 64, "slices": 16, "slice_thickness_mm": 6}
    noise = {"T2w": 40.0, "PDw": 10.0}
    plain = {
        "phantom": {"kind": "head", "voxel_mm": 4.0},
        "scanner": {"receive_inhomogeneity": 0.0},
        "protocol": [{"use": c.lower(), "suffix": c, "parameters": parameters, "noise": n} for c, n in noise.items()],
    }
    made = from_plain(plain)
    subject = make_subject(made, 0)
    taken = {p.suffix: scan(made, subject, p).images[0] for p in made.protocol}
    profile = without_shading(measure([("a", c, lambda i=i: i, None) for c, i in taken.items()]))
    recipe, _, _ = imitate(profile, from_plain({**plain, "protocol": [{"use": "t1w"}]}))
    found = {p.suffix: p.noise.value for p in recipe.protocol}  # type: ignore[union-attr]
    assert found == pytest.approx(noise, rel=0.2)
