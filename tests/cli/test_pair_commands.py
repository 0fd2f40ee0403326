"""pair, register, split and leakage as commands: what they write, say and refuse, with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from spinloom.cli import pairs, splits
from spinloom.core.errors import SpinloomError
from spinloom.core.image import Image
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
    assert "1 faults" in err
    told = json.loads(out)
    assert told["cases"] == "3 of 3 subjects"
    assert "sub03 has no T2w" in told["faults"][0]
    assert len(json.loads((tmp_path / "pairs" / "pairs.json").read_text())["cases"]) == 3


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
        (("pair", "scans", "-o", "x", "--target", "CT"), 2, "Here are: T1w, T2w"),
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
