"""Folders of DICOM series and of slices are predictions and references like any file; one bad of twenty is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError, PartialFailure, UsageError
from spinloom.core.image import Quantity
from spinloom.evaluation.files import evaluate_files, match
from spinloom.evaluation.on_disk import images_in, is_one
from spinloom.io import write_image
from spinloom.io.images import read_any

SHAPE = (20, 24, 5)  # columns, rows, slices
MM = (2.0, 2.0, 3.0)
UNKNOWN = pytest.mark.filterwarnings("ignore:.*1 x 1 x 1 mm is assumed")


def head(seed: int) -> np.ndarray:
    r = np.linalg.norm(np.indices(SHAPE)[:2] - np.array([10, 12]).reshape(2, 1, 1, 1), axis=0)
    texture = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 1.0)
    return np.asarray(np.where(r < 8, 100 + 60 * texture, 0).round(), np.int16)


def dicom(folder: Path, values: np.ndarray, modality: str = "MR") -> Path:
    """An axial series, 2 x 2 x 3 mm, from values (columns, rows, slices)."""
    pytest.importorskip("pydicom", reason="pydicom is not installed")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True)
    uid = generate_uid()
    for k in range(values.shape[2]):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, generate_uid()
        meta.MediaStorageSOPClassUID = f"1.2.840.10008.5.1.4.1.1.{2 if modality == 'CT' else 4}"
        d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        d.SeriesInstanceUID, d.Modality, d.Rows, d.Columns = uid, modality, values.shape[1], values.shape[0]
        d.SamplesPerPixel, d.PhotometricInterpretation, d.PixelRepresentation = 1, "MONOCHROME2", 1
        d.BitsAllocated, d.BitsStored, d.HighBit = 16, 16, 15
        d.PixelSpacing, d.SliceThickness = list(MM[:2]), MM[2]
        d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0.0, 0.0, MM[2] * k]
        if modality == "CT":
            d.RescaleSlope, d.RescaleIntercept = 1.0, -1000.0
        d.PixelData = np.ascontiguousarray(values[:, :, k].T, np.int16).tobytes()
        d.save_as(folder / f"IM{k}", enforce_file_format=True)
    return folder


def slices(folder: Path, values: np.ndarray, kind: str) -> Path:
    folder.mkdir(parents=True)
    for k in range(values.shape[2]):
        flat = np.ascontiguousarray(values[:, :, k].T).clip(0, None)
        if kind == ".npy":
            np.save(folder / f"{k}.npy", flat)
        else:
            Pillow.fromarray(flat.astype(np.uint16)).save(folder / f"{k}{kind}")
    return folder


def MAE(cases: tuple, quantity: Quantity = Quantity.SIGNAL) -> dict[str, float]:  # type: ignore[type-arg]
    found = evaluate_files(cases, quantity=quantity)
    assert not found.failures
    return found.values("honest", "MAE")


def test_series_are_subjects_by_their_folders(tmp_path: Path) -> None:
    for n in (1, 2, 3):
        y = head(n)
        dicom(tmp_path / "theirs" / f"P{n}" / "T1w", y)
        dicom(tmp_path / "ours" / f"P{n}" / "T1w", y + np.int16(n) * (y > 0))
    cases, faults = match(tmp_path / "ours", tmp_path / "theirs")
    assert ([c.name for c in cases], faults) == (["P1", "P2", "P3"], ())
    found = MAE(cases)
    assert 0 < found["P1"] < found["P2"] < found["P3"]


def test_a_CT_series_is_scored_in_HU(tmp_path: Path) -> None:
    y = np.where(head(1) > 0, 1040, 0).astype(np.int16)
    ours, theirs = dicom(tmp_path / "a", y + np.int16(25) * (y > 0), "CT"), dicom(tmp_path / "b", y, "CT")
    cases, _ = match(ours, theirs)
    assert MAE(cases, Quantity.HU)["b"] == pytest.approx(25)
    assert evaluate_files(cases).failures  # nobody said HU


def test_a_series_may_be_compared_with_a_volume_on_its_grid(tmp_path: Path) -> None:
    for n in (1, 2):
        y = head(n)
        image = read_any(dicom(tmp_path / "theirs" / f"sub-0{n}" / "1.2.840", y))
        (tmp_path / "ours").mkdir(exist_ok=True)
        write_image(image, tmp_path / "ours" / f"sub-0{n}.nii.gz")
    assert MAE(match(tmp_path / "ours", tmp_path / "theirs")[0]) == {"sub-01": 0, "sub-02": 0}


@UNKNOWN
@pytest.mark.parametrize(("ours", "theirs"), [(".png", ".png"), (".npy", ".png"), (".tif", ".npy")])
def test_slices_are_subjects_by_their_folders_whatever_their_kind(tmp_path: Path, ours: str, theirs: str) -> None:
    for n in (1, 2):
        y = head(n).clip(0, None)
        slices(tmp_path / "theirs" / f"sub-0{n}", y, theirs)
        slices(tmp_path / "ours" / f"sub-0{n}", y + np.int16(2) * (y > 0), ours)
    cases, _ = match(tmp_path / "ours", tmp_path / "theirs")
    assert [c.name for c in cases] == ["sub-01", "sub-02"]
    for name, value in MAE(cases).items():
        y = head(int(name[-1])).clip(0, None)
        assert value == pytest.approx(2 / np.percentile(y[y > 0], 99.5), rel=0.05)


def test_slices_get_their_spacing_and_then_lie_on_the_grid_of_slices(tmp_path: Path) -> None:
    a, b = slices(tmp_path / "a", head(1), ".png"), slices(tmp_path / "b", head(1), ".npy")
    done = CliRunner().invoke(app, ["evaluate", str(a), str(b), "--spacing-mm", "2,2,3", "--json"])
    assert done.exit_code == 0, done.output
    wrong = CliRunner().invoke(app, ["evaluate", str(a), str(b), "--spacing-mm", "2,2"])
    assert isinstance(wrong.exception, UsageError)


@UNKNOWN
def test_volumes_in_npy_and_pictures_of_several_subjects_are_an_image_each(tmp_path: Path) -> None:
    for side in ("ours", "theirs"):
        (tmp_path / side).mkdir()
        (tmp_path / f"{side}2").mkdir()
        for n in (1, 2):
            np.save(tmp_path / side / f"P{n}.npy", head(n).T.clip(0, None))
            Pillow.fromarray(head(n)[:, :, 2].T.clip(0, 255).astype(np.uint8)).save(
                tmp_path / f"{side}2" / f"sub-0{n}.png"
            )
    assert MAE(match(tmp_path / "ours", tmp_path / "theirs")[0]) == {"P1": 0, "P2": 0}
    assert MAE(match(tmp_path / "ours2", tmp_path / "theirs2")[0]) == {"sub-01": 0, "sub-02": 0}


def test_a_preview_beside_a_volume_is_no_image_and_a_stack_with_others_below_is_not_one(tmp_path: Path) -> None:
    image = read_any(dicom(tmp_path / "x" / "sub-01", head(1)))
    write_image(image, tmp_path / "x" / "sub-02.nii.gz")
    Pillow.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "x" / "sub-02.png")
    assert [p.name for p in images_in(tmp_path / "x", "*")] == ["sub-01", "sub-02.nii.gz"]
    assert is_one(tmp_path / "x" / "sub-01")
    assert not is_one(tmp_path / "x")
    with pytest.raises(InputError, match="holds no images"):
        images_in(tmp_path / "x", "*_T1w*")


def test_of_twenty_subjects_one_unreadable_is_named_and_the_others_are_scored(tmp_path: Path) -> None:
    for n in range(1, 21):
        y = head(n)
        dicom(tmp_path / "theirs" / f"sub-{n:02d}", y)
        dicom(tmp_path / "ours" / f"sub-{n:02d}", y + np.int16(3) * (y > 0))
    bad = tmp_path / "ours" / "sub-13"
    (bad / "IM2").write_bytes((bad / "IM2").read_bytes()[:400])
    out = tmp_path / "scores.html"
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "ours"), str(tmp_path / "theirs"), "-o", str(out)])
    assert isinstance(done.exception, PartialFailure)
    assert done.exception.exit_code == 3
    assert "1 of 20 cases" in str(done.exception)
    assert "not scored: sub-13" in done.output
    html = out.read_text()
    assert "19 cases" in html
    assert "sub-13" in html
    scored = {line.split(",")[0] for line in out.with_suffix(".csv").read_text().splitlines()[1:]}
    assert scored == {f"sub-{n:02d}" for n in range(1, 21)} - {"sub-13"}
