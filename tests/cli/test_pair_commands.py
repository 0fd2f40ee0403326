"""pair, register, split and leakage as commands: what they write, say and refuse, with which exit code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from spinloom.cli import pairs, splits
from spinloom.core.errors import SpinloomError
from spinloom.core.image import Image, Quantity
from spinloom.io import read_image, write_image

Run = Callable[..., tuple[int, str, str]]
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in an empty folder → exit code, output, error."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (pairs.pair, pairs.register, splits.split, splits.leakage):
        app.command()(command)

    def go(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, SpinloomError):
            return result.exception.exit_code, result.output, str(result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output, ""

    return go


def brain(seed: int) -> np.ndarray:
    i, j, k = np.indices((40, 44, 36))
    a, b, c = np.random.default_rng(seed + 100).uniform(0.75, 1.0, 3) * (19, 21, 17)
    inside = ((i - 20) / a) ** 2 + ((j - 22) / b) ** 2 + ((k - 18) / c) ** 2 < 1
    texture = gaussian_filter(np.random.default_rng(seed).normal(size=inside.shape), 3)
    return np.where(inside, 2 + texture / texture.std() / 2, 0).astype(np.float32)


def scans(root: Path, n: int = 4) -> Path:
    for subject in range(1, n + 1):
        for contrast, sign in (("T1w", 1), ("T2w", -1)):
            data = brain(subject)
            data = data if sign > 0 else np.where(data > 0, 5 - data, 0).astype(np.float32)
            write_image(Image(data, AFFINE), root / f"sub{subject:02d}_{contrast}.nii.gz")
    return root


def test_pairs_are_listed_and_one_fault_of_four_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    (scans(tmp_path / "scans") / "sub03_T2w.nii.gz").unlink()
    code, out, err = run("pair", "scans", "-o", "pairs", "--json")
    assert code == 3
    assert "1 fault;" in err
    told = json.loads(out)
    assert told["cases"] == "3 of 3 subjects; 1 of the 4 subjects in the folder have none"
    assert "sub03 has no T2w" in told["faults"][0]
    assert len(json.loads((tmp_path / "pairs" / "pairs.json").read_text())["cases"]) == 3


def published(root: Path, pattern: str, names: tuple[str, ...], people: int = 4) -> Path:
    """Small heads under the names of a published data set."""
    for n in range(people):
        for name in names:
            contrast = -1 if "2" in name.rsplit("/")[-1] else 1
            data = np.where((head := brain(n)[::4, ::4, ::4]) > 0, 3 + contrast * (head - 3), 0).astype(np.float32)
            write_image(Image(data, AFFINE), root / pattern.format(n=n, name=name))
    return root


def test_a_whole_hcp_download_is_paired_by_person_and_its_twins_are_told_at_the_split(run: Run, tmp_path: Path) -> None:
    names = (
        "T1w/T1w_acpc_dc_restore.nii.gz",
        "T1w/T2w_acpc_dc_restore.nii.gz",
        "T1w/ribbon.nii.gz",
        "MNINonLinear/T1w_restore.nii.gz",
        "MNINonLinear/T2w_restore.nii.gz",
        "MNINonLinear/wmparc.nii.gz",
        "unprocessed/3T/T1w_MPR1/AFI.nii.gz",
    )
    published(tmp_path / "hcp", "10030{n}/{name}", names, people=8)
    code, out, _ = run("pair", "hcp", "-o", "pairs")
    assert code == 0
    assert "8 of 8 subjects" in out
    assert "24 of 56 image files are passed over" in out
    for cases in ("hcp", "pairs"):
        code, out, _ = run("split", cases, "-o", "split.json")
        assert (code, "twins" in out) == (0, True)


@pytest.mark.parametrize(
    ("pattern", "names", "page"),
    [
        ("1BA00{n}/{name}.nii.gz", ("mr", "ct"), "https://doi.org/10.5281/zenodo.7260705"),
        ("BraTS-GLI-0000{n}-000/BraTS-GLI-0000{n}-000-{name}.nii.gz", ("t1n", "t2w"), "https://www.synapse.org/brats"),
        ("{n}/pre/{name}.nii.gz", ("reg_T1", "reg_IR"), "https://mrbrains18.isi.uu.nl/data/"),
    ],
)
def test_the_page_that_states_the_licence_is_named(
    pattern: str, names: tuple[str, ...], page: str, run: Run, tmp_path: Path
) -> None:
    published(tmp_path / "set", pattern, names, people=2)
    known = {"mr": ("MR", "CT"), "t1n": ("T1w", "T2w"), "reg_T1": ("T1w", "T1IR")}[names[0]]
    if names[1] == "ct":  # hounsfield units
        for file in (tmp_path / "set").rglob("ct.nii.gz"):
            image = read_image(file)
            write_image(Image((image.data * 100 - 1000).astype(np.float32), image.affine, Quantity.HU), file)
    code, out, err = run("pair", "set", "-o", "pairs", "--source", known[0], "--target", known[1], "--json")
    assert code == 0, err
    assert "ask whoever" not in out
    assert page in json.loads((tmp_path / "pairs" / "pairs.json").read_text())["licence"]


def test_files_that_are_not_as_their_checksums_say_are_named_and_left_out(run: Run, tmp_path: Path) -> None:
    root = scans(tmp_path / "scans", 3)
    code, _, err = run("pair", "scans", "-o", "pairs", "--verify-checksums")
    assert (code, "SHA256SUMS" in err) == (2, True)
    sums = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}" for f in sorted(root.iterdir())]
    (root / "SHA256SUMS").write_text("\n".join(sums))
    code, out, _ = run("pair", "scans", "-o", "pairs", "--verify-checksums")
    assert (code, "6 files are as listed" in out) == (0, True)
    (root / "SHA256SUMS").unlink()
    sums = [f"{hashlib.md5(f.read_bytes()).hexdigest()} *{f.name}" for f in sorted(root.iterdir())]
    (root / "MD5SUMS").write_text("\n".join(sums))
    write_image(Image(brain(9), AFFINE), root / "sub02_T2w.nii.gz")
    code, out, _ = run("pair", "scans", "-o", "pairs", "--verify-checksums")
    assert code == 3
    assert "2 of 2 subjects" in out
    assert "sub02_T2w.nii.gz: has the checksum" in out


@pytest.mark.parametrize("line", ["0" * 64 + "  ../other.nii", "0" * 32 + "  /etc/passwd", "no checksum"])
def test_lists_of_checksums_that_leave_the_folder_are_refused(line: str, run: Run, tmp_path: Path) -> None:
    (scans(tmp_path / "scans", 1) / "SHA256SUMS").write_text(line)
    assert run("pair", "scans", "-o", "pairs", "--verify-checksums")[0] == 4


def test_slices_of_two_people_are_two_subjects_and_pictures_of_nobody_are_counted_as_such(
    run: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for contrast in ("T1w", "T2w"):
        for name in [f"people/{contrast}/patient{p}_slice{k:03}" for p in (19, 26) for k in range(20)] + [
            f"nobody/{contrast}/{k:03}" for k in range(20)
        ]:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(rng.integers(0, 255, (8, 9)).astype(np.uint8)).save(tmp_path / f"{name}.png")
    assert "2 of 2 subjects" in run("pair", "people", "-o", "a")[1]
    assert run("split", "people", "-o", "s.json")[0] == 4
    assert run("split", "people", "-o", "s.json", "--shares", "0.5,0,0.5")[0] == 0
    told = json.loads((tmp_path / "s.json").read_text())["splits"][0]["parts"]
    assert sorted(told["train"] + told["test"]) == ["patient19", "patient26"]
    assert "20; nothing says whose 20 of them are" in run("pair", "nobody", "-o", "b")[1]
    code, _, err = run("split", "nobody", "-o", "n.json")
    assert code == 4
    assert "folder per person" in err
    assert not (tmp_path / "n.json").exists()


def test_copies_are_the_same_numbers(run: Run, tmp_path: Path) -> None:
    scans(tmp_path / "scans", 2)
    assert run("pair", "scans", "-o", "pairs", "--copy")[0] == 0
    copied = read_image(tmp_path / "pairs" / "cases" / "sub01" / "source_T1w.nii.gz")
    assert np.array_equal(copied.data, read_image(tmp_path / "scans" / "sub01_T1w.nii.gz").data)


def test_a_split_of_a_list_leaks_nothing_and_of_its_slices_everything(run: Run, tmp_path: Path) -> None:
    scans(tmp_path / "scans")
    run("pair", "scans", "-o", "pairs")
    assert run("split", "pairs", "-o", "split.json", "--shares", "0.5,0.25,0.25")[0] == 0
    assert run("leakage", "pairs", "--split", "split.json")[0] == 0
    slices = np.concatenate([np.moveaxis(brain(n), 2, 0) for n in range(1, 5)])
    order = np.random.default_rng(0).permutation(len(slices))
    np.save(tmp_path / "train.npy", slices[order[:130]])
    np.save(tmp_path / "val.npy", slices[order[130:]])
    code, out, err = run("leakage", "train.npy", "val.npy")
    assert code == 4
    assert "leakage" in out
    assert "by subject" in err


def test_folds_and_sites(run: Run, tmp_path: Path) -> None:
    scans(tmp_path / "scans")
    assert run("split", "scans", "-o", "folds.json", "--folds", "2")[0] == 0
    assert len(json.loads((tmp_path / "folds.json").read_text())["splits"]) == 2
    code, _, err = run("split", "scans", "-o", "sites.json", "--by-site")
    assert code == 4
    assert "participants.tsv" in err
    assert not (tmp_path / "sites.json").exists()


def test_register_writes_image_facts_and_picture(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("SimpleITK")
    shift = AFFINE.copy()
    shift[:3, 3] = (6, -3, 9)
    write_image(Image(brain(1), shift), tmp_path / "moving.nii.gz")
    write_image(Image(brain(1), AFFINE), tmp_path / "fixed.nii.gz")
    assert run("register", "moving.nii.gz", "fixed.nii.gz", "-o", "out.nii.gz")[0] == 0
    assert read_image(tmp_path / "out.nii.gz").data.shape == (40, 44, 36)
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["shift of the middle [mm]"] == pytest.approx([6, -3, 9], abs=0.5)
    assert set(told["Sources"]) == {"moving", "fixed"}
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pair", "gone", "-o", "x"), 4, "no such folder"),
        (("pair", "scans", "-o", "x", "--source", "T1w", "--target", "CT"), 2, "Here are: T1w, T2w"),
        (("pair", "scans", "-o", "x", "--layout", "brats23"), 2, "Known: BIDS, BraTS"),
        (("register", "scans/sub01_T1w.nii.gz", "gone.nii", "-o", "x.nii"), 4, "no such file"),
        (("register", "a.nii", "b.nii", "-o", "x.png"), 2, "must end in"),
        (("register", "a.nii", "b.nii", "-o", "x.nii", "--kind", "rigit"), 2, "Did you mean 'rigid'"),
        (("split", "scans", "-o", "x.json", "--shares", "a,b"), 2, "no numbers"),
        (("split", "scans", "-o", "x.json", "--folds", "9"), 2, "no 9 folds"),
        (("leakage", "scans"), 2, "test set is missing"),
        (("leakage", "scans", "scans", "--contrast", "CT"), 4, "of contrast CT"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    arguments: tuple[str, ...], code: int, said: str, run: Run, tmp_path: Path
) -> None:
    scans(tmp_path / "scans", 2)
    before = sorted(tmp_path.rglob("*"))
    got, _, err = run(*arguments)
    assert (got, said in err) == (code, True), err
    assert sorted(tmp_path.rglob("*")) == before
