"""Pairs are of one person at one visit on one grid; what is not is named and left out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.dataset.find import find_scans
from spinloom.dataset.pairing import pair
from spinloom.dataset.pairs_file import read_pairs, write_pairs
from spinloom.dataset.read_case import read_case
from spinloom.io import read_image, write_image

GRID = Grid.centred((8, 9, 7), 2.0)
OTHER = Grid.centred((10, 10, 10), (1.5, 1.5, 2.0), (1.0, 0.0, 0.0))


def put(root: Path, name: str, grid: Grid = GRID, data: object = None, quantity: Quantity = Quantity.SIGNAL) -> Path:
    made = np.random.default_rng(len(name)).random(grid.shape).astype(np.float32) + 1 if data is None else data
    path = root / name
    write_image(Image(np.asarray(made), grid.affine, quantity), path)
    return path


def people(root: Path, *names: str) -> Path:
    for name in names:
        put(root, f"{name}_T1w.nii.gz")
        put(root, f"{name}_T2w.nii.gz")
    return root


def test_scans_of_one_subject_and_session_become_one_pair(tmp_path: Path) -> None:
    people(tmp_path, "a_visit1", "a_visit2", "b")
    pairs = pair(find_scans(tmp_path))
    assert [(p.subject, p.session) for p in pairs.pairs] == [("a", "1"), ("a", "2"), ("b", None)]
    assert pairs.faults == ()
    for one in pairs.pairs:
        assert one.source["T1w"].path.name.replace("T1w", "T2w") == one.target["T2w"].path.name


def test_a_case_holds_the_files_numbers(tmp_path: Path) -> None:
    people(tmp_path, "a")
    case = read_case(pair(find_scans(tmp_path)).pairs[0])
    assert np.array_equal(case.source["T1w"].data, read_image(tmp_path / "a_T1w.nii.gz").data)
    assert np.array_equal(case.target["T2w"].data, read_image(tmp_path / "a_T2w.nii.gz").data)


def test_a_mask_is_taken_where_there_is_one(tmp_path: Path) -> None:
    people(tmp_path, "a", "b")
    put(tmp_path, "a_mask.nii.gz", data=np.ones(GRID.shape, np.uint8), quantity=Quantity.LABEL)
    first, second = pair(find_scans(tmp_path)).pairs
    assert first.mask is not None
    assert second.mask is None
    assert pair(find_scans(tmp_path), mask=None).pairs[0].mask is None


@pytest.mark.parametrize(
    ("name", "spoil", "fault"),
    [
        ("bad_T2w.nii.gz", lambda p: p.unlink(), "has no T2w"),
        ("bad_T2w.nii.gz", lambda p: p.write_bytes(b"\x1f\x8b junk"), "damaged"),
        ("bad_T1w.nii.gz", lambda p: put(p.parent, p.name, data=np.full(GRID.shape, 7.0)), "constant"),
        ("bad_T1w.nii.gz", lambda p: put(p.parent, p.name, OTHER), "its grid"),
        ("bad_T1w.nii.gz", lambda p: put(p.parent, "bad_mprage.nii.gz"), "several T1w"),
        ("bad_mask.nii.gz", lambda p: put(p.parent, p.name, data=np.zeros(GRID.shape, np.uint8)), "empty mask"),
    ],
)
def test_one_bad_subject_is_named_and_the_others_go_on(name: str, spoil: object, fault: str, tmp_path: Path) -> None:
    people(tmp_path, "good1", "bad", "good2")
    spoil(tmp_path / name)  # type: ignore[operator]
    pairs = pair(find_scans(tmp_path))
    assert [p.subject for p in pairs.pairs] == ["good1", "good2"]
    ((file, said),) = pairs.faults
    assert fault in said
    assert "bad" in str(file)


def test_nan_is_a_fault_of_one_subject(tmp_path: Path) -> None:
    import nibabel as nib

    people(tmp_path, "a", "b")
    data = np.ones(GRID.shape, np.float32)
    data[0, 0, 0] = np.nan
    nib.save(nib.Nifti1Image(data, GRID.affine), tmp_path / "a_T1w.nii.gz")
    pairs = pair(find_scans(tmp_path))
    assert [p.subject for p in pairs.pairs] == ["b"]
    assert "NaN" in pairs.faults[0][1]


def test_a_partner_under_another_spelling_is_hinted_at(tmp_path: Path) -> None:
    people(tmp_path, "good")
    put(tmp_path, "sub-01_T1w.nii.gz")
    put(tmp_path, "01_T2w.nii.gz")
    said = [fault for _, fault in pair(find_scans(tmp_path)).faults]
    assert any("spelled 01" in fault for fault in said)
    assert any("spelled sub-01" in fault for fault in said)


def test_unequal_grids_are_resampled_only_if_asked_and_it_is_said(tmp_path: Path) -> None:
    put(tmp_path, "a_T1w.nii.gz", OTHER)
    put(tmp_path, "a_T2w.nii.gz")
    with pytest.raises(InputError, match=r"grid.*10 x 10 x 10.*--resample"):
        pair(find_scans(tmp_path))
    case = read_case(pair(find_scans(tmp_path), resample=True).pairs[0], resample=True)
    assert case.source["T1w"].grid.same_place(GRID)
    assert case.origin["source T1w"]["resampled onto"] == "a_T2w.nii.gz"  # type: ignore[index]
    assert "resampled onto" not in case.origin["target T2w"]  # type: ignore[operator]
    assert np.array_equal(case.target["T2w"].data, read_image(tmp_path / "a_T2w.nii.gz").data)


def test_images_that_do_not_meet_are_refused_not_resampled_to_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a_T1w.nii.gz", Grid.centred((8, 8, 8), 2.0, (400.0, 0.0, 0.0)))
    put(tmp_path, "a_T2w.nii.gz")
    with pytest.raises(InputError, match="reaches only 0%"):
        pair(find_scans(tmp_path), resample=True)


def test_unpaired_gives_two_lists(tmp_path: Path) -> None:
    for name in ("a_T1w", "b_T1w", "c_T2w"):
        put(tmp_path, f"{name}.nii.gz", OTHER if name == "c_T2w" else GRID)
    pairs = pair(find_scans(tmp_path), unpaired=True)
    assert [p.subject for p in pairs.pairs if p.source] == ["a", "b"]
    assert [p.subject for p in pairs.pairs if p.target] == ["c"]
    assert not pairs.paired


def test_contrasts_that_are_not_there_are_a_usage_error_that_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="T1w, T2w"):
        pair(find_scans(people(tmp_path, "a")), target=("CT",))
    with pytest.raises(UsageError, match="at once"):
        pair(find_scans(tmp_path), source=("T1w",), target=("T1w",))


def test_the_list_survives_the_disk_with_hashes_and_one_row_per_case(tmp_path: Path) -> None:
    people(tmp_path / "scans", "a", "b_visit2")
    pairs = pair(find_scans(tmp_path / "scans"))
    write_pairs(pairs, tmp_path / "list", progress=lambda name: None)
    again = read_pairs(tmp_path / "list")
    assert [p.name for p in again.pairs] == [p.name for p in pairs.pairs]
    for one, other in zip(again.pairs, pairs.pairs, strict=True):
        assert np.array_equal(read_case(one).source["T1w"].data, read_case(other).source["T1w"].data)
    rows = list(csv.DictReader((tmp_path / "list" / "pairs.csv").read_text().splitlines()))
    assert [row["subject"] for row in rows] == ["a", "b"]
    told = json.loads((tmp_path / "list" / "pairs.json").read_text())
    assert all(len(case["source"]["T1w"]["sha256"]) == 64 for case in told["cases"])


def test_the_list_moves_with_its_scans(tmp_path: Path) -> None:
    people(tmp_path / "here" / "scans", "a")
    write_pairs(pair(find_scans(tmp_path / "here" / "scans")), tmp_path / "here" / "list", progress=lambda name: None)
    (tmp_path / "here").rename(tmp_path / "there")
    assert read_case(read_pairs(tmp_path / "there" / "list").pairs[0]).name == "a"


def test_resampled_cases_are_written_and_name_what_they_were_made_from(tmp_path: Path) -> None:
    put(tmp_path / "scans", "a_T1w.nii.gz", OTHER)
    put(tmp_path / "scans", "a_T2w.nii.gz")
    pairs = pair(find_scans(tmp_path / "scans"), resample=True)
    write_pairs(pairs, tmp_path / "list", progress=lambda name: None)
    case = read_case(read_pairs(tmp_path / "list").pairs[0])
    assert case.source["T1w"].grid.same_place(case.target["T2w"].grid)
    (told,) = json.loads((tmp_path / "list" / "pairs.json").read_text())["cases"]
    assert told["source"]["T1w"]["path"] == "cases/a/source_T1w.nii.gz"
    assert told["source"]["T1w"]["origin"]["resampled onto"] == "a_T2w.nii.gz"
    assert told["source"]["T1w"]["origin"]["sha256"] != told["source"]["T1w"]["sha256"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "spinloom pairs 9"}', '{"format": "spinloom pairs 1"}'])
def test_a_file_that_is_no_list_of_pairs_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.json").write_text(text)
    with pytest.raises(InputError, match=r"pairs\.json"):
        read_pairs(tmp_path)


def test_real_scans_of_one_session_are_paired_and_unequal_grids_named(shared_data: Path, tmp_path: Path) -> None:
    for folder in ("ms_mni_brain", "ms_raw_head"):
        for file in (shared_data / folder).glob("*.nii.gz"):
            (tmp_path / file.name).symlink_to(file)
    pairs = pair(find_scans(tmp_path))
    assert [p.name for p in pairs.pairs] == ["patient19", "patient26"]
    assert sorted(fault.split()[0] for _, fault in pairs.faults) == ["patient12_1", "patient12_2"]
    assert [p.name for p in pair(find_scans(tmp_path), resample=True).pairs][:2] == [
        "patient12_1",
        "patient12_2",
    ]


def test_pictures_in_a_folder_per_contrast_are_paired_by_name(tmp_path: Path) -> None:
    from matplotlib.image import imsave

    rng = np.random.default_rng(0)
    for contrast in ("T1", "T2"):
        (tmp_path / contrast).mkdir()
        for name in ("a", "b"):
            imsave(tmp_path / contrast / f"{name}.png", rng.integers(0, 255, (20, 24)).astype(np.uint8), cmap="gray")
    pairs = pair(find_scans(tmp_path))
    assert [p.subject for p in pairs.pairs] == ["a", "b"]
    case = read_case(pairs.pairs[0])
    assert 1 in case.source["T1w"].data.shape
    assert case.origin["source T1w"]["voxel size"] == "not known, 1 mm assumed"  # type: ignore[index]
