"""train, translate and models as commands, from scans on disk to a synthetic DICOM series."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `learn`")
import torch

from spinloom.core.image import Image, Quantity
from spinloom.io import read_image, write_image

Run = Callable[..., tuple[int, str, str]]
AFFINE = np.array([[-2.0, 0, 0, 20], [0, -2, 0, 30], [0, 0, 2, -10], [0, 0, 0, 1]])
torch.set_num_threads(1)


def head(seed: int, negative: bool = False) -> Image:
    g = np.random.default_rng(seed)
    r = np.linalg.norm((np.indices((24, 28, 22)).T - [11.5, 13.5, 10.5]).T / [[[[9]]], [[[11]]], [[[8]]]], axis=0)
    x = np.where(r < 1, 300 + 500 * r + 20 * g.standard_normal(r.shape), 0)
    return Image(np.where(r < 1, 1100 - x if negative else x, 0).astype(np.float32), AFFINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects in BIDS, one of them damaged, and a plan small enough for seconds."""
    root = tmp_path_factory.mktemp("learn")
    for n in range(4):
        folder = root / "scans" / f"sub-{n}" / "anat"
        folder.mkdir(parents=True)
        write_image(head(n), folder / f"sub-{n}_T1w.nii.gz")
        write_image(head(n, negative=True), folder / f"sub-{n}_T2w.nii.gz")
    bad = root / "scans" / "sub-3" / "anat" / "sub-3_T1w.nii.gz"
    bad.write_bytes(bad.read_bytes()[:300])
    (root / "scans" / "dataset_description.json").write_text('{"Name": "balls", "BIDSVersion": "1.10.0"}')
    plan = {
        "name": "negative",
        "source": [{"contrast": "T1w", "bias": False}],
        "target": [{"contrast": "T2w", "bias": False}],
        "network": {"slices": 3, "channels": [8, 16], "patch": [24, 24]},
        "training": {"steps": 60, "batch": 4, "rate": 0.004, "average": 0.9, "panel": 30},
    }
    (root / "plan.json").write_text(json.dumps(plan))
    return root


@pytest.fixture
def spinloom(command: Run, monkeypatch: pytest.MonkeyPatch, place: Path) -> Run:
    """The command beside the scans, with a shelf of its own."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("SPINLOOM_MODELS", str(place / "shelf"))
    return command


@pytest.fixture
def trained(spinloom: Run, place: Path) -> str:
    if not (place / "run" / "model.safetensors").exists():
        code, out, err = spinloom("train", "scans", "--plan", "plan.json", "-o", "run")
        assert code == 0, err
        assert "T2w by this" in out
        assert "sub-3" in err
        assert err.index("step 60 of 60") < err.index("held out 1 of 1: translating") < err.index("held out by this")
    return "run"


def test_a_folder_of_scans_becomes_a_model_with_scores(spinloom: Run, trained: str, place: Path) -> None:
    told = json.loads((place / "run" / "report.json").read_text())
    split = told["split"]
    assert not set(split["train"]) & set(split["held"])
    assert told["scores"]["this"]["T2w"]["PSNR"]["mean"] > told["scores"]["identity"]["T2w"]["PSNR"]["mean"]
    assert "<h1" in (place / "run" / "report.html").read_text()


def test_pairs_of_one_contrast_are_learned_from_two_folders(spinloom: Run, place: Path) -> None:
    """T1w of some scanner in one, T1w of another in the other, of the same people."""
    for n in range(3):
        write_image(head(n, negative=True), place / "low" / f"sub-{n}_T1w.nii.gz")
        write_image(head(n), place / "high" / f"sub-{n}_ses-1_T1w.nii.gz")
    plan = json.loads((place / "plan.json").read_text())
    plan |= {"name": "up", "target": plan["source"], "training": {"steps": 60, "batch": 4, "rate": 0.004, "panel": 60}}
    plan["training"] |= {"average": 0.9}
    (place / "up.json").write_text(json.dumps(plan))
    code, _, err = spinloom("train", "high", "--source", "T1w", "--target", "T1w", "-o", "none")
    assert code == 2
    assert "--source-data" in err
    code, _, err = spinloom("train", "high", "--source-data", "low", "--plan", "up.json", "-o", "up")
    assert code == 0, err
    scores = json.loads((place / "up" / "report.json").read_text())["scores"]
    assert scores["this"]["T1w"]["MAE"]["mean"] < 0.5 * scores["identity"]["T1w"]["MAE"]["mean"]  # not from itself
    code, _, err = spinloom("translate", "up", "-i", "low/sub-0_T1w.nii.gz", "-o", "raised.nii.gz")
    assert code == 0, err
    made, real = read_image(place / "raised.nii.gz"), read_image(place / "high" / "sub-0_ses-1_T1w.nii.gz")
    assert np.corrcoef(made.data[real.data > 0], real.data[real.data > 0])[0, 1] > 0.8


def test_a_plan_alone_is_written_with_steps_that_fit_the_budget(spinloom: Run, place: Path) -> None:
    code, _, err = spinloom("train", "scans", "--budget", "20s", "--plan-only", "-o", "draft")
    assert code == 0, err
    plan = json.loads((place / "draft" / "plan.json").read_text())
    assert plan["training"]["steps"] >= 20
    assert plan["training"]["seconds"] == 20


def test_a_scan_is_translated_onto_its_own_grid(spinloom: Run, trained: str, place: Path) -> None:
    code, _, err = spinloom("translate", trained, "-i", "scans/sub-1/anat/sub-1_T1w.nii.gz", "-o", "made.nii.gz")
    assert code == 0, err
    made, given = read_image(place / "made.nii.gz"), read_image(place / "scans/sub-1/anat/sub-1_T1w.nii.gz")
    np.testing.assert_allclose(made.affine, given.affine)
    inside = given.data > 0
    assert np.corrcoef(made.data[inside], given.data[inside])[0, 1] < -0.8
    told = json.loads((place / "made.json").read_text())
    assert told["SyntheticData"] is True
    assert len(told["models"][0]["sha256"]) == 64
    assert told["sources"][0]["file"] == "sub-1_T1w.nii.gz"


def test_a_scan_that_its_name_says_shows_something_else_is_flagged(spinloom: Run, trained: str, place: Path) -> None:
    for name, said in (("T2w", "T2w"), ("T1w", ""), ("my_flair", "FLAIR"), ("MR", ""), ("scan", "")):
        write_image(head(1), place / f"{name}.nii.gz")
        code, _, err = spinloom("translate", trained, "-i", f"{name}.nii.gz", "-o", "named.nii.gz")
        assert code == 0, err
        flag = f"name: {name}.nii.gz seems to be {said}, negative needs T1w"
        assert (flag in err) is bool(said)
        assert (flag in json.loads((place / "named.json").read_text())["outside the training"]) is bool(said)


def test_inputs_that_show_nothing_are_named_with_what_to_do(spinloom: Run, trained: str, place: Path) -> None:
    """One paragraph each: which file or folder, what is wrong, what to do."""
    flat = Image(np.full((20, 20, 20), 7, np.float32), AFFINE)
    write_image(flat, place / "flat_T1w.nii.gz")
    for folder in ("hollow", "wordy", "broken", "flat"):
        (place / folder).mkdir()
    (place / "wordy" / "notes.txt").write_text("nothing to see")
    for n in range(2):
        (place / "broken" / f"sub-{n}_T1w.nii.gz").write_bytes(b"no image")
        for contrast in ("T1w", "T2w"):
            write_image(flat, place / "flat" / f"sub-{n}_{contrast}.nii.gz")
    for given, *words in (
        ("flat_T1w.nii.gz", "flat_T1w.nii.gz: T1w is constant: every voxel is 7", "export it again"),
        ("hollow", "hollow: holds no image", "Name a scan"),
        ("wordy", "wordy: holds no image", "Name a scan"),
        ("broken", "none of 2 could be translated", str(place / "broken" / "sub-0_T1w.nii.gz"), "copied whole"),
        ("flat", "none of 2 could be translated", "sub-0_T1w.nii.gz: is constant", "export it again"),
    ):
        code, _, err = spinloom("translate", trained, "-i", given, "-o", f"nothing-{given}")
        assert code == 4, err
        last = err.strip().splitlines()[-1]
        assert all(word in last for word in words), err
    for given, *words in (
        ("hollow", "hollow: holds no image", "Check the path"),
        ("flat", "no case can be used", "sub-0_T1w.nii.gz: is constant", "export it again"),
        ("flat_T1w.nii.gz", "neither a folder of scans nor a list of pairs", "Name the folder"),
    ):
        code, _, err = spinloom("train", given, "-o", "x")
        assert code == 4, err
        assert all(word in err.strip().splitlines()[-1] for word in words), err
    assert not (place / "x").exists()


def test_each_flag_is_said_once(spinloom: Run, trained: str, place: Path) -> None:
    """Of one scan on standard error, of a folder below its cases; in JSON always."""
    big = Image(head(1).data, AFFINE @ np.diag([3, 3, 3, 1]))
    write_image(big, place / "big_T1w.nii.gz")
    asked = ("translate", trained, "-i", "big_T1w.nii.gz", "-o", "bigger.nii.gz")
    code, out, err = spinloom(*asked)
    assert code == 0, err
    assert (out + err).count("spacing: 6.00 mm along R") == 1
    assert json.loads(spinloom(*asked, "--json")[1])["outside the training"][0].startswith("spacing: 6.00 mm along R")
    (place / "large").mkdir()
    write_image(big, place / "large" / "sub-1_T1w.nii.gz")
    code, out, err = spinloom("translate", trained, "-i", "large", "-o", "larger")
    assert code == 0, err
    assert (out + err).count("spacing: 6.00 mm along R") == 1
    assert "outside the training  sub-1: spacing" in out


def test_a_folder_gives_a_derivative_and_one_bad_case_stops_no_other(spinloom: Run, trained: str, place: Path) -> None:
    code, _, err = spinloom("translate", trained, "-i", "scans", "-o", "made")
    assert code == 3
    assert "sub-3" in err
    assert sorted(p.name for p in (place / "made").rglob("*.nii.gz")) == [
        f"sub-{n}_desc-negative_T2w.nii.gz" for n in range(3)
    ]
    about = json.loads((place / "made" / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative"


def test_a_series_comes_back_as_a_series(spinloom: Run, trained: str, place: Path) -> None:
    pydicom = pytest.importorskip("pydicom", reason="needs the extra `dicom`")
    from spinloom.io import write_series

    write_series(head(5), place / "series", like=None)
    code, _, err = spinloom("translate", trained, "-i", "series", "-o", "synthetic", "--dicom")
    assert code == 0, err
    files = sorted((place / "synthetic").rglob("*.dcm"))
    assert len(files) == 22
    one, source = pydicom.dcmread(files[0]), pydicom.dcmread(next((place / "series").rglob("*.dcm")))
    assert one.SyntheticData == "YES"
    assert one.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert one.SeriesInstanceUID != source.SeriesInstanceUID


def test_a_spread_of_one_answer_is_refused_before_anything_is_written(spinloom: Run, trained: str, place: Path) -> None:
    scan = "scans/sub-1/anat/sub-1_T1w.nii.gz"
    code, _, err = spinloom("translate", trained, "-i", scan, "-o", "alone.nii.gz", "--spread", "sd.nii.gz")
    assert code == 4
    assert "--draws" in err
    assert not (place / "alone.nii.gz").exists()
    code, _, err = spinloom("translate", trained, "-i", scan, "-o", "both.nii.gz", "--spread", "sd.nii.gz", "--flips")
    assert code == 0, err
    assert read_image(place / "sd.nii.gz").data.max() > 0


def test_no_input_is_overwritten(spinloom: Run, trained: str, place: Path) -> None:
    scan = "scans/sub-2/anat/sub-2_T1w.nii.gz"
    before = (place / scan).read_bytes()
    code, _, err = spinloom("translate", trained, "-i", scan, "-o", scan)
    assert code == 2
    assert "input" in err
    assert (place / scan).read_bytes() == before


def test_models_are_listed_verified_imported_and_have_cards(spinloom: Run, trained: str, place: Path) -> None:
    code, out, err = spinloom("models", "verify", trained)
    assert code == 0, err
    assert "sound" in out
    assert spinloom("models", "import", trained, "--name", "mine")[0] == 0
    code, out, _ = spinloom("models", "list", "--json")
    assert "mine" in [row["name"] for row in json.loads(out)]
    code, out, _ = spinloom("models", "card", "mine")
    assert "not for diagnosis" in out.lower()
    code, _, err = spinloom("models", "remove", "mime")
    assert code == 2
    assert "Did you mean 'mine'" in err
    code, _, err = spinloom("translate", "mime", "-i", "made.nii.gz", "-o", "x.nii.gz")
    assert code == 2
    assert "Did you mean 'mine'" in err
    assert spinloom("models", "remove", "mine")[0] == 0
    code, _, err = spinloom("models", "remove", "t1w-to-t2w")
    assert code == 2
    assert "your own shelf" in err


@pytest.mark.parametrize(("arguments", "word"), [
    (("train", "-o", "x"), "nothing to learn from"),
    (("train", "scans", "--dims", "4", "-o", "x"), "2, 2.5 or 3"),
    (("train", "scans", "--budget", "soon", "-o", "x"), "30m"),
    (("train", "scans", "--family", "magic", "-o", "x"), "family"),
    (("train", "scans", "--source", "CT", "-o", "x"), "CT"),
    (("train", "scans", "--set", "speed=3", "-o", "x"), "speed"),
    (("train", "scans", "--family", "flow", "-o", "run"), "family is regression, not flow"),
    (("translate", "run", "-i", "nothere.nii.gz", "-o", "y.nii.gz"), "nothere"),
    (("translate", "plan.json", "-i", "nothere.nii.gz", "-o", "y.nii.gz"), "safetensors"),
])  # fmt: skip
def test_what_makes_no_sense_is_said(
    spinloom: Run, trained: str, place: Path, arguments: tuple[str, ...], word: str
) -> None:
    code, _, err = spinloom(*arguments)
    assert code in (2, 4), err
    assert word in err
    assert "Traceback" not in err
    assert not (place / "x").exists()


def test_CT_numbers_are_written_as_whole_numbers(place: Path) -> None:
    from spinloom.cli.translated import nifti

    image = Image(np.full((2, 2, 2), 41.6, np.float32), np.eye(4), Quantity.HU)
    nifti({"CT": image}, place / "ct.nii.gz", lambda c: {})
    import nibabel as nib

    made = nib.load(place / "ct.nii.gz")
    assert made.get_data_dtype() == np.int16
    assert made.get_fdata()[0, 0, 0] == 42


def test_super_resolution_in_stages_ends_on_the_finest_grid(spinloom: Run, place: Path) -> None:
    (place / "whole").mkdir(exist_ok=True)
    for n in range(2):
        write_image(head(n), place / "whole" / f"sub-{n}_T1w.nii.gz")
    asked = ("train", "whole", "--target", "T1w", "--super-resolution", "4", "--stages", "2", "-o", "stages")
    code, _, err = spinloom(*asked, "--budget", "60s", "--plan-only")
    assert code == 0, err
    for n, start in ((1, 2), (2, 1)):
        file = place / "stages" / f"stage-{n}" / "plan.json"
        plan = json.loads(file.read_text())
        assert (plan["thick"]["factor"], plan["thick"]["start"]) == (2, start)
        plan["network"] |= {"channels": [8], "patch": [16, 16]}
        plan["training"] |= {"steps": 20, "seconds": None, "panel": 10}
        file.write_text(json.dumps(plan))
    code, _, err = spinloom(*asked)
    assert code == 0, err
    thick = head(0)
    thick = Image(thick.data[:, :, :20].reshape(24, 28, 5, 4).mean(3), AFFINE @ np.diag([1, 1, 4, 1]))
    write_image(thick, place / "thick.nii.gz")
    code, _, err = spinloom("translate", "stages", "-i", "thick.nii.gz", "-o", "fine.nii.gz")
    assert code == 0, err
    fine = read_image(place / "fine.nii.gz")
    assert sorted(fine.data.shape) == [20, 24, 28]
    np.testing.assert_allclose(fine.grid.voxel_mm, 2.0, rtol=1e-6)
    assert "then" in json.loads((place / "fine.json").read_text())["made"]


def test_stages_that_make_no_whole_factor_are_refused(spinloom: Run) -> None:
    code, _, err = spinloom("train", "scans", "--target", "T1w", "--super-resolution", "6", "--stages", "2", "-o", "no")
    assert code == 2
    assert "--super-resolution 4 --stages 2" in err


def test_models_in_turn_must_follow_on_each_other(spinloom: Run, trained: str) -> None:
    scan = "scans/sub-1/anat/sub-1_T1w.nii.gz"
    code, _, err = spinloom("translate", trained, "--then", trained, "-i", scan, "-o", "no.nii.gz")
    assert code == 2
    assert "needs T1w" in err


def test_only_a_CycleGAN_goes_back(spinloom: Run, trained: str, place: Path) -> None:
    scan = "scans/sub-1/anat/sub-1_T2w.nii.gz"
    code, _, err = spinloom("translate", trained, "--back", "-i", scan, "-o", "no.nii.gz")
    assert code == 2
    assert "CycleGAN" in err
    plan = json.loads((place / "plan.json").read_text()) | {
        "name": "cycle", "family": "cyclegan", "paired": False, "settings": {"patch": "34", "critic_width": 8},
    }  # fmt: skip
    plan["network"] = {"slices": 1, "channels": [8, 16], "patch": [24, 24]}
    plan["training"] = {"steps": 8, "batch": 2, "panel": 8}
    (place / "cycle.json").write_text(json.dumps(plan))
    code, _, err = spinloom("train", "scans", "--unpaired", "--plan", "cycle.json", "-o", "cycle")
    assert code == 0, err
    code, _, err = spinloom("translate", "cycle", "--back", "-i", scan, "-o", "back.nii.gz")
    assert code == 0, err
    told = json.loads((place / "back.json").read_text())
    assert told["made"].startswith("T1w by cycle")
    assert told["outside the training"] == []  # a T2w of the training lies within the range of T2w
    code, _, err = spinloom("translate", "cycle", "--back", "-i", scan.replace("T2w", "T1w"), "-o", "wrong.nii.gz")
    assert code == 0, err
    assert "grey values of T2w" in " ".join(json.loads((place / "wrong.json").read_text())["outside the training"])


def test_a_SynthRAD_folder_becomes_a_model_in_HU(spinloom: Run, place: Path) -> None:
    """Three patients as the challenge ships them; 1 of them is held out."""
    for n, who in enumerate(("1BA001", "1BA005", "1BB012")):
        folder = place / "Task1" / "brain" / who
        folder.mkdir(parents=True, exist_ok=True)
        mr = head(n)
        inside = (mr.data > 0).astype(np.uint8)
        write_image(mr, folder / "mr.nii.gz")
        write_image(Image(np.where(inside, mr.data - 700, -1000).astype(np.float32), AFFINE, Quantity.HU),
                    folder / "ct.nii.gz")  # fmt: skip
        write_image(Image(inside, AFFINE, Quantity.LABEL), folder / "mask.nii.gz")
    plan = json.loads((place / "plan.json").read_text()) | {
        "name": "synthrad",
        "source": [{"contrast": "MR", "bias": False}],
        "target": [{"contrast": "CT", "quantity": "HU", "low": -1000.0, "high": 2000.0, "bias": False}],
    }
    (place / "synthrad.json").write_text(json.dumps(plan))
    code, out, err = spinloom("train", "Task1", "--plan", "synthrad.json", "-o", "synthrad")
    assert code == 0, err
    assert "CT by this" in out
    told = json.loads((place / "synthrad" / "report.json").read_text())
    assert told["layout"] == "SynthRAD2023"
    assert len(told["held out"]) == 1
    who = told["held out"][0].split()[0]
    mr = next((place / "Task1").rglob(f"{who}/mr.nii.gz"))
    code, _, err = spinloom("translate", "synthrad", "-i", str(mr), "-o", "ct.nii.gz")
    assert code == 0, err
    made, real = read_image(place / "ct.nii.gz"), read_image(mr.with_name("ct.nii.gz"))
    inside = real.data > -1000
    error = np.abs(made.data[inside].astype(float) - real.data[inside]).mean()
    assert error < 0.5 * np.abs(real.data[inside] - real.data[inside].mean()).mean()


def test_a_folder_is_translated_by_processes_to_the_same_bytes_and_only_what_changed_again(
    spinloom: Run, trained: str, place: Path
) -> None:
    for name, options in {"serial": (), "local": ("--jobs", "2"), "half": ("--shard", "0/2")}.items():
        code, _, err = spinloom("translate", trained, "-i", "scans", "-o", name, *options)
        assert code == (0 if name == "half" else 3), err  # the damaged one is in the other half
    one, two = ({p.name: p.read_bytes() for p in (place / n).rglob("*.nii.gz")} for n in ("serial", "local"))
    assert len(one) == 3
    assert one == two
    assert 0 < len(list((place / "half").rglob("*.nii.gz"))) < 3
    code, _, err = spinloom("translate", trained, "-i", "scans", "-o", "half", "--shard", "1/2")
    assert {p.name: p.read_bytes() for p in (place / "half").rglob("*.nii.gz")} == one
    scan = place / "scans" / "sub-0" / "anat" / "sub-0_T1w.nii.gz"
    before = scan.read_bytes()
    write_image(head(17), scan)
    try:
        code, _, err = spinloom("translate", trained, "-i", "scans", "-o", "serial")
    finally:
        scan.write_bytes(before)
    again = {p.name: p.read_bytes() for p in (place / "serial").rglob("*.nii.gz")}
    assert [n for n in again if again[n] != one[n]] == ["sub-0_desc-negative_T2w.nii.gz"]


def test_a_run_says_where_it_stands_and_is_tidied(spinloom: Run, trained: str, place: Path) -> None:
    spinloom("translate", trained, "-i", "scans", "-o", "stand")
    (place / "stand" / ".spinloom-tmp-1-x-a.nii.gz").write_bytes(b"half")
    code, out, err = spinloom("status", "stand", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["units"], told["done"], told["at work"], told["leftovers"]) == (4, 3, "nobody", 1)
    code, out, _ = spinloom("clean", "stand", "--json")
    assert json.loads(out)["temp files removed"] == 1
    assert spinloom("status", str(place / "scans"))[0] == 4


def test_engines_and_shares_that_are_not_there_are_named(spinloom: Run, trained: str) -> None:
    for options, word in ((("--engine", "spark"), "spark"), (("--address", "a:1"), "--engine ray"),
                          (("--shard", "3/2"), "i/n")):  # fmt: skip
        code, _, err = spinloom("translate", trained, "-i", "scans", "-o", "no", *options)
        assert code == 2
        assert word in err


def test_options_of_one_scan_are_refused_for_a_folder(spinloom: Run, trained: str, place: Path) -> None:
    for options in (("--mask", "m.nii.gz"), ("--spread", "sd.nii.gz", "--flips"), ("--dicom",)):
        code, _, err = spinloom("translate", trained, "-i", "scans", "-o", "nowhere", *options)
        assert code == 2
        assert options[0] in err
    assert not (place / "nowhere").exists()


def test_subjects_that_have_one_name_in_BIDS_are_refused(spinloom: Run, trained: str, place: Path) -> None:
    for who in ("1-1", "11"):
        (place / "plain" / who).mkdir(parents=True, exist_ok=True)
        write_image(head(0), place / "plain" / who / "T1w.nii.gz")
    code, _, err = spinloom("translate", trained, "-i", "plain", "-o", "plain_out")
    assert code == 4
    assert "1-1, 11" in err


def test_a_spread_is_not_written_over_its_image_nor_made_of_draws_that_are_alike(
    spinloom: Run, trained: str, place: Path
) -> None:
    scan = "scans/sub-1/anat/sub-1_T1w.nii.gz"
    code, _, err = spinloom("translate", trained, "-i", scan, "-o", "s.nii.gz", "--spread", "s.nii.gz", "--flips")
    assert code == 2
    assert "--spread" in err
    code, _, err = spinloom("translate", trained, "-i", scan, "-o", "s.nii.gz", "--spread", "d.nii.gz", "--draws", "3")
    assert code == 4
    assert not (place / "s.nii.gz").exists()


def test_what_is_no_model_is_not_imported(spinloom: Run, trained: str, place: Path) -> None:
    torch.save({"a": torch.zeros(3)}, place / "pickled.pt")
    code, _, err = spinloom("models", "import", "pickled.pt", "--name", "pickled")
    assert code == 4
    assert "never opened" in err
    assert not (place / "shelf" / "pickled.safetensors").exists()


def test_the_sidecar_of_super_resolution_says_that_it_is_as_bright_as_its_input(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from spinloom.cli.translated import written_images
    from spinloom.train.draft import draft
    from spinloom.translate.translate import Translated

    told = {}
    for thick in (None, 4):
        plan = draft(target=["T1w"], thick=thick)
        model = SimpleNamespace(name="m", sha256=None, plan=plan)
        written_images(Translated({"T1w": head(0)}, None, ()), tmp_path / "m.nii.gz", [model], [], {})  # type: ignore[list-item]
        told[thick] = json.loads((tmp_path / "m.json").read_text())["scale"]
    assert told == {None: "1 is the 99.5th percentile of the foreground", 4: "that of the input"}


def test_a_case_whose_place_in_the_list_has_changed_is_still_itself(
    spinloom: Run, trained: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run that joins may have found one scan more, and written the list anew."""
    from spinloom.cli import translate_unit
    from spinloom.core.errors import InputError
    from spinloom.dataset.pairs import Pairs

    spinloom("translate", trained, "-i", "scans", "-o", "listed")
    file = place / "listed" / translate_unit.LIST
    pairs = translate_unit.listed(str(file))
    last = pairs.pairs[2]
    turned = Pairs(tuple(reversed(pairs.pairs)), pairs.source, pairs.target)
    monkeypatch.setattr(translate_unit, "listed", lambda file: turned)
    spec = {
        "out": str(place / "listed"), "config": "other", "name": translate_unit.unit_name(last), "back": False,
        "models": [str(place / "run")],
        "options": {"draws": 1, "flips": False, "seed": 0, "device": "cpu", "in_turn": False},
    }  # fmt: skip
    assert "sub-2" in json.dumps(translate_unit.translate_case(spec))
    with pytest.raises(InputError, match="changed"):
        translate_unit.translate_case({**spec, "name": "sub-2@000000000000"})


def test_a_run_of_another_factor_is_not_gone_on_with() -> None:
    from spinloom.cli.train_asked import same_question
    from spinloom.core.errors import InputError
    from spinloom.train.draft import draft

    with pytest.raises(InputError, match="super-resolution is 2, not 4"):
        same_question(draft(target=["T1w"], thick=2), draft(target=["T1w"], thick=4), Path("run"))


def test_a_name_that_is_no_image_is_refused_before_the_work(
    spinloom: Run, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spinloom.cli import translate_one

    monkeypatch.setattr(translate_one, "run", lambda *a, **k: pytest.fail("the work was done"))
    code, _, err = spinloom("translate", trained, "-i", "scans/sub-1/anat/sub-1_T1w.nii.gz", "-o", "made.txt")
    assert code == 2, err


def test_a_series_names_every_model_that_made_it_however_long_the_names(tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom", reason="needs the extra `dicom`")
    from types import SimpleNamespace

    from spinloom.cli.translated import written_images
    from spinloom.train.draft import draft
    from spinloom.translate.translate import Translated

    models = [SimpleNamespace(name=n, sha256="a" * 64, plan=draft()) for n in ("first-of-a-rather-long-name", "second")]
    made = Translated({"T2w": head(0)}, None, ())
    given = tmp_path / "in.nii.gz"
    write_image(head(0), given)
    written_images(made, tmp_path / "out", models, [given], {"in_turn": True}, dicom=True)  # type: ignore[arg-type]
    one = pydicom.dcmread(next((tmp_path / "out").rglob("*.dcm")))
    assert one.ContributingEquipmentSequence[0].ManufacturerModelName == "first-of-a-rather-long-name then second"


def test_another_seed_or_setting_in_a_runs_folder_is_refused(spinloom: Run, place: Path) -> None:
    asked = ("train", "scans", "--budget", "20s", "--plan-only", "-o", "kept")
    assert spinloom(*asked)[0] == 0
    assert spinloom(*asked)[0] == 0
    for more, word in ((("--seed", "3"), "seed is 0, not 3"), (("--set", "smooth=0.1"), "settings")):
        code, _, err = spinloom(*asked, *more)
        assert code == 4
        assert word in err


def test_two_models_in_one_folder_are_both_named(spinloom: Run, trained: str, place: Path) -> None:
    for name in (trained, trained, "t1w-to-t2w"):
        spinloom("translate", name, "-i", "scans", "-o", "both")
    told = json.loads((place / "both" / "dataset_description.json").read_text())
    assert [m["Name"] for m in told["GeneratedBy"]] == ["Spinloom", "negative", "t1w-to-t2w"]


def test_words_that_contradict_a_plan_or_super_resolution_are_refused(spinloom: Run) -> None:
    code, _, err = spinloom("train", "scans", "--plan", "plan.json", "--target", "CT", "-o", "no")
    assert code == 2
    assert "the plan has T2w" in err
    code, _, err = spinloom("train", "scans", "--source", "T1w", "--super-resolution", "2", "-o", "no")
    assert code == 2
    assert "from the target" in err


def test_the_sidecar_says_how_a_signal_was_stretched(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from spinloom.cli.translated import written_images
    from spinloom.train.draft import draft
    from spinloom.translate.bright import Stretch
    from spinloom.translate.translate import Translated

    model = SimpleNamespace(name="m", sha256=None, plan=draft(target=["T2w"]))
    made = Translated({"T2w": head(0)}, None, (), {"T2w": Stretch(0.4, 1.25)})
    written_images(made, tmp_path / "m.nii.gz", [model], [], {"bright": None, "seed": 1})  # type: ignore[list-item]
    told = json.loads((tmp_path / "m.json").read_text())
    assert told["stretched"] == "above 0.400 by 1.250"
    assert told["options"] == {"seed": "1"}
