"""New digital brains from fake label maps: data, training, files, generation and the study, all small."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from brains_fake import label_map, write_maps
from killed import Killed, after

from spinloom.core.errors import InputError, UsageError
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.phantom.classes import CLASSES, LABELS, classes_of, index
from spinloom.study.brains import study_brains
from spinloom.train.brain_examples import BaseExamples, FineExamples
from spinloom.train.brain_sets import slices_set, softened, volumes_set
from spinloom.train.brains import split_people, train_brains
from spinloom.train.people import label_maps, read_person, sampled
from spinloom.translate.brain_model import BrainModel, read_brain_model, write_brain_model
from spinloom.translate.brain_plan import BrainPlan
from spinloom.translate.brains import one_head, place, whole
from spinloom.translate.plan import Training

SHORT = Training(steps=3, batch=2, panel=3)


def plan(family: str = "flow", dims: int = 2, **other: object) -> BrainPlan:
    size = (48, 56, 48)[:dims]
    told = {
        "name": f"tiny-{family}-{dims}", "family": family, "dims": dims, "size": size, "voxel_mm": 4.0, "finer": 1,
        "base": (8, 8), "middle": (8, 8), "fine": (8, 8), "training": SHORT, "finely": SHORT,
        "base_steps": 4, "fine_steps": 2, "bent": 1, "cut": 6, "ventricles": 200.0 if dims == 3 else 40.0, **other,
    }  # fmt: skip
    return BrainPlan.model_validate(told)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_maps(tmp_path_factory.mktemp("maps"), 5)


@pytest.fixture(scope="module")
def trained(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., BrainModel]:
    """A run of the plan, made once."""
    known: dict[str, BrainModel] = {}

    def run(family: str = "flow", dims: int = 2) -> BrainModel:
        made = plan(family, dims)
        if made.name not in known:
            folder = tmp_path_factory.mktemp(made.name) / "run"
            train_brains(made, maps, folder, held=2, seconds=0)
            known[made.name] = read_brain_model(folder / "model.safetensors")
        return known[made.name]

    return run


def test_every_label_has_one_class_and_unknown_ones_are_refused() -> None:
    ids = [n for labels in LABELS.values() for n in labels]
    assert len(ids) == len(set(ids))
    found = [CLASSES[k] for k in classes_of(np.array([0, 4, 1003, 2035, 515]))]
    assert found == ["air", "ventricles", "grey", "grey", "bone"]
    with pytest.raises(InputError, match="999"):
        classes_of(np.array([0, 999]))


def test_a_person_without_deformation_is_the_label_map_moved_to_the_common_middle(maps: Path) -> None:
    person = read_person(label_maps(maps)[0])
    back = sampled(person, None, 4.0)
    for name in ("white", "ventricles", "deep"):
        k = index(name)
        assert (back == k).sum() == pytest.approx((classes_of(label_map(0)) == k).sum(), rel=0.03)


def test_a_folder_without_label_maps_and_a_map_without_a_brain_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no label maps"):
        label_maps(tmp_path)
    from spinloom.core.image import Image, Quantity
    from spinloom.io import write_image

    write_image(Image(np.full((8, 8, 8), 511, np.int32), np.eye(4), Quantity.LABEL), tmp_path / "skin.nii.gz")
    with pytest.raises(InputError, match="no brain"):
        read_person(tmp_path / "skin.nii.gz")


def test_nobody_is_learned_from_and_held_out(maps: Path) -> None:
    train, out = split_people(label_maps(maps), 2, 0)
    assert (len(train), len(out)) == (3, 2)
    assert not set(train) & set(out)
    assert split_people(label_maps(maps), 2, 0) == (train, out)
    with pytest.raises(UsageError, match="held out"):
        split_people(label_maps(maps), 5, 0)


def test_fractions_are_those_of_the_classes_and_pooling_keeps_amounts(maps: Path) -> None:
    people = [read_person(label_maps(maps)[0])]
    flat = slices_set(people, plan(), seed=0, bent=1, cut=4, say=lambda text: None)
    soft = softened(flat.data)
    torch.testing.assert_close(soft.sum(1), torch.ones_like(soft[:, 0]))
    assert soft[:, index("white")].sum() == pytest.approx(float((flat.data == index("white")).sum()), rel=0.02)
    coarse = BaseExamples(flat, plan()).coarse.float() / 255
    assert 4 * coarse[:, index("white")].sum() == pytest.approx(float(soft[:, index("white")].sum()), rel=0.01)
    deep = volumes_set(people, plan(dims=3), seed=0, bent=1, coarse=True, say=lambda text: None)
    assert deep.data.shape == (1, len(CLASSES), 24, 28, 24)


def test_batches_depend_on_the_stream_alone_and_tell_of_what_they_show(maps: Path) -> None:
    people = [read_person(p) for p in label_maps(maps)[:2]]
    heads = slices_set(people, plan(), seed=0, bent=1, cut=6, say=lambda text: None)
    for examples in (BaseExamples(heads, plan()), FineExamples(heads, plan(), 1)):
        a, b = (examples.draw(8, torch.Generator().manual_seed(3)) for _ in range(2))
        assert torch.equal(a.source, b.source)
        assert torch.equal(a.target, b.target)
    batch = BaseExamples(heads, plan()).draw(40, torch.Generator().manual_seed(0))
    told = batch.source[:, :, 0, 0]
    assert set(told[:, 1].tolist()) == {0.0, 1.0}
    area = 64 * batch.target[:, index("ventricles")].sum((1, 2)) / 100
    asked = (told[:, 2] + 1) / 2 * plan().ventricles
    on = told[:, 1] == 1
    assert float((area - asked)[on].abs().max()) < 1.0


def test_anything_becomes_fractions() -> None:
    x = 3 * torch.randn(2, 11, 8, 8, generator=torch.Generator().manual_seed(0))
    x[0, :, 0, 0] = -1
    made = whole(x)
    assert made.min() >= 0
    torch.testing.assert_close(made.sum(1), torch.ones(2, 8, 8))
    assert made[0, 0, 0, 0] == 1
    hot = torch.eye(11)[None, :, :, None]
    torch.testing.assert_close(whole(hot), hot)


@pytest.mark.parametrize(("family", "dims"), [("flow", 2), ("fast-ddpm", 2), ("gan", 2), ("flow", 3)])
def test_every_family_trains_and_its_heads_are_fractions(
    trained: Callable[..., BrainModel], family: str, dims: int
) -> None:
    model = trained(family, dims)
    made, asked = one_head(model, 3, 5)
    assert made.shape == (len(CLASSES), *model.plan.size)
    assert made.min() >= 0
    np.testing.assert_allclose(made.sum(0), 1, atol=1e-5)
    assert ("level_mm" in asked) == (dims == 2)
    again, _ = one_head(model, 3, 5)
    other, _ = one_head(model, 3, 6)
    np.testing.assert_array_equal(made, again)
    assert not np.array_equal(made, other)
    assert place(model.plan).shape == (*model.plan.size, 1)[:3]


def test_a_run_that_was_stopped_goes_on_with_the_same_bits(maps: Path, tmp_path: Path) -> None:
    longer = plan(training=SHORT.model_copy(update={"steps": 6}))
    straight = train_brains(longer, maps, tmp_path / "out", held=2, seconds=0)

    class Stop(Exception):
        pass

    def stop(text: str) -> None:
        if "step 3" in text:
            raise Stop

    with pytest.raises(Stop):
        train_brains(longer, maps, tmp_path / "b", held=2, seconds=0, say=stop)
    resumed = train_brains(longer, maps, tmp_path / "b", held=2, seconds=0)
    for (name, a), b in zip(straight.base.state_dict().items(), resumed.base.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_folder_of_another_plan_is_refused(trained: Callable[..., BrainModel], maps: Path, tmp_path: Path) -> None:
    train_brains(plan(), maps, tmp_path / "run", held=2, seconds=0)
    with pytest.raises(InputError, match="family"):
        train_brains(plan("gan"), maps, tmp_path / "run", held=2, seconds=0)
    with pytest.raises(UsageError, match="another plan"):
        train_brains(plan(), maps, tmp_path / "other", held=2, finer=trained("flow", 3))


def test_damaged_and_foreign_files_are_refused(trained: Callable[..., BrainModel], tmp_path: Path) -> None:
    good = write_brain_model(trained(), tmp_path / "good.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(good[: len(good) // 2])
    with pytest.raises(InputError, match="no safetensors"):
        read_brain_model(tmp_path / "cut.safetensors")
    for old, new in ((b"flow", b"bole"), (b"spinloom brain model 1", b"spinloom brain model 7")):
        (tmp_path / "odd.safetensors").write_bytes(good.replace(old, new))
        with pytest.raises(InputError, match=r"plan|format"):
            read_brain_model(tmp_path / "odd.safetensors")
    wide = replace(trained(), plan=plan(base=(16, 16)))
    write_brain_model(wide, tmp_path / "wide.safetensors")
    with pytest.raises(InputError, match="does not fit"):
        read_brain_model(tmp_path / "wide.safetensors")


def filed(folder: Path, *models: BrainModel) -> list[str]:
    """The models as files, by name."""
    return [str(write_brain_model(m, folder / f"{m.plan.name}.safetensors")) for m in models]


def test_the_study_ends_in_a_page_whose_numbers_are_in_its_results(
    trained: Callable[..., BrainModel], maps: Path, tmp_path: Path
) -> None:
    names = filed(tmp_path, trained("flow"), trained("gan"), trained("flow", 3))
    study_brains(names, maps, tmp_path / "out", Serial(), slices=4, heads=2, asked=3, seed=1)
    text = (tmp_path / "out" / "page.md").read_text()
    told = json.loads((tmp_path / "out" / "results.json").read_text())
    rows = told["dims 2"]["rows"]
    sets = ["held-out maps among themselves", "training maps, bent anew", "tiny-flow-2", "tiny-gan-2"]
    assert [r["name"] for r in rows] == sets
    for r in rows:
        assert f"| {r['name']} | {r['n']} | {r['amounts']['csf']:.3g} |" in text
    assert rows[0]["copies"] == 0
    assert set(told["dims 3"]["asked"]) == {"tiny-flow-3"}


@pytest.mark.slow
def test_a_study_killed_after_a_head_does_not_generate_it_again_and_whoever_works_its_numbers_are_the_same(
    trained: Callable[..., BrainModel], maps: Path, tmp_path: Path
) -> None:
    names = filed(tmp_path, trained("flow", 3))
    with pytest.raises(Killed):
        study_brains(names, maps, tmp_path / "out", Serial(), heads=2, asked=3, say=after("tiny-flow-3 set 1 to 1", []))
    (first,) = (tmp_path / "out" / "sets").iterdir()
    before, said = first.stat().st_mtime_ns, []
    study_brains(names, maps, tmp_path / "out", Serial(), heads=2, asked=3, say=said.append)
    assert first.stat().st_mtime_ns == before
    assert [t for t in said if t.endswith("found")] == ["tiny-flow-3 set 1 to 1: found"]
    assert "tiny-flow-3 set 2 to 2: finished" in said
    study_brains(names, maps, tmp_path / "b", Local(2), heads=2, asked=3)
    assert (tmp_path / "b" / "results.json").read_bytes() == (tmp_path / "out" / "results.json").read_bytes()


def test_models_of_other_people_cannot_be_compared(
    trained: Callable[..., BrainModel], maps: Path, tmp_path: Path
) -> None:
    one = trained()
    other = replace(one, plan=plan("gan"), base=trained("gan").base, about={**one.about, "held out": ["seg_9.nii.gz"]})
    names = filed(tmp_path, one, other)
    with pytest.raises(UsageError, match="different people"):
        study_brains(names, maps, tmp_path, Serial())
    with pytest.raises(UsageError, match="one name"):
        study_brains(names[:1] * 2, maps, tmp_path, Serial())
    with pytest.raises(InputError, match="lacks"):
        study_brains(names[:1], tmp_path, tmp_path, Serial())
