"""A folder of DICOM files, or a zip of one, is an image to every command that takes images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from spinloom.cli import data, degrade, explore, floor
from spinloom.core.errors import InputError, SpinloomError
from spinloom.core.image import Image
from spinloom.dataset.find import find_scans
from spinloom.io import read_image, write_image
from spinloom.io.images import read_any

pytest.importorskip("pydicom")

from spinloom.io.dicom_write import MadeBy, write_series

Run = Callable[..., str]
AFFINE = np.diag([3.0, 3.0, 4.0, 1.0])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command beside `patient07_T1w`, a folder of one DICOM series, and its zip → output."""
    monkeypatch.chdir(tmp_path)
    r = np.linalg.norm(np.indices((24, 24, 12)) * np.reshape([1, 1, 4 / 3], (3, 1, 1, 1)) - 11.5, axis=0)
    values = np.where(r < 8, 800 + 50 * np.random.default_rng(0).standard_normal(r.shape), 10).astype(np.float32)
    write_series(
        Image(values, AFFINE), Path("patient07_T1w"), like=None, model=MadeBy("test", "1", ""), description="T1w"
    )
    shutil.make_archive("patient07_T1w", "zip", "patient07_T1w")
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (degrade.degrade, floor.floor, explore.fingerprint, data.check):
        app.command()(command)

    def go(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, SpinloomError):
            return str(result.exception)
        assert result.exit_code == 0, result.output
        return result.output

    return go


@pytest.mark.parametrize("name", ["patient07_T1w", "patient07_T1w.zip"])
def test_check_reads_it_as_one_image(run: Run, name: str) -> None:
    [row] = json.loads(run("check", name, "--json"))
    assert (row["kind"], row["state"]) == ("DICOM", "ok")
    assert "24 x 24 x 12 voxels of 3 x 3 x 4 mm" in row["what"]


def test_check_of_the_folder_above_finds_one_image_in_the_series(run: Run) -> None:
    with pytest.warns(UserWarning, match="1 file passed over: 1 .zip"):
        found = json.loads(run("check", ".", "--json"))
    assert [row["file"] for row in found] == ["patient07_T1w"]


@pytest.mark.parametrize("name", ["patient07_T1w", "patient07_T1w.zip"])
def test_degrade_and_floor_take_it(run: Run, name: str) -> None:
    run("degrade", name, "--slices", "2", "--axis", "2", "-o", "thick.nii.gz")
    assert read_image("thick.nii.gz").data.shape == (24, 24, 6)
    run("floor", "cubic", "--apply", "thick.nii.gz", "--like", name, "-o", "fine.nii.gz")
    assert read_image("fine.nii.gz").grid.same_place(read_any(name).grid)


def test_fingerprint_of_the_folder_itself_is_that_of_one_scan(run: Run) -> None:
    assert "1 T1w" in run("fingerprint", "patient07_T1w", "-o", "f.json")
    [image] = json.loads(Path("f.json").read_text())["images"]
    assert (image["subject"], image["contrast"]) == ("patient07", "T1w")


def test_a_folder_whose_name_says_no_contrast_is_told_how(run: Run) -> None:
    Path("patient07_T1w").rename("export")
    with pytest.raises(InputError, match="Name a folder of one series by its contrast"):
        find_scans("export")


def test_a_volume_beside_a_series_is_still_found_and_the_series_is_a_fault(run: Run) -> None:
    write_image(Image(np.random.default_rng(1).random((8, 8, 8)), AFFINE), "patient07_T1w/p1_T2w.nii.gz")
    found = find_scans("patient07_T1w")
    assert [s.contrast for s in found.scans] == ["T2w"]
    assert "by itself" in found.faults[0][1]
