"""Crop and pad: any size to any size, every voxel at its place."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import numbered

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.preprocess import CropPad

SIZES = st.integers(1, 9)
SHAPES = st.tuples(SIZES, SIZES, SIZES)


@pytest.mark.parametrize(("n", "m"), [*product(range(1, 12), range(1, 14))])
def test_every_size_becomes_every_size_about_the_centre(n: int, m: int) -> None:
    image = numbered((n, 1, 1))
    out = CropPad((m, 1, 1)).fit(image).forward(image).data[:, 0, 0]
    assert out.shape == (m,)
    kept = out[out > 0]
    assert len(kept) == min(n, m)
    assert (np.diff(kept) == 1).all()
    lost = kept[0] - 1, n - kept[-1]
    padded = np.argmax(out > 0), np.argmax(out[::-1] > 0)
    assert abs(lost[0] - lost[1]) <= 1
    assert abs(padded[0] - padded[1]) <= 1


@settings(max_examples=150, deadline=None)
@given(SHAPES, SHAPES)
def test_every_voxel_keeps_its_place_in_the_world(before: tuple[int, int, int], after: tuple[int, int, int]) -> None:
    image = numbered(before)
    out = CropPad(after).fit(image).forward(image)
    where = np.argwhere(out.data > 0)
    was = np.argwhere(np.isin(image.data, out.data[out.data > 0]))
    np.testing.assert_allclose(out.grid.positions_mm(where), image.grid.positions_mm(was), atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(SHAPES, SHAPES)
def test_the_inverse_puts_every_voxel_back(before: tuple[int, int, int], after: tuple[int, int, int]) -> None:
    image = numbered(before)
    fitted = CropPad(after).fit(image)
    back = fitted.inverse(fitted.forward(image))
    assert back.grid.same_place(image.grid)
    kept = back.data > 0
    np.testing.assert_array_equal(back.data[kept], image.data[kept])
    assert kept.sum() == np.prod(np.minimum(before, after))


def test_a_crop_by_one_pixel_is_not_empty() -> None:
    """The fault of a published preprocessing: image[1:-0]."""
    image = numbered((257, 256, 2))
    np.testing.assert_array_equal(CropPad((256, 256, 2)).fit(image).forward(image).data, image.data[:256])


def test_padding_is_air_for_CT_background_for_labels_and_what_is_asked_otherwise() -> None:
    ct = Image(np.zeros((2, 2, 2), np.int16), np.eye(4), Quantity.HU)
    labels = Image(np.ones((2, 2, 2), np.uint8), np.eye(4), Quantity.LABEL)
    assert CropPad((4, 4, 4)).fit(ct).forward(ct).data[0, 0, 0] == -1000
    assert CropPad((4, 4, 4), outside=-1.0).fit(labels).forward(labels).data[0, 0, 0] == 0
    signal = numbered((2, 2, 2))
    assert CropPad((4, 4, 4), outside=-1.0).fit(signal).forward(signal).data[0, 0, 0] == -1


def test_an_image_of_another_shape_is_refused() -> None:
    fitted = CropPad((4, 4, 4)).fit(numbered((5, 5, 5)))
    with pytest.raises(InputError, match="was expected"):
        fitted.inverse(numbered((5, 5, 5)))
