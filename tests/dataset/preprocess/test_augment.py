"""One movement for all images of a case; intensities change in the source alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from phantoms import noisy

from spinloom.core.affine import centred
from spinloom.core.errors import UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.case import Case
from spinloom.dataset.preprocess import Augmentation, Drawn, augment


def case() -> Case:
    image = noisy()
    target = Image(image.data * 2 - 1000, image.affine, Quantity.HU)
    mask = Image((image.data > 150).astype(np.uint8), image.affine, Quantity.LABEL)
    return Case("a", None, {"T1w": image}, {"CT": target}, mask)


MOVE = Drawn(flip=(1.0, 0.0, 0.0), rotation_deg=(3.0, -4.0, 8.0), scale=1.05, translation_mm=(0.4, -1.0, 2.0))


def test_the_same_seed_and_names_give_the_same_bytes_and_others_do_not() -> None:
    one, again, other = (augment(case(), Augmentation().draw(3, "a", epoch)) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(one.source["T1w"].data, again.source["T1w"].data)
    assert not np.array_equal(one.source["T1w"].data, other.source["T1w"].data)


def test_source_and_target_move_alike() -> None:
    moved = augment(case(), MOVE)
    inside = moved.target["CT"].data > -1000
    np.testing.assert_allclose(
        moved.target["CT"].data[inside], 2 * moved.source["T1w"].data[inside] - 1000, rtol=1e-4, atol=1e-2
    )


def test_the_mask_keeps_its_labels_and_stays_on_the_subject() -> None:
    moved = augment(case(), MOVE)
    assert moved.mask is not None
    assert set(np.unique(moved.mask.data)) == {0, 1}
    warm = moved.source["T1w"].data > 170
    both = (warm & (moved.mask.data == 1)).sum()
    assert 2 * both / (warm.sum() + (moved.mask.data == 1).sum()) > 0.95


def test_intensities_of_target_and_mask_never_change() -> None:
    changed = augment(case(), Drawn(gamma=1.3, gain=0.9, noise=0.05, noise_seed=4))
    assert np.array_equal(changed.target["CT"].data, case().target["CT"].data)
    assert changed.mask is not None
    assert case().mask is not None
    assert np.array_equal(changed.mask.data, case().mask.data)  # type: ignore[union-attr]
    assert not np.allclose(changed.source["T1w"].data, case().source["T1w"].data)


def test_mirror_images_are_exact_and_their_own_inverse() -> None:
    flip = Drawn(flip=(1.0, 0.0, 1.0))
    once = augment(case(), flip)
    np.testing.assert_array_equal(once.source["T1w"].data, case().source["T1w"].data[::-1, :, ::-1])
    np.testing.assert_array_equal(augment(once, flip).source["T1w"].data, case().source["T1w"].data)


def test_right_and_left_are_those_of_the_world_not_of_the_array() -> None:
    turned = np.array([[0, 2.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 1]])
    image = Image(noisy().data, turned)
    out = augment(Case("a", None, {"T1w": image}, {}), Drawn(flip=(1.0, 0.0, 0.0)))
    np.testing.assert_array_equal(out.source["T1w"].data, image.data[:, ::-1])


def test_a_shift_by_whole_voxels_is_a_shift() -> None:
    """Voxels of 1 x 2 x 3 mm, moved one, one and one voxel."""
    image = noisy()
    out = augment(Case("a", None, {"T1w": image}, {}), Drawn(translation_mm=(1.0, 2.0, 3.0)))
    np.testing.assert_allclose(out.source["T1w"].data[1:, 1:, 1:], image.data[:-1, :-1, :-1], rtol=1e-5)


def test_a_quarter_turn_about_superior_takes_right_to_anterior() -> None:
    data = np.zeros((5, 5, 3), np.float32)
    data[4, 2, 1] = 1
    image = Image(data, centred((5, 5, 3), 2.0))
    out = augment(Case("a", None, {"T1w": image}, {}), Drawn(rotation_deg=(0, 0, 90.0))).source["T1w"].data
    assert np.unravel_index(np.argmax(out), out.shape) == (2, 4, 1)


def test_outside_is_air_for_CT() -> None:
    out = augment(case(), Drawn(translation_mm=(50.0, 0, 0)))
    assert (out.target["CT"].data == -1000).all()
    assert (out.source["T1w"].data == 0).all()


def test_no_augmentation_changes_nothing() -> None:
    none = Augmentation((0, 0, 0), (0, 0, 0), 0, (0, 0, 0), 1, 0, 0).draw(1, "a")
    np.testing.assert_array_equal(augment(case(), none).source["T1w"].data, case().source["T1w"].data)


def test_what_is_drawn_stays_within_its_limits() -> None:
    limits = Augmentation(rotation_deg=(1, 2, 3), translation_mm=(4, 5, 6))
    for n in range(200):
        drawn = limits.draw(1, n)
        assert (np.abs(drawn.rotation_deg) <= (1, 2, 3)).all()
        assert (np.abs(drawn.translation_mm) <= (4, 5, 6)).all()
        assert 0.9 <= drawn.scale <= 1.1
        assert 1 / 1.2 <= drawn.gamma <= 1.2


@pytest.mark.parametrize("change", [{"flip": (2, 0, 0)}, {"scale": 1.0}, {"gamma": 0.5}, {"noise": -1}])
def test_impossible_amounts_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(Augmentation(), **change)  # type: ignore[arg-type]
