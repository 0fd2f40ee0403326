"""What lies beyond an image stays air, or background, whatever was done to the numbers before."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from phantoms import noisy

from spinloom.core.image import Image, Quantity
from spinloom.dataset.case import Case
from spinloom.dataset.preprocess import (
    BiasCorrection,
    Chain,
    CropPad,
    Drawn,
    Gamma,
    HUWindow,
    LinearContrast,
    Percentile,
    Step,
    ZScore,
    augment,
    from_facts,
)

LARGER, SMALLER = CropPad((16, 18, 14)), CropPad((8, 10, 6))


def ct() -> Image:
    """Soft tissue in air, 12 x 14 x 10, air at every face."""
    data = np.full((12, 14, 10), -1000.0, np.float32)
    data[3:9, 3:11, 2:8] = 40.0 + noisy().data[3:9, 3:11, 2:8] / 20
    return Image(data, noisy().affine, Quantity.HU)


def magnitude() -> Image:
    """No noise in the background: 0, as where it was cut away."""
    return replace(noisy(), data=np.where(noisy().data > 150, noisy().data, 0).astype(np.float32))


SCALES: list[tuple[Image, Step]] = [
    (ct(), HUWindow()),
    (ct(), HUWindow(-200, 400)),
    (ct(), LinearContrast(1.5, 0.3)),
    (magnitude(), Percentile()),
    (magnitude(), Percentile(1, 99, to=(0, 1), clip=True)),
    (magnitude(), ZScore()),
    (magnitude(), Gamma(0.5)),
    (magnitude(), BiasCorrection(levels=1, iterations=1)),
    (magnitude(), Chain((ZScore(), LinearContrast(0.5)))),
]


@pytest.mark.parametrize(
    ("image", "scale"), SCALES, ids=lambda value: repr(value) if not hasattr(value, "data") else ""
)
def test_padding_before_and_after_a_step_of_intensity_is_the_same(image: Image, scale: Step) -> None:
    """Fitted in the subject alone, so that both orders fit the same numbers."""
    mask = image.data > 0
    after = Chain((scale, LARGER)).fit(image, mask).forward(image)
    before = Chain((LARGER, scale)).fit(image, mask).forward(image)
    np.testing.assert_allclose(after.data[:2], before.data[:2], atol=1e-5)
    if not isinstance(scale, BiasCorrection):
        np.testing.assert_allclose(after.data, before.data, atol=1e-5)


@pytest.mark.parametrize(
    ("image", "scale"), SCALES, ids=lambda value: repr(value) if not hasattr(value, "data") else ""
)
@pytest.mark.parametrize("kept", [False, True])
def test_what_was_cropped_comes_back_as_what_lies_beyond_in_both_orders(image: Image, scale: Step, kept: bool) -> None:
    air = max(-1000.0, getattr(scale, "low_HU", -1000.0)) if image.quantity is Quantity.HU else 0.0
    for steps in ((scale, SMALLER), (SMALLER, scale)):
        fitted = Chain(steps).fit(image, image.data > 0)
        back = (from_facts(json.loads(json.dumps(fitted.facts()))) if kept else fitted).inverse(fitted.forward(image))
        lost = np.ones(image.data.shape, bool)
        lost[2:-2, 2:-2, 2:-2] = False
        assert back.quantity is image.quantity
        filled = air if steps[0] is scale or air == 0 else -1000.0
        if scale == Percentile(1, 99, to=(0, 1), clip=True) and steps[0] is scale:
            filled = float(np.percentile(image.data[image.data > 0], 1))
        np.testing.assert_allclose(back.data[lost], filled, atol=0.05)


def test_padding_after_an_HU_window_is_minus_1_and_its_inverse_minus_1000_HU() -> None:
    image = ct()
    larger, smaller = (Chain((HUWindow(), crop)).fit(image) for crop in (LARGER, SMALLER))
    assert larger.forward(image).data[0, 0, 0] == -1
    np.testing.assert_allclose(smaller.inverse(smaller.forward(image)).data[0], -1000, atol=1e-3)


def test_a_value_beyond_goes_through_every_step_as_a_voxel_of_that_value_does() -> None:
    image = magnitude()
    fitted = Chain((BiasCorrection(levels=1, iterations=1), Percentile(), Gamma(1.4), LARGER)).fit(image)
    padded = fitted.forward(image).data[0, 0, 0]
    assert fitted.beyond(0.0) == pytest.approx(padded, rel=1e-5)
    assert fitted.beyond(0.0) == pytest.approx(fitted.forward(image).data[3, 3, 3], rel=1e-5)


def test_a_crop_fitted_to_a_scaled_signal_still_pads_CT_with_air_and_labels_with_0() -> None:
    scaled = ZScore().fit(magnitude()).forward(magnitude())
    fitted = LARGER.fit(scaled)
    assert fitted.forward(scaled).data[0, 0, 0] == scaled.data.min()
    assert fitted.forward(ct()).data[0, 0, 0] == -1000
    labels = Image(np.ones((12, 14, 10), np.uint8), np.eye(4), Quantity.LABEL)
    assert fitted.forward(labels).data[0, 0, 0] == 0


def test_what_is_asked_for_beyond_is_what_follows_sees() -> None:
    fitted = Chain((CropPad((14, 16, 12), outside=7.0), LARGER)).fit(magnitude())
    assert (fitted.forward(magnitude()).data[:2] == 7).all()


@pytest.mark.parametrize("told", [False, True])
def test_augmentation_moves_air_in_after_an_HU_window_and_background_after_percentiles(told: bool) -> None:
    window, percentile = HUWindow().fit(ct()), Percentile().fit(magnitude(), magnitude().data > 0)
    case = Case("a", None, {"T1w": percentile.forward(magnitude())}, {"CT": window.forward(ct())})
    outside = {"T1w": percentile.beyond(0.0), "CT": window.beyond(-1000.0)}
    moved = augment(case, Drawn(translation_mm=(50.0, 0, 0)), outside if told else None)
    np.testing.assert_allclose(window.inverse(moved.target["CT"]).data, -1000, atol=1e-2)
    np.testing.assert_allclose(percentile.inverse(moved.source["T1w"]).data, 0, atol=1e-2)


def test_a_gain_leaves_the_background_where_it_is() -> None:
    scaled = Percentile().fit(magnitude()).forward(magnitude())
    bright = augment(Case("a", None, {"T1w": scaled}, {}), Drawn(gain=1.1)).source["T1w"].data
    np.testing.assert_allclose(bright + 1, 1.1 * (scaled.data + 1), atol=1e-5)
