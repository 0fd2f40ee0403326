"""Of a folder everything is read or named: nothing hides beside something else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.image import Image
from spinloom.dataset.check import check
from spinloom.dataset.find import find_scans
from spinloom.io import write_image

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def volume(file: Path) -> None:
    write_image(Image(np.random.default_rng(0).random((6, 6, 3)).astype(np.float32), AFFINE), file)


def series(folder: Path) -> None:
    pytest.importorskip("pydicom")
    from spinloom.io.dicom_write import MadeBy, write_series

    values = np.random.default_rng(0).uniform(10, 900, (6, 6, 3)).astype(np.float32)
    write_series(Image(values, AFFINE), folder, like=None, model=MadeBy("test", "1", ""), description="T1w")


def states(folder: Path) -> dict[str, bool]:
    return {str(finding.path.relative_to(folder)): finding.ok for finding in check([folder])}


def test_files_beside_a_DICOM_series_are_read_too(tmp_path: Path) -> None:
    series(tmp_path)
    for name in ("bad.nii.gz", "x.seq"):
        (tmp_path / name).write_text("junk")
    volume(tmp_path / "good.nii.gz")
    assert states(tmp_path) == {".": True, "bad.nii.gz": False, "x.seq": False, "good.nii.gz": True}


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_only_is_named_as_DICOM_is_refused_by_name_and_hides_nothing(make, tmp_path: Path) -> None:
    volume(tmp_path / "good.nii.gz")
    make(tmp_path / "f.dcm")
    assert states(tmp_path) == {"f.dcm": False, "good.nii.gz": True}


def test_maps_of_a_folder_are_one_thing_and_hide_no_file_beside_them(tmp_path: Path) -> None:
    for name, value in (("T1map", 1.0), ("T2map", 0.1), ("PDmap", 1.0)):
        write_image(Image(np.full((6, 6, 3), value, np.float32), AFFINE), tmp_path / f"sub-1_{name}.nii.gz")
    (tmp_path / "bad.nii.gz").write_text("junk")
    found = {finding.path.name: (finding.kind, finding.ok) for finding in check([tmp_path])}
    assert found == {tmp_path.name: ("quantitative maps", True), "bad.nii.gz": ("image", False)}


def test_files_of_no_known_kind_are_counted_in_one_line(tmp_path: Path) -> None:
    volume(tmp_path / "a" / "good.nii")
    for name in ("one.mgz", "a/two.MGZ", "three.hdr", "four.nii.bz2", "notes"):
        (tmp_path / name).write_text("junk")
    for name in ("a/good.json", "a/good.png"):  # they tell of good.nii
        (tmp_path / name).write_text("{}")
    said = r"5 files passed over: 2 \.mgz, 1 \.nii\.bz2, 1 without a suffix, 1 \.hdr;"
    with pytest.warns(UserWarning, match=said):
        assert states(tmp_path) == {"a/good.nii": True}


def test_slices_are_one_image_and_not_passed_over(tmp_path: Path) -> None:
    for n in range(3):
        np.save(tmp_path / f"{n}.npy", np.random.default_rng(n).random((6, 6)))
    assert states(tmp_path) == {".": True}


def test_copies_and_pictures_beside_what_is_read_are_counted(tmp_path: Path) -> None:
    series(tmp_path / "T1w")
    shutil.make_archive(str(tmp_path / "T1w"), "zip", tmp_path / "T1w")
    with pytest.warns(UserWarning, match=r"1 file passed over: 1 \.zip;"):
        assert states(tmp_path) == {"T1w": True}


@pytest.mark.parametrize(
    ("name", "tool"), [("a.mgz", "mri_convert"), ("a.hdr", "NIfTI"), ("a.bvec", "dcm2niix"), ("a.nii.bz2", "Unpack")]
)
def test_kinds_of_other_programs_are_told_how_to_become_one_that_is_read(name: str, tool: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("junk")
    [finding] = check([tmp_path / name])
    assert not finding.ok
    assert tool in finding.text


def test_DICOM_without_pictures_is_not_told_of_zips(tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    series(tmp_path)
    for n, file in enumerate(sorted(tmp_path.glob("*.dcm"))):
        header = pydicom.dcmread(file)
        if n:
            file.unlink()
            continue
        header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = pydicom.uid.RTStructureSetStorage
        header.Modality = "RTSTRUCT"
        for tag in ("PixelData", "Rows", "Columns"):
            del header[tag]
        header.save_as(file)
    [finding] = check([tmp_path])
    assert "holds no DICOM images" in finding.text
    assert "zip" not in finding.text


def test_a_BIDS_name_with_an_impossible_label_is_named_and_not_lost(tmp_path: Path) -> None:
    for subject in ("sub-\udcff", "sub-b", "sub-c"):
        volume(tmp_path / subject / "anat" / f"{subject}_T1w.nii")
    found = find_scans(tmp_path)
    assert [scan.subject for scan in found.scans] == ["sub-b", "sub-c"]
    assert [path.name for path, _ in found.faults] == ["sub-\udcff_T1w.nii"]
