"""Models that come with the package: small, sound, and honest about whose data they learned from."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.image import Image  # noqa: E402
from spinloom.simulation.acquisition import Acquisition  # noqa: E402
from spinloom.translate.card import card_of  # noqa: E402
from spinloom.translate.model import read_model  # noqa: E402
from spinloom.translate.shelf import SUFFIX, shipped_folder  # noqa: E402
from spinloom.translate.translate import translate  # noqa: E402

SHIPPED = sorted(shipped_folder().glob(f"*{SUFFIX}"))
TSE = Acquisition("SE", TR=4.0, TE=0.09)
NAMES = {"auditor", "t1w-to-t2w", "t2w-to-t1w", "superres", "mr-to-ct", "lowfield-t1w", "lowfield-t2w"}


def test_the_promised_models_are_there():
    assert {p.name.removesuffix(SUFFIX) for p in SHIPPED} == NAMES


@pytest.mark.parametrize("file", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_model_is_small_sound_and_says_whose_data_it_learned_from(file):
    assert file.stat().st_size <= 10e6
    model = read_model(file)
    assert model.name == file.name.removesuffix(SUFFIX)
    assert model.about["attribution"]
    assert model.about["range"]
    text = card_of(model)
    assert "not for diagnosis" in text.lower()
    if model.name == "mr-to-ct":
        assert "trained on simulated CT, research only" in text


@pytest.mark.parametrize("file", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_model_answers_a_coarse_head(file):
    model = read_model(file)
    r = np.linalg.norm((np.indices((40, 48, 36)).T - [19.5, 23.5, 17.5]).T / [[[[18]]], [[[22]]], [[[16]]]], axis=0)
    image = Image(np.where(r < 1, 100 + 50 * r, 0).astype(np.float32), np.diag([4.0, 4, 4, 1]))
    told = None if model.plan.conditions is None else (TSE, TSE)
    made = next(iter(translate([image], model, acquisitions=told).images.values()))
    assert np.isfinite(made.data).all()
    assert made.data.std() > 0
