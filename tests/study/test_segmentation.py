"""The whole study, reduced: a page, the same numbers after a resume, nothing leaks, nnU-Net's folder, bad input."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("torch")

import segmentation_fake as fake
import torch

from spinloom.cli.main import main
from spinloom.core.errors import InputError
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.study.segmentation import Ran, Sources, of_others, run, same_people
from spinloom.study.segmentation_cases import RealScan
from spinloom.study.segmentation_design import MIXED, SYNTHETIC, TARGET, TUNED, Design, Fold
from spinloom.study.segmentation_files import read_labelled_file, write_labelled
from spinloom.study.segmentation_nnunet import export_nnunet
from spinloom.train.labelled import Labelled

SMALL = Design(
    repeats=2, sizes=(1, 2), test=1, steps=6, simulated=2, voxel_mm=fake.MM, batch=2, size=(48, 48), channels=(8, 8)
)


@pytest.fixture
def spinloom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """The command in an empty folder -> exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spinloom", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sources, Path, Ran]:
    folder = tmp_path_factory.mktemp("study")
    sources = Sources(maps=tuple(sorted(fake.maps(folder / "maps").glob("*.nii.gz"))))
    return sources, folder / "out", run(sources, SMALL, folder / "out", Serial())


def test_no_anatomy_is_on_two_sides(study):
    _, _, ran = study
    assert not set(ran.target) & set(ran.synthetic)
    for row in ran.trained:
        tested = {s["anatomy"] for s in row["scores"].values()}
        assert not tested & set(row["trained on"])
        assert tested == set(ran.folds[row["repeat"]].test)


def test_arms_learn_from_what_they_are_named_after(study):
    _, _, ran = study
    for row in ran.trained:
        own, made = (set(row["trained on"]) & set(domain) for domain in (ran.target, ran.synthetic))
        assert len(own) == (0 if row["arm"] == SYNTHETIC else row["n"])
        assert bool(made) == (row["arm"] in (SYNTHETIC, MIXED))


def test_arms_of_a_repeat_differ_in_their_data_alone(study, monkeypatch):
    """All begin with the same weights and draw from the same seed."""
    from spinloom.study import segmentation_units as units

    begun = []
    learn = units.learn

    def seen(network, sources, how, seed, **options):
        begun.append((next(iter(network.state_dict().values())).clone(), seed, how))
        return learn(network, sources, how, seed, **options)

    monkeypatch.setattr(units, "learn", seen)
    sources, out, _ = study
    run(sources, SMALL, out.with_name("again"), Serial())
    whole = [b for b in begun if b[2].steps == SMALL.steps]
    for repeat in {seed for _, seed, _ in whole}:
        of = [b for b in whole if b[1] == repeat]
        assert len(of) == 1 + 2 * len(SMALL.sizes)  # synthetic; target and mixed at every size
        assert all(torch.equal(of[0][0], b[0]) and of[0][2] == b[2] for b in of)


def test_a_study_that_was_killed_gives_the_same_numbers(study):
    sources, out, ran = study
    other = out.with_name("killed")

    class Killed(Exception):
        pass

    ended = []

    def stop(name: str, what: str) -> None:
        ended.append(name)
        if name.startswith("mixed"):
            raise Killed

    with pytest.raises(Killed):
        run(sources, SMALL, other, Serial(), say=stop)
    again = []
    resumed = run(sources, SMALL, other, Serial(), say=lambda name, what: again.append((name, what)))
    assert {name for name, what in again if what == "found"} >= {n for n in ended if not n.startswith("mixed")}
    assert resumed.trained == ran.trained


def test_whoever_runs_a_training_its_numbers_are_the_same(study, monkeypatch):
    """A process of its own, told to use two threads: not a bit changes."""
    sources, out, ran = study
    other = shutil.copytree(out, out.with_name("elsewhere"))
    shutil.rmtree(other / "weights")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    elsewhere = run(sources, replace(SMALL, repeats=1, sizes=(1,)), other, Local(1))
    assert list(elsewhere.trained) == [r for r in ran.trained if r["repeat"] == 0 and r["n"] < 2]


def test_more_repeats_use_what_is_there(study):
    sources, out, ran = study
    told = []
    more = run(sources, replace(SMALL, repeats=3), out, Serial(), say=lambda name, what: told.append((name, what)))
    assert {name.rpartition("-")[2] for name, what in told if what == "finished"} == {"r02"}
    assert [r for r in more.trained if r["repeat"] < 2] == list(ran.trained)


def test_a_real_scan_is_answered_by_all_repeats_that_there_are(study, tmp_path):
    sources, out, _ = study
    case = RealScan("one", fake.scans(tmp_path, 1) / "sub-00/anat/sub-00_T1w.nii.gz")
    for repeats in (1, 2):
        ran = run(sources, replace(SMALL, repeats=repeats), out, Serial(), cases=[case])
        assert len(ran.cases[0]["rows"]) == 4 * repeats


def test_the_nnunet_folder_keeps_its_rules(study, tmp_path):
    _, out, ran = study
    made = export_nnunet(ran, out, tmp_path)
    assert [p.name for p in made][:3] == ["Dataset501_synthetic-n00", "Dataset502_target-n01", "Dataset503_mixed-n01"]
    for folder in made:
        about = json.loads((folder / "dataset.json").read_text())
        labels = sorted((folder / "labelsTr").iterdir())
        assert about["numTraining"] == len(labels) > 0
        assert sorted(about["labels"].values()) == [0, 1, 2, 3]
        assert about["labels"]["background"] == 0
        for part in ("Tr", "Ts"):
            for path in (folder / f"labels{part}").iterdir():
                image = folder / f"images{part}" / path.name.replace(".nii.gz", "_0000.nii.gz")
                a, b = nib.load(image), nib.load(path)
                assert a.shape == b.shape
                np.testing.assert_allclose(a.affine, b.affine)
                assert set(np.unique(np.asarray(b.dataobj))) <= {0, 1, 2, 3}
        names = {p.name.removesuffix(".nii.gz") for p in labels}
        folds = json.loads((folder / "splits_final.json").read_text())
        assert {n for fold in folds for n in fold["val"]} == names
        assert not names & {p.name.removesuffix(".nii.gz") for p in (folder / "labelsTs").iterdir()}


def test_fine_tuning_begins_from_synthetic_weights(study):
    _, out, _ = study
    assert (out / "weights" / f"{SYNTHETIC}-n00-r00-start.safetensors").is_file()
    assert (out / "weights" / f"{TUNED}-n01-r00.safetensors").is_file()


def test_the_target_domain_has_thicker_slices_than_the_synthetic_set(study):
    _, out, ran = study
    files = [next(iter(domain.values()))[0] for domain in (ran.target, ran.synthetic)]
    target, synthetic = (read_labelled_file(out / f) for f in files)
    assert target.voxel_mm[2] == 2 * synthetic.voxel_mm[2]


def test_the_command_makes_a_page_with_a_case(spinloom, tmp_path):
    maps = fake.maps(tmp_path / "maps", 4)
    real = fake.scans(tmp_path / "real", 1) / "sub-00/anat/sub-00_T1w.nii.gz"
    lesions = fake.write(tmp_path / "lesions.nii.gz", (fake.labels(0) == 3).astype(np.int16))
    code, out, err = spinloom(
        "study", "segmentation", "--maps", str(maps), "--reduced", "--case", f"one={real},{lesions}",
        "--export-nnunet", "raw", "-o", "study", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["trainings"] == 2 * (1 + 2 * 3)
    text = Path("study/page.md").read_text()
    for word in ("Paired tests", "people are too few for a test", "no accuracy is claimed", "Limits", "--reduced"):
        assert word in text
    assert str(tmp_path) not in text
    results = json.loads(Path("study/results.json").read_text())
    of = results["cases"][0]["rows"][0]["lesions"]
    assert sum(of.values()) == pytest.approx(1)
    assert (Path("raw") / "Dataset501_synthetic-n00" / "dataset.json").is_file()


def test_the_command_takes_a_users_scans_and_synthetic_set(spinloom, tmp_path):
    scans, synthetic = fake.scans(tmp_path / "scans", 3), fake.scans(tmp_path / "made", 2, "sub-made{n}")
    code, _, err = spinloom(
        "study", "segmentation", str(scans), "--synthetic", str(synthetic), "--reduced", "--jobs", "0", "-o", "study"
    )
    assert code == 0, err
    results = json.loads(Path("study/results.json").read_text())
    tested = {s["anatomy"] for r in results["trainings"] for s in r["scores"].values()}
    assert tested <= {"sub-00", "sub-01", "sub-02"}
    assert any("sub-made0" in r["trained on"] for r in results["trainings"] if r["arm"] != TARGET)
    for row in results["trainings"]:  # sub-made0 has the labels of sub-00
        assert not {f"sub-made{int(s['anatomy'][-2:])}" for s in row["scores"].values()} & set(row["trained on"])
    assert "were left out of a repeat" in Path("study/page.md").read_text()


@pytest.mark.parametrize("names", ["sub-{n:02}", "sub-made{n}"])
def test_synthetic_scans_of_people_who_test_are_left_out_whether_the_name_or_the_labels_tell(tmp_path, names):
    target, synthetic = {}, {}
    for n in range(3):
        for domain, who, of in (("target", f"sub-{n:02}", target), ("synthetic", names.format(n=n), synthetic)):
            labels = fake.labels(n).astype(np.uint8) + (domain == "synthetic" and "made" not in names)
            of[who] = [f"{domain}-{n}.npz"]
            scan = Labelled(who, who, np.zeros(labels.shape, np.float32), labels, (4.0, 4.0, 4.0))
            write_labelled(scan, tmp_path / of[who][0])
    twins = same_people(tmp_path, target, synthetic)
    assert twins == {f"sub-{n:02}": {names.format(n=n)} for n in range(3)}
    assert of_others(Fold(("sub-00",), ("sub-01", "sub-02")), synthetic, twins) == ("synthetic-0.npz",)
    with pytest.raises(InputError, match="nobody but"):
        of_others(Fold((), ("sub-00", "sub-01", "sub-02")), synthetic, twins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one"], "at least two"),
        (["--labels", "one"], "--labels are of scans"),
        (["one", "--contrast", "CT"], "holds no CT"),
        (["--subjects", "1,x"], "numbers of people"),
        (["--case", "name"], "is no case"),
        (["--case", "a=missing.nii.gz"], "no such file"),
        (["one", "--classes", "csf=1"], "must name csf, grey and white"),
    ],
)
def test_bad_input_is_said_before_any_work(spinloom, arguments, said):
    fake.scans(Path("one"), 1)
    code, _, err = spinloom("study", "segmentation", *arguments, "-o", "study")
    assert code != 0
    assert said in err
    assert not Path("study/weights").exists()


def test_label_maps_that_lack_a_class_are_named_before_any_training(spinloom):
    for n in range(3):
        what = fake.labels(n)
        for kind, data in (("T1w", what.astype(np.float32) + 1), ("dseg", np.where(what == 1, 0, what))):
            fake.write(Path(f"scans/sub-{n}/anat/sub-{n}_{kind}.nii.gz"), data)
    made = str(fake.scans(Path("made"), 2))
    code, _, err = spinloom("study", "segmentation", "scans", "--synthetic", made, "--reduced", "-o", "study")
    assert code != 0
    assert "the target domain holds CSF" in err
    assert not Path("study/weights").exists()
