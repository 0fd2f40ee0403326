"""pair, split, degrade and reports: what was silent is said, and what was said is right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from spinloom.cli import degrade, explore, pairs, profile, splits
from spinloom.core.errors import SpinloomError
from spinloom.core.image import Image
from spinloom.dataset.degrade import SplineZoom, degrade_pairs
from spinloom.dataset.pairs_file import read_pairs
from spinloom.dataset.scans import Found, Scan
from spinloom.io import read_image, write_image

Run = Callable[..., str]
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])


def scan(path: str, seed: int) -> Path:
    r = np.linalg.norm(np.indices((16, 16, 16)) - 7.5, axis=0)
    data = np.where(r < 6, 100 + 10 * np.random.default_rng(seed).standard_normal(r.shape), 0).astype(np.float32)
    write_image(Image(data, AFFINE), path)
    return Path(path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command beside `scans`, six people of whom four have T1w and T2w → output, or the error."""
    monkeypatch.chdir(tmp_path)
    for n in range(6):
        for m, contrast in enumerate(("T1w", "T2w")[: 2 if n < 4 else 1]):
            scan(f"scans/sub0{n}_{contrast}.nii.gz", 10 * n + m)
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (pairs.pair, splits.split, degrade.degrade, explore.fingerprint, profile.profile):
        app.command()(command)

    def go(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, SpinloomError):
            return f"{result.output}\n{result.exception}"
        assert result.exception is None, result.output
        return result.output

    return go


@pytest.mark.parametrize("side", ["--source", "--target"])
def test_one_side_of_a_pair_alone_is_refused(run: Run, side: str) -> None:
    assert "Name both, or neither" in run("pair", "scans", side, "T2w", "-o", "out")
    assert not Path("out").exists()


def test_people_without_a_case_are_counted(run: Run) -> None:
    assert "4 of 4 subjects; 2 of the 6 subjects in the folder have none" in run("pair", "scans", "-o", "out")


def test_one_image_of_two_people_is_said_at_pair_and_at_split(run: Run) -> None:
    shutil.copy("scans/sub00_T1w.nii.gz", "scans/sub03_T1w.nii.gz")
    said = "byte by byte one image of 2 people: sub00, sub03"
    assert said in run("pair", "scans", "-o", "out")
    assert said in json.loads(Path("out/pairs.json").read_text())["doubts"][0]["doubt"]
    assert said in run("split", "out", "--shares", "0.5,0.25,0.25", "-o", "split.json")
    assert said in run("split", "scans", "--shares", "0.5,0.25,0.25", "-o", "split.json")


def test_one_person_scanned_twice_alike_is_no_such_doubt(run: Run) -> None:
    shutil.copy("scans/sub00_T1w.nii.gz", "scans/sub00_T2w.nii.gz")
    assert "byte by byte" not in run("pair", "scans", "-o", "out")


def test_shares_that_do_not_sum_to_one_are_said_to_be_scaled(run: Run) -> None:
    run("pair", "scans", "-o", "out")
    assert "sum to 4 and were scaled to 0.5, 0.25, 0.25" in run("split", "out", "--shares", "2,1,1", "-o", "s.json")
    assert "scaled" not in run("split", "out", "--shares", "0.5,0.25,0.25", "-o", "s.json")


def test_folds_keep_a_share_for_val_and_shares_do_not_take_one(run: Run) -> None:
    run("split", "scans", "--folds", "3", "--val", "0.25", "-o", "s.json")
    sizes = [{p: len(who) for p, who in s["parts"].items()} for s in json.loads(Path("s.json").read_text())["splits"]]
    assert sizes == [{"train": 3, "val": 1, "test": 2}] * 3
    assert "--val goes with --folds" in run("split", "scans", "--val", "0.2", "-o", "t.json")


def test_copies_of_an_earlier_list_do_not_stay_and_inputs_do(run: Run) -> None:
    run("pair", "scans", "--copy", "-o", "out")
    Path("out/cases/sub01/mine.txt").write_text("kept")
    run("pair", "scans", "--copy", "--exclude", "sub00*", "--exclude", "sub01*", "-o", "out")
    left = sorted(str(p.relative_to("out/cases")) for p in Path("out/cases").rglob("*") if p.is_file())
    assert left == ["sub01/mine.txt", *(f"sub0{n}/{s}.nii.gz" for n in (2, 3) for s in ("source_T1w", "target_T2w"))]
    assert {p.subject for p in read_pairs("out").pairs} == {"sub02", "sub03"}


@pytest.mark.parametrize("command", ["fingerprint", "profile"])
def test_a_report_that_is_no_page_is_refused_before_any_work(run: Run, command: str) -> None:
    assert "--report must end in .html" in run(command, "scans", "-o", "x.json", "--report", "q.pdf")
    assert not Path("x.json").exists()


def test_a_restored_grid_is_said_with_its_own_voxel(run: Run) -> None:
    told = json.loads(
        run("degrade", "scans/sub00_T1w.nii.gz", "--spline", "2", "--restore-grid", "-o", "d.nii.gz", "--json")
    )
    assert told["voxel [mm]"] == list(np.linalg.norm(read_image("d.nii.gz").affine[:3, :3], axis=0)) == [3, 3, 3]
    assert json.loads(Path("d.json").read_text())["degraded voxel_mm"] == [round(3 * 15 / 7, 4)] * 3


def test_degraded_pictures_of_nobody_stay_nobodys_and_twins_stay_related(tmp_path: Path) -> None:
    one = Scan(scan(str(tmp_path / "a.nii.gz"), 0), "a", None, "T1w", anonymous=True, site="S")
    other = Scan(scan(str(tmp_path / "b.nii.gz"), 1), "b", None, "T1w", kinship="b has a twin")
    degrade_pairs(Found((one, other), "plain"), [SplineZoom((2, 2, 2))], tmp_path / "out")
    first, second = read_pairs(tmp_path / "out").pairs
    assert (first.anonymous, first.site, first.kinship) == (True, "S", "")
    assert (second.anonymous, second.kinship) == (False, "b has a twin")
