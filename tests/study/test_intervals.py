"""Intervals: laws of their ends and of what they cover, their file, and the study, small, by jobs."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from brains_fake import write_maps
from safetensors.torch import load_file, save_file
from scipy import stats
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError, UsageError
from spinloom.evaluation.conformal import subject_quantile
from spinloom.jobs.local import Local
from spinloom.study.calibrate import Answer, calibrate
from spinloom.study.intervals import study
from spinloom.study.intervals_measured import measured
from spinloom.study.intervals_units import REDUCED
from spinloom.study.learned_spread import learned_spread
from spinloom.study.trust_train import MAPS, T2W, learned, origin_of, plan_for
from spinloom.train.gather import maps_in
from spinloom.train.heads import Head
from spinloom.translate.build import build
from spinloom.translate.interval import ends_of, offset_of, read_intervals, score_of, write_intervals
from spinloom.translate.model import Model, read_model, write_model
from spinloom.translate.plan import Plan, Side

Z = stats.norm.ppf(0.95)
HU = Side(contrast="CT", quantity="HU", low=-1000.0, high=2000.0, bias=False)


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    plan = plan_for("translator", steps=1, seconds=None, voxel_mm=4.0, seed=0, small=True)
    return Model(plan, build(plan), {}, "0" * 64)


def answers(count: int, seed: int, below: tuple[float, float], above: tuple[float, float]) -> list[Answer]:
    """Half-normal errors on either side of the answer, of scales below and above, by half of the brain; as the source
    tells which half."""
    made = []
    for n in range(count):
        rng = np.random.default_rng([seed, n])
        half = (np.arange(24)[:, None, None] >= 12) * np.ones((24, 16, 2), int)
        value = np.ones((1, 24, 16, 2)) + rng.uniform(0, 2, (24, 16, 2))
        error = rng.standard_normal(value.shape)
        error *= np.where(error < 0, np.array(below)[half], np.array(above)[half])
        inside, tissue = np.ones((24, 16, 2), bool), np.full((24, 16, 2), -1)
        source, scaled = half[None].astype(np.float32), value.astype(np.float32)
        made.append(Answer(f"{n}", source, scaled, value, value + error, inside, tissue))
    return made


@pytest.mark.parametrize("side", [*MAPS, T2W, HU], ids=lambda s: s.contrast)
def test_a_truth_lies_between_the_ends_exactly_where_its_score_is_at_most_q(side):
    rng = np.random.default_rng(0)
    answer = rng.uniform(0, 1, 5000)
    truth = np.concatenate(
        (np.abs(side.unscaled(rng.uniform(-0.2, 1.2, 4999)) if not side.is_signal else answer[1:]), [0])
    )
    s = np.exp(rng.uniform(-4, 0, (2, 5000)))
    q = np.exp(rng.uniform(-1, 1, 5000))
    low, high = ends_of(side, answer, q * s[0], q * s[1])
    score = score_of(offset_of(side, truth, answer), s)
    clear = abs(score / q - 1) > 1e-9
    assert (((low <= truth) & (truth <= high)) == (score <= q))[clear].all()
    assert 0.2 < (score <= q).mean() < 0.999
    assert (low <= high).all()


def test_ends_of_T1_are_ratios_of_the_answer_and_none_lies_beyond_the_plans_range():
    T1, _, PD = MAPS
    a = np.array(0.4)
    low, high = ends_of(T1, a, np.array(0.1), np.array(0.2))
    ratio = (T1.high / T1.low) ** 0.1
    assert float(T1.unscaled(a) / low) == pytest.approx(ratio)
    assert float(high / T1.unscaled(a)) == pytest.approx(ratio**2)
    assert ends_of(PD, np.array(0.1), np.array(0.5), np.array(0.0))[0] == 0
    assert ends_of(HU, np.array(0.5), np.array(0.4), np.array(0.7)) == (pytest.approx(-700), 2000)


def test_too_few_people_for_a_level_get_an_interval_without_end():
    low, high = ends_of(MAPS[0], np.array(0.5), np.array(math.inf), np.array(math.inf))
    assert (low, high) == (0, math.inf)


def test_the_second_network_learns_the_5_and_95_percent_quantiles_of_skewed_errors(model):
    """Of half-normal errors with as many on either side they lie at scale x Phi^-1(0.95)."""
    people = answers(10, 1, (0.02, 0.02), (0.1, 0.4))
    net = learned_spread(
        model.plan, [np.concatenate((p.source, p.answer)) for p in people],
        [(p.truth - p.value).astype(np.float32) for p in people], [p.inside for p in people], 0, 250,
    )  # fmt: skip
    with torch.inference_mode():
        s = np.exp(net(torch.from_numpy(np.concatenate((people[0].source, people[0].answer))[None, ..., 0])).numpy()[0])
    for end, scale in ((s[0, :9], 0.02), (s[0, 15:], 0.02), (s[1, :9], 0.1), (s[1, 15:], 0.4)):
        assert float(np.median(end)) == pytest.approx(Z * scale, rel=0.25)


def test_one_width_is_wider_by_the_known_ratio_and_all_kinds_cover_their_share(model):
    """Errors of either sign are as likely, of scales 0.02 and 0.1 on one half of the voxels, 0.02 and 0.4 on the other.
    Of 40 subjects 41 x 0.9 / 40 are to be covered: one half width w solves P(|e| <= w) = that; ends that know scales
    span Phi^-1((1 + that) / 2) times the mean of their sums."""
    below, above = (0.02, 0.02), (0.1, 0.4)
    others, test = answers(40, 2, below, above), answers(40, 3, below, above)
    known, constant = calibrate(model, answers(10, 1, below, above), others, seed=0, steps=250, told="x")
    found = measured(model, known, constant, others, test)["T2w"]
    for kind in ("one width", "one width, recentred", "one width per tissue", "learned ends"):
        assert 0.885 <= found[kind]["all"]["coverage"] <= 0.94
    share = 0.9 * 41 / 40
    own = stats.norm.ppf((1 + share) / 2) * np.mean([b + a for b, a in zip(below, above, strict=True)])
    w = np.linspace(0, 1, 20001)
    within = np.mean([2 * stats.norm.cdf(w / s) - 1 for s in (*below, *above)], 0)
    flat = 2 * w[np.searchsorted(within, share)]
    assert found["one width"]["all"]["width"] == pytest.approx(flat, rel=0.06)
    assert found["learned ends"]["all"]["width"] == pytest.approx(own, rel=0.15)
    assert found["learned ends"]["all"]["width"] < 0.8 * found["one width"]["all"]["width"]


def test_mean_coverage_of_new_subjects_is_at_least_the_level_for_any_learned_ends():
    """Subjects whose voxels err together; ends that were never learned (s is nonsense) cover nevertheless."""
    rng, covered, level = np.random.default_rng(5), [], 0.9
    for _ in range(800):
        scores = []
        for _ in range(25):
            n = int(rng.integers(3, 30))
            e = rng.standard_normal() + np.where(rng.uniform(size=n) < 0.5, -0.2, 1.0) * rng.exponential(size=n)
            scores.append(score_of(e, np.exp(rng.standard_normal((2, n)))))
        covered.append(float(np.mean(scores[0] <= subject_quantile(scores[1:], level))))
    error = np.std(covered) / math.sqrt(len(covered))
    assert np.mean(covered) > level - 3 * error
    assert np.mean(covered) < level + 1 / 25 + 3 * error


def test_intervals_come_back_from_their_file_and_damage_is_named(tmp_path, model):
    few = answers(3, 1, (0.1, 0.1), (0.1, 0.1))
    known, _ = calibrate(model, few, answers(20, 2, (0.1, 0.1), (0.1, 0.1)), seed=0, steps=2, told="such scans")
    path = write_intervals(known, tmp_path / "interval.safetensors")
    back = read_intervals(path, model.plan)
    assert (back.edges, back.groups, back.told, back.subjects) == (known.edges, known.groups, "such scans", 20)
    assert {k: dict(v) for k, v in back.q.items()} == {k: dict(v) for k, v in known.q.items()}
    for a, b in zip(back.spread.parameters(), known.spread.parameters(), strict=True):
        assert torch.equal(a, b)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="interval"):
        read_intervals(path, model.plan)
    with pytest.raises(UsageError, match="19"):
        calibrate(model, few, few, seed=0, steps=1, told="")


def test_a_file_of_symmetric_intervals_of_before_is_refused_with_the_remedy(tmp_path, model):
    few = answers(3, 1, (0.1, 0.1), (0.1, 0.1))
    known, _ = calibrate(model, few, answers(20, 2, (0.1, 0.1), (0.1, 0.1)), seed=0, steps=2, told="such scans")
    path = write_intervals(known, tmp_path / "interval.safetensors")
    told = {"format": "spinloom interval 1", "channels": [8, 16, 32]}
    save_file(load_file(path), path, {"spinloom": json.dumps(told)})
    with pytest.raises(InputError, match="'spinloom interval 1'") as error:
        read_intervals(path, model.plan)
    assert "spinloom calibrate RUN" in str(error.value)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    maps = maps_in(write_maps(tmp_path_factory.mktemp("maps"), 3))
    out = tmp_path_factory.mktemp("studies") / "intervals"
    study(maps, out, REDUCED, executor=Local(jobs=2))
    return maps, out


def test_the_study_leaves_a_page_and_intervals_of_both_runs(studied):
    _, out = studied
    told = json.loads((out / "results.json").read_text())
    assert set(told["questions"]) == {"maps", "translator"}
    for what in told["questions"]:
        assert (out / what / "interval.safetensors").exists()
    page = (out / "page.md").read_text()
    assert "one width per tissue" in page
    assert page.count("![") == 2


def test_a_study_that_is_done_is_not_done_again(studied, monkeypatch):
    maps, out = studied
    before, pages = (out / "maps" / "interval.safetensors").stat().st_mtime_ns, (out / "page.md").read_bytes()
    (out / "page.md").unlink()
    study(maps, out, REDUCED)
    assert (out / "maps" / "interval.safetensors").stat().st_mtime_ns == before
    assert (out / "page.md").read_bytes() == pages


def test_calibrate_replaces_the_intervals_of_a_run(studied, tmp_path):
    maps, out = studied
    for name in ("model.safetensors", "interval.safetensors"):
        shutil.copy(out / "translator" / name, tmp_path)
    before = (tmp_path / "interval.safetensors").read_bytes()
    words = ["calibrate", str(tmp_path), "--labels", str(maps[0].parent), "--subjects", "20", "--steps", "2", "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "q of T2w" in done.output
    model = read_model(tmp_path / "model.safetensors")
    known = read_intervals(tmp_path / "interval.safetensors", model.plan)
    assert (known.subjects, known.model) == (20, model.sha256)
    assert (tmp_path / "interval.safetensors").read_bytes() != before


def test_a_network_of_another_seed_or_of_other_people_is_not_taken_up(tmp_path):
    """Whom it learned from might be those who test now."""

    def never() -> list[Head]:
        raise AssertionError("learned again")

    def plan(seed: int) -> Plan:
        return plan_for("translator", steps=1, seconds=None, voxel_mm=4.0, seed=seed, small=True)

    people = origin_of([["a.nii", "1"], ["b.nii", "2"]], 0, 3)
    write_model(Model(plan(0), build(plan(0)), {"origin": people}), tmp_path / "model.safetensors")
    assert learned(never, tmp_path, plan(0), origin_of([["moved/a.nii", "1"], ["b.nii", "2"]], 0, 3)).plan == plan(0)
    others = [origin_of([["a.nii", "1"], ["b.nii", "3"]], 0, 3), origin_of([["a.nii", "1"], ["b.nii", "2"]], 0, 4)]
    for seed, who in ((1, people), *((0, other) for other in others)):
        with pytest.raises(InputError, match="other settings or people") as error:
            learned(never, tmp_path, plan(seed), who)
        assert "Choose another folder" in str(error.value)
