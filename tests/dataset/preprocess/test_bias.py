"""Known shading is found again; none is invented."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import shaded_ball

from spinloom.core.affine import centred
from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.dataset.preprocess import BiasCorrection
from spinloom.dataset.preprocess import bspline as b

TRUTH, SHADING, BALL = shaded_ball()


def scanned(field: np.ndarray, scale: float = 1.0) -> Image:
    noise = np.random.default_rng(5).normal(0, 20, TRUTH.shape)
    return Image((scale * np.abs(TRUTH * field + noise)).astype(np.float32), centred((64, 72, 60), 3.0))


def rms(ratio: np.ndarray) -> float:
    return float(ratio[BALL].std() / ratio[BALL].mean())


def test_shading_of_15_percent_is_found_to_within_3_percent() -> None:
    assert rms(SHADING) > 0.14
    assert rms(BiasCorrection().fit(scanned(SHADING), BALL).values() / SHADING) < 0.03


def test_it_is_found_without_a_mask_too() -> None:
    assert rms(BiasCorrection().fit(scanned(SHADING)).values() / SHADING) < 0.05


def test_no_shading_is_invented() -> None:
    assert rms(BiasCorrection().fit(scanned(np.ones_like(TRUTH)), BALL).values()) < 0.02


def test_the_unit_of_intensity_does_not_matter() -> None:
    fields = [BiasCorrection().fit(scanned(SHADING, scale), BALL).values() for scale in (1.0, 1e-4)]
    np.testing.assert_allclose(*fields, rtol=1e-3)


def test_the_mean_level_stays() -> None:
    log_field = np.log(BiasCorrection(levels=2).fit(scanned(SHADING), BALL).values())[BALL]
    assert abs(log_field.mean()) < 1e-2


def test_the_corrected_image_times_the_field_is_the_image() -> None:
    image = scanned(SHADING)
    fitted = BiasCorrection(levels=1).fit(image, BALL)
    np.testing.assert_allclose(fitted.forward(image).data * fitted.values(), image.data, rtol=1e-5)


def test_a_mask_without_signal_is_refused() -> None:
    data = np.where(np.arange(64000).reshape(40, 40, 40) % 2 == 0, -1.0, 0.0)
    with pytest.raises(InputError, match="too few"):
        BiasCorrection().fit(Image(data, np.eye(4)), np.ones(data.shape, bool))


def test_weights_of_the_spline_sum_to_one() -> None:
    for n, elements in ((17, 3), (1, 1), (5, 8)):
        np.testing.assert_allclose(b.basis(n, elements).sum(1), 1)


def test_what_a_spline_can_say_is_met_when_the_rest_is_approximated_again_and_again() -> None:
    wanted = b.evaluate(np.random.default_rng(2).standard_normal((5, 4, 4)), (19, 18, 17))
    found = np.zeros_like(wanted)
    for _ in range(400):
        found += b.evaluate(b.approximate(wanted - found, np.ones(wanted.shape), (2, 1, 1)), wanted.shape)
    assert (wanted - found).std() < 0.02 * wanted.std()


def test_refining_the_lattice_does_not_change_the_field() -> None:
    control = np.random.default_rng(1).standard_normal((5, 4, 6))
    fine = b.refine(control, (4, 1, 6))
    assert fine.shape == (7, 4, 9)
    np.testing.assert_allclose(b.evaluate(fine, (11, 9, 13)), b.evaluate(control, (11, 9, 13)), atol=1e-12)
