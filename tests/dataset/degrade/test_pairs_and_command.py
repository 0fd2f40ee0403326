"""Degraded images as cases and folders, and the command that makes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from spinloom.cli.degrade import degrade as command
from spinloom.core.affine import centred
from spinloom.core.errors import InputError, PartialFailure, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset import degrade as d
from spinloom.dataset.find import find_scans
from spinloom.dataset.pairs_file import read_pairs
from spinloom.io import read_image, write_image

app = typer.Typer()
app.command()(command)
app.callback()(lambda: None)

SHAPE = (20, 24, 16)


def ball(value: float = 800.0) -> Image:
    at = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in SHAPE], indexing="ij"))
    r = np.sqrt((at**2).sum(0))
    return Image((value * np.clip(8 - r, 0, 1) + r).astype(np.float32), centred(SHAPE, (1.0, 1.0, 2.0)))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["degrade", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_case_holds_the_degraded_image_on_the_grid_of_the_original_and_the_recipe() -> None:
    image = ball()
    made = d.degraded_case(image, [d.SliceProfile(4), d.Noise(30)], subject="sub-01", seed=3)
    assert made.image.data.shape == (20, 24, 4)
    assert made.case.source["T1w"].grid.same_place(image.grid)
    assert made.case.target["T1w"] is image
    told = made.case.origin["source T1w"]
    assert isinstance(told, dict)
    assert [way["way"] for way in told["recipe"]] == ["slices", "noise"]
    assert told["done"][1]["sigma"] > 0
    assert json.dumps(told)
    again = d.degraded_case(image, [d.SliceProfile(4), d.Noise(30)], subject="sub-01", seed=3)
    other = d.degraded_case(image, [d.SliceProfile(4), d.Noise(30)], subject="sub-02", seed=3)
    assert np.array_equal(again.image.data, made.image.data)
    assert not np.array_equal(other.image.data, made.image.data)


def test_one_bad_scan_stops_no_other(tmp_path: Path) -> None:
    for n in range(3):
        write_image(ball(500 + n), tmp_path / "in" / f"sub-0{n}_T1w.nii.gz")
    (tmp_path / "in" / "sub-03_T1w.nii.gz").write_bytes(b"no image")
    made = d.degrade_pairs(find_scans(tmp_path / "in"), [d.SplineZoom((2, 2, 1))], tmp_path / "out")
    assert len(made.pairs) == 3
    assert len(made.faults) == 1
    assert "sub-03" in made.faults[0][1]
    read = read_pairs(tmp_path / "out")
    assert [p.subject for p in read.pairs] == [p.subject for p in made.pairs]
    first = next(iter(sorted((tmp_path / "out" / "cases").iterdir())))
    assert read_image(first / "degraded_T1w.nii.gz").data.shape == (10, 12, 16)
    assert read_image(first / "source_T1w.nii.gz").grid.same_place(read_image(first / "target_T1w.nii.gz").grid)
    assert json.loads((first / "source_T1w.json").read_text())["made from"].endswith("T1w.nii.gz")


def test_the_command_says_a_bad_scan_of_a_folder_at_the_end(tmp_path: Path) -> None:
    for n in range(2):
        write_image(ball(500 + n), tmp_path / "in" / f"sub-0{n}_T1w.nii.gz")
    (tmp_path / "in" / "sub-02_T1w.nii.gz").write_bytes(b"no image")
    with pytest.raises(PartialFailure, match="1 fault"):
        run(str(tmp_path / "in"), "--slices", "2", "-o", str(tmp_path / "out"))
    assert (tmp_path / "out" / "pairs.json").exists()


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (["--slices", "4"], (20, 24, 4)),
        (["--slices", "4", "--restore-grid"], SHAPE),
        (["--spline", "2,2,1"], (10, 12, 16)),
        (["--kspace-crop", "2", "--taper", "0.4"], (10, 12, 8)),
        (["--noise-snr", "20", "--noise", "chi:4"], SHAPE),
        (["--undersample", "variable:2", "--centre-lines", "4"], SHAPE),
    ],
)
def test_the_command_writes_the_image_and_its_recipe(
    tmp_path: Path, options: list[str], shape: tuple[int, int, int]
) -> None:
    write_image(ball(), tmp_path / "in.nii.gz")
    out = tmp_path / "out.nii.gz"
    run(str(tmp_path / "in.nii.gz"), *options, "-o", str(out), "--seed", "5")
    image = read_image(out)
    assert image.data.shape == shape
    assert image.grid.centre_mm == pytest.approx(ball().grid.centre_mm, abs=1e-3)
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["seed"] == 5
    assert len(told["recipe"]) == len(told["done"]) == 1
    bytes_before = out.read_bytes()
    run(str(tmp_path / "in.nii.gz"), *options, "-o", str(out), "--seed", "5")
    assert out.read_bytes() == bytes_before


def test_an_anatomy_at_two_fields_is_a_pair_on_disk(tmp_path: Path) -> None:
    labels = np.where(ball().data > 400, 3, 0).astype(np.uint8)
    write_image(Image(labels, centred(SHAPE, 8.0), Quantity.LABEL), tmp_path / "labels.nii.gz")
    where = [str(tmp_path / "labels.nii.gz"), "--labels", "brainweb", "-o", str(tmp_path / "out")]
    run(*where, "--field", "0.055", "--reference-field", "0.5", "--protocol", "pdw", "--method", "signal")
    folder = tmp_path / "out" / "cases" / "labels"
    assert read_image(folder / "source_T1w.nii.gz").grid.same_place(read_image(folder / "target_T1w.nii.gz").grid)
    told = [json.loads((folder / f"{side}_T1w.json").read_text()) for side in ("source", "target")]
    assert [t["B0"] for t in told] == [0.055, 0.5]
    assert told[0]["tissues"]["white_matter"]["T1_ms"] < told[1]["tissues"]["white_matter"]["T1_ms"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--spline", "2,2"],
        ["--spline", "x"],
        ["--undersample", "spiral:3"],
        ["--undersample", "radial"],
        ["--undersample", "regular:nan"],
        ["--undersample", "radial:inf"],
        ["--undersample", "regular:2.5"],
        ["--noise-snr", "9", "--noise", "chi:0"],
        ["--slices", "2", "--noise", "chi:4"],
        ["--spline", "2", "--axis", "1"],
        ["--spline", "2", "--taper", "0.4"],
        ["--slices", "2", "--profile", "triangle"],
        ["--noise-snr", "9", "--noise", "chi"],
        ["--slices", "2", "--field", "0.5"],
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(tmp_path: Path, options: list[str]) -> None:
    write_image(ball(), tmp_path / "in.nii.gz")
    with pytest.raises(UsageError):
        run(str(tmp_path / "in.nii.gz"), *options, "-o", str(tmp_path / "out.nii.gz"))
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_mask_is_not_taken_for_an_image(tmp_path: Path) -> None:
    write_image(Image((ball().data > 400).astype(np.uint8), np.eye(4)), tmp_path / "mask.nii.gz")
    with pytest.raises(InputError, match=r"mask\.nii\.gz.*whole numbers"):
        run(str(tmp_path / "mask.nii.gz"), "--slices", "2", "-o", str(tmp_path / "out.nii.gz"))
