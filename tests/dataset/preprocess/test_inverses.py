"""What is done to intensities is undone by the inverse; what cannot be undone is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import noisy, numbered

from spinloom.core.affine import centred
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.preprocess import (
    BiasCorrection,
    Chain,
    CropPad,
    Gamma,
    HUWindow,
    LinearContrast,
    Percentile,
    Step,
    ZScore,
    from_facts,
)

INVERTIBLE: list[Step] = [
    Percentile(1, 99),
    Percentile(0, 100, to=(0, 1)),
    ZScore(),
    LinearContrast(1.4, -0.2),
    Gamma(0.6),
    Gamma(2.5),
    BiasCorrection(levels=1, iterations=2),
    CropPad((15, 14, 11)),
    Chain((BiasCorrection(levels=1, iterations=2), CropPad((16, 15, 12)), Percentile(), Gamma(1.5))),
]


@pytest.mark.parametrize("step", INVERTIBLE, ids=repr)
def test_inverse_after_forward_gives_the_image_back(step: Step) -> None:
    image = noisy()
    fitted = step.fit(image)
    back = fitted.inverse(fitted.forward(image))
    np.testing.assert_allclose(back.data, image.data, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(back.affine, image.affine, atol=1e-12)
    assert back.quantity is image.quantity


@pytest.mark.parametrize("step", INVERTIBLE, ids=repr)
def test_the_way_back_survives_JSON(step: Step) -> None:
    image = noisy()
    fitted = step.fit(image)
    again = from_facts(json.loads(json.dumps(fitted.facts(), allow_nan=False)))
    made = fitted.forward(image)
    np.testing.assert_array_equal(again.forward(image).data, made.data)
    np.testing.assert_array_equal(again.inverse(made).data, fitted.inverse(made).data)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.floats(1e-3, 1e5),
    st.floats(-1e4, 1e4),
    st.sampled_from([ZScore(), Percentile(0, 100), Percentile(5, 90), Gamma(0.7), LinearContrast(0.5, 1.0)]),
)
def test_any_scale_and_offset_of_an_image_is_undone(seed: int, scale: float, offset: float, step: Step) -> None:
    data = offset + scale * np.random.default_rng(seed).standard_normal((4, 5, 6))
    image = Image(data, np.eye(4))
    fitted = step.fit(image)
    back = fitted.inverse(fitted.forward(image)).data
    np.testing.assert_allclose(back, data, atol=1e-4 * scale + 1e-6 * abs(offset), rtol=1e-5)


def test_HU_window_maps_air_and_dense_bone_to_the_ends() -> None:
    HU = Image(np.linspace(-1000, 2000, 27).reshape(3, 3, 3), np.eye(4), Quantity.HU)
    fitted = HUWindow().fit(HU)
    y = fitted.forward(HU)
    assert y.quantity is Quantity.SIGNAL
    assert y.data.min() == -1
    assert y.data.max() == 1
    np.testing.assert_allclose(y.data, 2 * (HU.data + 1000) / 3000 - 1, atol=1e-6)
    back = fitted.inverse(y)
    assert back.quantity is Quantity.HU
    np.testing.assert_allclose(back.data, HU.data, atol=1e-3)


def test_HU_beyond_the_window_are_lost_and_the_share_of_them_is_said() -> None:
    HU = Image(np.array([-3024.0, -1000, 0, 3000]).repeat(16).reshape(4, 4, 4), np.eye(4), Quantity.HU)
    fitted = HUWindow().fit(HU)
    assert fitted.facts()["clipped"] == 0.5
    np.testing.assert_allclose(np.unique(fitted.inverse(fitted.forward(HU)).data), [-1000, 0, 2000], atol=1e-3)


def test_a_prediction_beyond_the_window_keeps_its_error() -> None:
    fitted = HUWindow().fit(Image(np.zeros((2, 2, 2)), np.eye(4), Quantity.HU))
    wrong = Image(np.full((2, 2, 2), -1.1), np.eye(4))
    np.testing.assert_allclose(fitted.inverse(wrong).data, -1150, atol=1e-3)


def test_percentiles_clipped_equal_clip_then_z_score_then_min_max() -> None:
    image = noisy()
    low, high = np.percentile(image.data, (1, 99))
    c = np.clip(image.data.astype(float), low, high)
    z = (c - c.mean()) / c.std()
    expected = 2 * (z - z.min()) / (z.max() - z.min()) - 1
    np.testing.assert_allclose(Percentile(1, 99, clip=True).fit(image).forward(image).data, expected, atol=1e-6)


def test_z_score_has_mean_0_and_sd_1_in_the_mask_alone() -> None:
    image = noisy()
    mask = image.data > 150
    y = ZScore().fit(image, mask).forward(image).data
    np.testing.assert_allclose((y[mask].mean(), y[mask].std()), (0, 1), atol=1e-5)
    assert y[~mask].max() < -3


def test_gamma_keeps_both_ends_and_bends_the_middle() -> None:
    image = Image(np.linspace(2, 10, 27).reshape(3, 3, 3), np.eye(4))
    y = Gamma(2.0).fit(image).forward(image).data
    np.testing.assert_allclose(y, 2 + 8 * ((image.data - 2) / 8) ** 2, rtol=1e-6)


@pytest.mark.parametrize("step", [s for s in INVERTIBLE if not isinstance(s, CropPad | Chain)], ids=repr)
def test_labels_pass_through_steps_of_intensity(step: Step) -> None:
    image = noisy()
    labels = Image((image.data > 150).astype(np.int16), image.affine, Quantity.LABEL)
    fitted = step.fit(image)
    assert fitted.forward(labels) is labels
    assert fitted.inverse(labels) is labels


def test_the_mask_goes_along_where_the_grid_moves() -> None:
    image = noisy()
    mask = image.data > 150
    after = Chain((CropPad((20, 6, 13)), ZScore())).fit(image, mask)
    cropped = CropPad((20, 6, 13)).fit(image)
    kept = cropped.forward(Image(mask, image.affine, Quantity.LABEL)).data.astype(bool)
    inside = cropped.forward(image).data[kept]
    y = after.forward(image).data
    np.testing.assert_allclose((y[kept].mean(), y[kept].std()), (0, 1), atol=1e-5)
    assert len(inside) < mask.sum()


ALIKE = Image(np.full((4, 4, 4), 7.0), np.eye(4))
NAN = Image(np.where(np.arange(64).reshape(4, 4, 4) == 3, np.nan, 1.0), np.eye(4))


@pytest.mark.parametrize("step", [Percentile(), ZScore(), Gamma(), LinearContrast()], ids=repr)
@pytest.mark.parametrize(
    ("image", "mask", "said"),
    [
        (ALIKE, None, "constant"),
        (NAN, None, "NaN"),
        (noisy(), np.zeros((12, 14, 10), bool), "0 voxels"),
        (numbered((3, 4, 5), Quantity.LABEL), None, "label map"),
        (Image(np.ones((4, 4, 4), complex), np.eye(4)), None, "complex"),
    ],
    ids=["constant", "NaN", "empty mask", "labels", "complex"],
)
def test_images_that_teach_nothing_are_refused_with_the_reason(
    step: Step, image: Image, mask: np.ndarray | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        step.fit(image, mask)


def test_a_percentile_window_without_width_is_refused() -> None:
    data = np.zeros((10, 10, 10))
    data[0, 0, 0] = 1
    with pytest.raises(InputError, match="most voxels are alike"):
        Percentile().fit(Image(data, np.eye(4)))


def test_HU_window_refuses_signals_and_bias_correction_refuses_CT() -> None:
    with pytest.raises(InputError, match="CT numbers"):
        HUWindow().fit(noisy())
    with pytest.raises(InputError, match="no coil shading"):
        BiasCorrection().fit(Image(noisy().data, np.eye(4), Quantity.HU))


@pytest.mark.parametrize(
    "make",
    [
        lambda: HUWindow(5, 5),
        lambda: Percentile(50, 50),
        lambda: Percentile(-1, 99),
        lambda: Percentile(to=(1, -1)),
        lambda: Gamma(0),
        lambda: LinearContrast(-1),
        lambda: CropPad((0, 3, 3)),
        lambda: BiasCorrection(levels=0),
        lambda: ZScore().fit(noisy(), np.ones((3, 3, 3), bool)),
    ],
)
def test_impossible_settings_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"fitted": "linee"},
        {"fitted": "line"},
        {"fitted": "line", "gain": -1, "offset": 0, "quantity": "SIGNAL"},
        {"fitted": "placed", "before": 3, "after": 4, "outside": None},
        {"fitted": "chain"},
        {"fitted": "chain", "steps": [1]},
        {"fitted": "field", "control": [1], "shape": [1, 2, 3]},
        {"fitted": "power", "gamma": "x", "low": 0, "high": 1},
    ],
)
def test_facts_that_are_none_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises((InputError, UsageError)):
        from_facts(facts)


def test_the_affine_of_a_chain_comes_back() -> None:
    image = Image(noisy().data, centred((12, 14, 10), 1.5, (3, 4, 5)))
    fitted = Chain((CropPad((7, 31, 8)), ZScore())).fit(image)
    assert fitted.inverse(fitted.forward(image)).grid.same_place(image.grid)
