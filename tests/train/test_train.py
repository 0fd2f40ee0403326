"""train(): a run's folder from end to end, in seconds."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom import io, phantom  # noqa: E402
from spinloom.core.errors import InputError, UsageError  # noqa: E402
from spinloom.train.data import Data, examples_of  # noqa: E402
from spinloom.train.draft import draft  # noqa: E402
from spinloom.train.examples import Volumes  # noqa: E402
from spinloom.train.heads import head_of  # noqa: E402
from spinloom.train.planner import sized, timed  # noqa: E402
from spinloom.train.train import begin, train  # noqa: E402
from spinloom.translate.build import build  # noqa: E402
from spinloom.translate.card import card_of  # noqa: E402
from spinloom.translate.model import read_model  # noqa: E402
from spinloom.translate.plan import Network, Training  # noqa: E402

NET = Network(channels=(8, 16), patch=(24, 24), slices=1)


def subject(name, seed):
    """A ball of grey values; its target is the source's negative."""
    g = np.random.default_rng(seed)
    r = np.linalg.norm(np.indices((28, 28, 28)) - 13.5, axis=0)
    mask = r < 11
    x = np.where(mask, 0.3 + 0.5 * (r / 11) + 0.05 * g.standard_normal(r.shape), 0).astype(np.float32)
    y = np.where(mask, 1.1 - x, 0).astype(np.float32)
    return Volumes(name, torch.tensor(x)[None], torch.tensor(y)[None], torch.tensor(mask))


def plan(steps=40, **more):
    made = draft(name="negative", **more)
    training = Training(steps=steps, batch=4, panel=20, rate=4e-3, average=0.9)
    return made.model_copy(update={"network": NET, "training": training})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    data = Data([subject("a", 0)], [subject("b", 1)], told={"licence": "CC0", "data": "balls"})
    return folder, train(plan(120), data, folder), data


def test_the_folder_explains_itself(run):
    folder, _, _ = run
    for name in ("plan.json", "model.safetensors", "log.jsonl", "report.json", "report.html", "provenance.json",
                 "training.webp", "through.webp", "panels/step-0000020.png"):  # fmt: skip
        assert (folder / name).stat().st_size > 0, name
    told = json.loads((folder / "report.json").read_text())
    assert told["held out"] == ["b"]
    assert told["licence"] == "CC0"
    assert not list(folder.rglob("*.tmp*"))


def test_the_scores_are_of_the_subject_held_out_and_beside_the_floors(run):
    _, made, _ = run
    assert set(made.scores) == {"this", "lookup", "identity"}
    this, identity = (made.scores[k]["T2w"].values("honest", "PSNR")["b"] for k in ("this", "identity"))
    assert this > identity + 3


def test_the_model_on_disk_gives_what_was_scored(run):
    from spinloom.train.score import answer

    folder, made, data = run
    again = read_model(folder / "model.safetensors")
    np.testing.assert_allclose(
        answer(again.translator, data.held[0], again.plan),
        answer(made.model.translator, data.held[0], made.model.plan),
        atol=0.02,
    )
    text = card_of(again)
    assert "# negative: T1w to T2w" in text
    assert "licence: CC0" in text


def test_the_same_command_again_changes_nothing(run):
    folder, made, data = run
    before = (folder / "model.safetensors").read_bytes()
    again = train(made.model.plan, data, folder)
    assert again.progress.step == 120
    assert (folder / "model.safetensors").read_bytes() == before


def test_a_run_may_start_from_a_model_of_the_same_network(run, tmp_path):
    folder, made, data = run
    train(plan(3), data, tmp_path / "fine", start=made.model.translator)
    first = [
        json.loads((f / "log.jsonl").read_text().splitlines()[0])["regression L1"] for f in (folder, tmp_path / "fine")
    ]
    assert first[1] < 0.5 * first[0]
    wide = plan(3).model_copy(update={"network": Network(channels=(8, 24), patch=(24, 24), slices=1)})
    with pytest.raises(InputError, match=r"the model to start from.*does not fit"):
        train(wide, data, tmp_path / "wide", start=made.model.translator)


def test_a_folder_of_another_plan_is_refused(run):
    folder, _, data = run
    with pytest.raises(InputError, match="another plan: training differ"):
        train(plan(130), data, folder)


def test_nobody_is_in_training_and_held_out(tmp_path):
    one = subject("a", 0)
    with pytest.raises(InputError, match="a: in training and held out"):
        train(plan(), Data([one], [one]), tmp_path / "x")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(InputError, match="holds no run"):
        train(plan(), Data([subject("a", 0)]), tmp_path)


def test_a_plan_is_sized_and_timed_for_its_budget():
    data = Data([subject("a", 0)])
    small, large = (sized(plan(), [(28, 28, 28)], s, "cpu") for s in (60.0, 6000.0))
    assert sum(small.network.channels) < sum(large.network.channels)
    fit = timed(
        plan().model_copy(update={"training": Training(seconds=4.0, batch=2)}), examples_of(data, plan()), "cpu"
    )
    assert fit.training.steps >= 20
    with pytest.raises(UsageError, match="larger --budget"):
        timed(large.model_copy(update={"training": Training(seconds=0.05)}), examples_of(data, large), "cpu")


def test_a_feature_loss_brings_its_own_segmenter(tmp_path):
    head = head_of(phantom.from_fractions(io.read_template("mni152"), B0=3.0, seed=1, voxel_mm=4))
    told = plan(3, settings=["feature_weight=0.1"]).model_copy(update={"network": NET})
    told = told.model_copy(update={"training": Training(steps=3, batch=2, seconds=10.0, panel=3, simulated=1.0)})
    made = train(told, Data(heads=[head]), tmp_path / "x")
    assert (tmp_path / "x" / "segmenter.safetensors").exists()
    assert "segmenter" not in " ".join(read_model(tmp_path / "x" / "model.safetensors").translator.state_dict())
    assert made.progress.losses["regression feature"] > 0
    with pytest.raises(UsageError, match="--simulated"):
        train(told, Data([subject("a", 0)]), tmp_path / "y")


def test_a_refinement_takes_over_a_regression_whose_answers_mean_the_same(tmp_path):
    regression = build(plan(settings=["unit=0.2"]))
    data = Data([subject("a", 0)])
    with pytest.raises(UsageError, match=r"units of 0\.2.*--set unit=0\.2"):
        train(plan(2, family="refinement"), data, tmp_path / "x", start=regression)
    made = build(plan(family="refinement", settings=["unit=0.2"]))
    begin(made, regression)
    x = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(made.regression(x), regression(x))


def test_a_run_is_not_gone_on_with_other_subjects(tmp_path):
    a, b, c = (subject(n, i) for i, n in enumerate("abc"))
    train(plan(3), Data([a], [b]), tmp_path / "x")
    with pytest.raises(InputError, match="other subjects: a, b"):
        train(plan(3), Data([b], [a]), tmp_path / "x")
    with pytest.raises(InputError, match="other subjects: c"):
        train(plan(3), Data([a, c], [b]), tmp_path / "x")
    assert train(plan(3), Data([a], [b]), tmp_path / "x").progress.step == 3


def test_training_without_pairs_shows_who_has_a_source(tmp_path):
    one, other = subject("a", 0), subject("b", 1)
    sides = [replace(one, source=None), replace(other, target=None)]
    told = plan(4, family="cyclegan", settings=["critic_width=4", "patch=34"])
    told = told.model_copy(update={"training": told.training.model_copy(update={"panel": 2, "batch": 1})})
    train(told, Data(sides), tmp_path / "x")
    assert len(list((tmp_path / "x" / "panels").iterdir())) == 2
