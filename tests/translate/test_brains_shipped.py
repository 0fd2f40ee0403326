"""The generators that come with the package: small, readable, with attribution, and what they make are fractions."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from spinloom.phantom.classes import CLASSES, index
from spinloom.translate.brain_card import brain_card
from spinloom.translate.brain_model import brain_shelf, read_brain_model
from spinloom.translate.brains import one_head

NAMES = sorted(brain_shelf())


def test_one_for_slices_and_one_for_whole_heads_come_with_the_package() -> None:
    assert {"brains-2d", "brains-3d"} <= set(NAMES)


def test_a_whole_head_has_all_that_a_head_has_in_its_place() -> None:
    """Volumes of adults: white and grey matter 300 to 1,000 mL each, ventricles 5 to 200 mL, air around the head."""
    model = read_brain_model(brain_shelf()["brains-3d"])
    made, _ = one_head(model, 0, 0)
    np.testing.assert_allclose(made.sum(0), 1, atol=1e-5)
    mL = {name: float(made[index(name)].sum()) * model.plan.voxel_mm**3 / 1000 for name in CLASSES}
    assert 300 < mL["grey"] < 1000
    assert 300 < mL["white"] < 1000
    assert 5 < mL["ventricles"] < 200
    assert mL["bone"] > 150
    assert made[index("air"), :, -1].mean() > 0.9  # before the face
    middle = np.nonzero(made[index("white")] > 0.5)[0].mean()
    assert abs(middle - model.plan.size[0] / 2) < 6


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_says_whose_label_maps_it_saw(name: str) -> None:
    assert brain_shelf()[name].stat().st_size <= 10e6
    model = read_brain_model(brain_shelf()[name])
    assert model.plan.name == name
    text = brain_card(model)
    for word in ("SynthSeg", "Apache-2.0", "never seen: training_seg", "Not for diagnosis"):
        assert word in text


def test_a_slice_through_the_ventricles_has_all_that_a_brain_has() -> None:
    made, asked = one_head(read_brain_model(brain_shelf()["brains-2d"]), 0, 0, level_mm=15.0)
    assert asked == {"level_mm": 15.0}
    np.testing.assert_allclose(made.sum(0), 1, atol=1e-5)
    area = {name: float(made[index(name)].sum()) / 100 for name in CLASSES}
    assert 60 < area["grey"] + area["white"] + area["deep"] + area["ventricles"] < 250
    assert area["skin"] > 2
    assert area["air"] > 100
