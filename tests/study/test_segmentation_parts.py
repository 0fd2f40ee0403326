"""Who learns and who tests, what labels mean, what the statistics are, how nnU-Net is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch")

import segmentation_fake as fake

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.study.segmentation_cases import by_grey, stripped
from spinloom.study.segmentation_design import SYNTHETIC, TARGET, Design, folds, trainings
from spinloom.study.segmentation_found import classes_from, classes_of, coarse, labelled_scans, read_labelled
from spinloom.study.segmentation_nnunet import splits
from spinloom.study.segmentation_scans import target_signal
from spinloom.study.segmentation_statistics import holm, per_person, statistics
from spinloom.study.segmentation_steps import settled

PEOPLE = [f"p{n}" for n in range(12)]


def test_nobody_tests_who_is_trained_on():
    for fold in folds(PEOPLE, Design(repeats=20)):
        assert not set(fold.train) & set(fold.test)
        assert sorted(fold.train + fold.test) == sorted(PEOPLE)


def test_everybody_tests_equally_often_over_whole_rounds():
    tested = [who for fold in folds(PEOPLE, Design(repeats=6, test=4)) for who in fold.test]
    assert {tested.count(who) for who in PEOPLE} == {2}


def test_people_test_about_equally_often_where_rounds_do_not_divide():
    tested = [who for fold in folds(PEOPLE, Design(repeats=7, test=5, sizes=(1,))) for who in fold.test]
    assert max(map(tested.count, PEOPLE)) - min(map(tested.count, PEOPLE)) <= 1


def test_more_repeats_keep_the_first_ones():
    assert folds(PEOPLE, Design(repeats=6))[:3] == folds(PEOPLE, Design(repeats=3))


def test_larger_sizes_hold_the_smaller_ones():
    fold = folds(PEOPLE, Design())[0]
    assert set(fold.train[:2]) < set(fold.train[:4])


def test_one_subject_is_refused():
    with pytest.raises(InputError, match="at least two"):
        folds(["only"], Design())


def test_too_few_subjects_are_refused_with_the_number_needed():
    with pytest.raises(InputError, match="are 12"):
        folds(PEOPLE[:11], Design())


def test_the_synthetic_arm_is_trained_once_a_repeat_and_the_others_at_every_size():
    first, rest = trainings(Design(repeats=2, sizes=(1, 4)))
    assert [t.arm for t in first] == [SYNTHETIC] * 2
    assert len({t.name for t in (*first, *rest)}) == 2 + 2 * 2 * 3


def scored(arm: str, n: int, repeat: int, values: dict[str, float]) -> dict:
    row = {
        who: {"anatomy": who} | {t: [v, 10 * v] for t in ("CSF", "grey matter", "white matter")}
        for who, v in values.items()
    }
    return {"arm": arm, "n": n, "repeat": repeat, "scores": row}


def test_repeats_of_a_person_are_one_number():
    rows = [scored(TARGET, 1, 0, {"a": 0.4, "b": 0.5}), scored(TARGET, 1, 1, {"a": 0.6, "c": 0.1})]
    assert per_person(rows, TARGET, 1, "CSF", "Dice") == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.1})


def test_a_class_that_nobody_has_is_left_out_of_the_mean():
    row = scored(TARGET, 1, 0, {"a": 0.4})
    row["scores"]["a"]["CSF"] = [None, None]
    assert per_person([row], TARGET, 1, "mean", "Dice")["a"] == pytest.approx(0.4)
    assert np.isnan(per_person([row], TARGET, 1, "CSF", "Dice")["a"])


def test_statistics_equal_an_independent_computation():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 0.9, (2, 12))
    rows = [
        scored(arm, n, 0, dict(zip(PEOPLE, v, strict=True)))
        for arm, n, v in ((SYNTHETIC, 0, a), (TARGET, 1, b), ("mixed", 1, a), ("tuned", 1, a))
    ]
    told = statistics(rows, Design(sizes=(1,)))
    one = next(c for c in told["comparisons"] if (c["arm"], c["tissue"], c["measure"]) == (SYNTHETIC, "mean", "Dice"))
    assert one["difference"] == pytest.approx((a - b).mean())
    assert one["p"] == pytest.approx(stats.wilcoxon(a, b).pvalue)
    assert one["p by Holm"] == pytest.approx(min(1, 3 * one["p"]))
    means = np.random.default_rng(5).choice(a, (20_000, 12)).mean(1)
    row = next(s for s in told["summaries"] if (s["arm"], s["tissue"], s["measure"]) == (SYNTHETIC, "mean", "Dice"))
    np.testing.assert_allclose([row["low"], row["high"]], np.percentile(means, [2.5, 97.5]), atol=0.012)


def test_holm_is_step_down_bonferroni():
    # 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.9 * 1, each at least the one before
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert np.isnan(holm([float("nan"), 0.5])[0])
    assert holm([float("nan"), 0.5])[1] == 0.5


def test_the_targets_signal_orders_tissues_as_T1w_does():
    import torch

    white, grey, csf = target_signal(torch.tensor([0.45, 0.68, 4.0]), torch.tensor([0.075, 0.088, 1.9])).tolist()
    assert white > 1.5 * grey > 1.5 * csf


def test_labels_become_classes_by_a_table_by_the_scheme_and_by_the_challenge():
    numbers = np.arange(8).reshape(2, 2, 2)
    table = classes_from("csf=5,6 grey=1,2 white=3,4")
    assert classes_of(numbers, Path("x"), tuple(table.items())).ravel().tolist() == [0, 2, 2, 3, 3, 1, 1, 0]
    freesurfer = np.array([[[0, 2, 3, 24, 10, 511]]])
    assert classes_of(freesurfer, Path("x"), None).ravel().tolist() == [0, 3, 2, 1, 2, 0]


@pytest.mark.parametrize("text", ["csf=1", "csf=1 grey=x white=3", "csf=1 grey=2 white=3 bone=4"])
def test_a_table_of_classes_that_is_no_table_is_refused(text):
    with pytest.raises(InputError):
        classes_from(text)


def test_labels_without_a_meaning_are_refused():
    with pytest.raises(InputError, match="mean nothing"):
        classes_of(np.array([[[0, 7777]]]), Path("x"), None)


def test_coarser_voxels_cover_the_same_place():
    own = Grid((40, 60, 20), np.diag([1.0, 1.0, 3.0, 1.0]))
    grid = coarse(own, 2.0)
    assert grid.shape == (20, 30, 20)
    np.testing.assert_allclose(grid.voxel_mm, [2, 2, 3])
    np.testing.assert_allclose(grid.centre_mm, own.centre_mm)


def test_mrbrains_is_read_as_published(tmp_path):
    for n, who in enumerate(("1", "4")):
        what = fake.labels(n)
        manual = np.select([what == 2, what == 3, what == 1], [1, 3, 5], 0).astype(np.int16)
        fake.write(tmp_path / who / "pre" / "reg_T1.nii.gz", what.astype(np.float32) * 10 + 1)
        fake.write(tmp_path / who / "segm.nii.gz", manual)
    pairs = labelled_scans(tmp_path, None, "T1w", None)
    assert [p.anatomy for p in pairs] == ["1", "4"]
    scan = read_labelled(pairs[0], "T1w", fake.MM)
    expected = np.select([fake.labels(0) == 1, fake.labels(0) == 2, fake.labels(0) == 3], [1, 2, 3], 0)
    np.testing.assert_array_equal(scan.labels, expected)


def test_labels_of_another_grid_are_refused(tmp_path):
    folder = fake.scans(tmp_path, 1)
    fake.write(folder / "sub-00/anat/sub-00_dseg.nii.gz", fake.labels(0), shift=9.0)
    pair = labelled_scans(folder, None, "T1w", None)[0]
    with pytest.raises(InputError, match="another grid"):
        read_labelled(pair, "T1w", fake.MM)


def test_scans_without_labels_or_of_another_contrast_are_refused(tmp_path):
    folder = fake.scans(tmp_path, 1)
    with pytest.raises(InputError, match="holds no FLAIR"):
        labelled_scans(folder, None, "FLAIR", None)
    (folder / "sub-00/anat/sub-00_dseg.nii.gz").unlink()
    with pytest.raises(InputError, match="has a label map"):
        labelled_scans(folder, None, "T1w", None)


def test_folds_for_nnunet_keep_a_persons_scans_on_one_side():
    people = {f"p{n}": [f"p{n}-{k}" for k in range(3)] for n in range(7)}
    held = []
    for fold in splits(people):
        assert not set(fold["train"]) & set(fold["val"])
        assert not {f.split("-")[0] for f in fold["train"]} & {f.split("-")[0] for f in fold["val"]}
        held += fold["val"]
    assert sorted(held) == sorted(f for files in people.values() for f in files)


def test_a_time_becomes_steps_once_and_the_folder_keeps_them(tmp_path):
    design = Design(size=(32, 32), channels=(8, 8), batch=2)
    assert settled(design, None, tmp_path) == design.steps
    steps = settled(design, 1.0, tmp_path)
    assert steps >= 6
    kept = tmp_path / "steps.json"
    kept.write_text(json.dumps({"seconds": 1.0, "steps": 77}))
    assert settled(design, 1.0, tmp_path) == 77


def test_a_stripped_brain_is_told_from_a_head_in_noise():
    rng = np.random.default_rng(0)
    brain = np.where(fake.labels(0) > 0, 100, 0) + rng.normal(0, 3, fake.labels(0).shape) * (fake.labels(0) > 0)
    assert stripped(brain.astype(np.float32))
    assert not stripped(np.abs(brain + rng.normal(0, 2, brain.shape)).astype(np.float32))


def test_tissues_by_grey_value_are_found_under_shading():
    rng = np.random.default_rng(0)
    which = rng.integers(1, 4, (24, 24, 24)).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    shade = 1 + 0.25 * np.sin(np.linspace(0, np.pi, 48))[:, None, None]
    image = np.array([0, 0.2, 0.6, 0.9], np.float32)[which] * shade + rng.normal(0, 0.02, which.shape)
    found, _ = by_grey(image.astype(np.float32), np.ones(which.shape, bool))
    assert (found == which).mean() > 0.97
