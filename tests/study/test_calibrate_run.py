"""Whom `spinloom calibrate` calibrates with: nobody that the model learned from; and where it leaves what it made."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("torch")

from spinloom.core.errors import UsageError
from spinloom.models.unet import Shape, UNet
from spinloom.study import calibrate_run as module
from spinloom.study.calibrate_run import calibrate_run, unseen, without_end
from spinloom.study.trust_train import plan_for
from spinloom.translate.build import build
from spinloom.translate.interval import Intervals
from spinloom.translate.model import Model, write_model
from spinloom.translate.shelf import located


class Drawn(Exception):
    pass


def model(about: dict[str, object], seed: int = 0) -> Model:
    plan = plan_for("translator", steps=1, seconds=None, voxel_mm=4.0, seed=seed, small=True)
    return Model(plan, build(plan), about)


@pytest.mark.parametrize("about", [{"split": {"train": ["a", "b"], "held": ["c"]}}, {"anatomies": ["a", "b"]}])
def test_label_maps_that_the_model_learned_from_are_left_out_and_named(about):
    said: list[str] = []
    maps = [Path(f"{name}.nii.gz") for name in "abcd"]
    assert unseen(maps, model(about), said.append) == maps[2:]
    assert "a, b" in said[0]
    with pytest.raises(UsageError, match="1 anatomies that the model has not seen"):
        unseen(maps[:3], model(about), said.append)


@pytest.mark.parametrize("trained", [0, 1, module.APART])
def test_drawn_anatomies_are_of_a_seed_that_training_did_not_draw_with(trained, tmp_path, monkeypatch):
    def drawn(labels: object, count: int, seed: int, *others: object) -> None:
        raise Drawn(str(seed))

    monkeypatch.setattr(module, "anatomies", drawn)
    write_model(model({}, trained), tmp_path / "model.safetensors")
    for seed in (0, trained):
        with pytest.raises(Drawn) as found:
            calibrate_run(tmp_path / "model.safetensors", (), 20, 1, seed)
        assert int(str(found.value)) != trained


def test_models_of_the_shelf_get_no_intervals_for_these_would_be_everyones(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="lies among other models"):
        calibrate_run(located("auditor"), (), 20, 1, 0)
    monkeypatch.setenv("SPINLOOM_MODELS", str(tmp_path))
    write_model(model({}), tmp_path / "own.safetensors")
    with pytest.raises(UsageError, match="a folder of its own"):
        calibrate_run(located("own"), (), 20, 1, 0)


def test_tissues_that_too_few_people_hold_are_named():
    net = UNet(Shape(2, 2, 2, (8,), 1))
    q = {"T2w": {"90": (1.0, 2.0), "95": (1.0, math.inf)}}
    known = Intervals(net, (1.0,), ("white_matter", "csf"), q, "", 19, "")
    (said,) = without_end(known)
    assert "95 % intervals of T2w have no end in csf" in said
