"""Files and folders are matched by subject; one bad subject stops no other; the page shows the worst first."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.image import Image, Quantity
from spinloom.evaluation.files import evaluate_files, load, match
from spinloom.evaluation.report import page, worst_first
from spinloom.evaluation.tables import as_csv, as_json
from spinloom.io import write_image
from spinloom.jobs.local import Local
from spinloom.report.page import render

SHAPE = (24, 26, 14)


def head(seed: int) -> np.ndarray:
    r = np.linalg.norm(np.indices(SHAPE) - np.array([12, 13, 7]).reshape(3, 1, 1, 1), axis=0)
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 1.0)
    return np.where(r < 7, 100 + 40 * noise, 0.0).astype(np.float32)


def write(path: Path, data: np.ndarray, quantity: Quantity = Quantity.SIGNAL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(Image(data, np.diag([2.0, 2.0, 3.0, 1.0]), quantity), path)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Four subjects in BIDS, errors growing with their number."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for n in range(1, 5):
        y = head(n)
        write(theirs / f"sub-0{n}" / "anat" / f"sub-0{n}_T2w.nii.gz", y)
        write(ours / f"sub-0{n}_T2w.nii.gz", y + (y > 0) * np.float32(2 * n))
    return ours, theirs


def test_subjects_are_found_whatever_the_folders_are_called(folders: tuple[Path, Path]) -> None:
    cases, faults = match(*folders)
    assert [c.name for c in cases] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    assert not faults


def test_files_of_one_name_in_a_folder_each_are_matched_by_folder(tmp_path: Path) -> None:
    for side in ("a", "b"):
        for who in ("1BA001", "1BA005"):
            write(tmp_path / side / who / "ct.nii.gz", head(1))
    assert [c.name for c in match(tmp_path / "a", tmp_path / "b")[0]] == ["1BA001", "1BA005"]


def test_one_bad_subject_stops_no_other_and_is_named(folders: tuple[Path, Path]) -> None:
    ours, theirs = folders
    (ours / "sub-02_T2w.nii.gz").write_bytes(b"no image")
    (ours / "sub-03_T2w.nii.gz").unlink()
    write(ours / "sub-04_T2w.nii.gz", head(4)[:20])
    cases, faults = match(ours, theirs)
    found = evaluate_files(cases, faults=faults)
    assert found.cases == ("sub-01",)
    why = dict(found.failures)
    assert set(why) == {"sub-02", "sub-03", "sub-04"}
    assert "sub-02_T2w.nii.gz" in why["sub-02"]
    assert "has no prediction" in why["sub-03"]
    assert "shape" in why["sub-04"]


def test_two_files_of_one_subject_are_a_fault_until_a_pattern_decides(folders: tuple[Path, Path]) -> None:
    ours, theirs = folders
    write(theirs / "sub-01" / "anat" / "sub-01_T1w.nii.gz", head(9))
    assert "several files" in dict(match(ours, theirs)[1])["sub-01"]
    cases, faults = match(ours, theirs, only=("*", "*_T2w.nii.gz"))
    assert len(cases) == 4
    assert not faults


def test_masks_and_labels_go_by_subject_or_for_all(folders: tuple[Path, Path], tmp_path: Path) -> None:
    inside = (head(1) > 0).astype(np.int16)
    one = write(tmp_path / "mask.nii.gz", inside, Quantity.LABEL)
    for n in (1, 2, 3):
        write(tmp_path / "masks" / f"sub-0{n}_mask.nii.gz", inside, Quantity.LABEL)
    assert all(c.mask == one for c in match(*folders, mask=one)[0])
    cases, faults = match(*folders, mask=tmp_path / "masks")
    assert len(cases) == 3
    assert "has no mask" in dict(faults)["sub-04"]
    assert load(cases[0]).mask is not None


def test_a_folder_beside_a_file_and_an_empty_one_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = folders
    with pytest.raises(InputError, match="a folder and a file"):
        match(ours, theirs / "sub-01" / "anat" / "sub-01_T2w.nii.gz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        match(tmp_path / "empty", theirs)
    with pytest.raises(InputError, match="no such file"):
        match(tmp_path / "x.nii.gz", tmp_path / "y.nii.gz")


def test_the_page_has_the_worst_first_and_csv_and_json_hold_every_number(folders: tuple[Path, Path]) -> None:
    cases, _ = match(*folders)
    found = evaluate_files(cases, ("all",))
    assert worst_first(found)[1] == ["sub-04", "sub-03", "sub-02", "sub-01"]
    html = render(page(found, cases, other=("other", found, cases)))
    assert html.index("sub-04: errors") < html.index("sub-01: errors")
    for text in ("Beside other", "kernel distance", "stretched separately"):
        assert text in html
    assert len(as_csv(found).splitlines()) == len(found.rows) + 1
    told = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert {r["case"] for r in told["rows"]} == set(found.cases)


def test_the_command_scores_writes_and_says_what_failed(folders: tuple[Path, Path], tmp_path: Path) -> None:
    ours, theirs = folders
    out = tmp_path / "scores.html"
    done = CliRunner().invoke(app, ["evaluate", str(ours), str(theirs), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "honest" in done.output
    assert all(out.with_suffix(s).stat().st_size > 100 for s in (".html", ".csv", ".json"))
    (ours / "sub-02_T2w.nii.gz").unlink()
    again = CliRunner().invoke(app, ["evaluate", str(ours), str(theirs), "--json"])
    assert isinstance(again.exception, PartialFailure)
    assert again.exception.exit_code == 3
    assert "1 of 4 cases" in str(again.exception)


def test_processes_find_the_same_numbers_and_one_bad_case_stops_none(folders: tuple[Path, Path]) -> None:
    (folders[0] / "sub-02_T2w.nii.gz").write_bytes(b"no image")
    cases = match(*folders)[0]
    here, there = evaluate_files(cases, ("all",)), evaluate_files(cases, ("all",), executor=Local(2))
    assert here.cases == there.cases == ("sub-01", "sub-03", "sub-04")
    assert repr(here.rows) == repr(there.rows)  # NaN is NaN
    assert here.about == there.about
    assert here.failures == there.failures
