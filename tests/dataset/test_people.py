"""People are counted, never slices: whoever a picture is of is read from its name or folder, or nobody is split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from spinloom.core.errors import InputError, UsageError
from spinloom.dataset.find import find_scans
from spinloom.dataset.find_names import identity
from spinloom.dataset.pairing import pair
from spinloom.dataset.pairs_file import read_pairs, write_pairs
from spinloom.dataset.read_case import read_case
from spinloom.dataset.read_scan import read_scan, sha256_scan
from spinloom.dataset.scans import Scan
from spinloom.dataset.split_cases import folds, leave_one_site_out, read_splits, split, write_splits

SHAPE = (12, 20)  # rows, columns


def plane(person: int, k: int, contrast: str, deep: bool = False) -> np.ndarray:
    noise = np.random.default_rng([person, k, len(contrast), contrast == "T1w"]).integers(1, 250, SHAPE)
    return (noise * 200).astype(np.uint16) if deep else noise.astype(np.uint8)


def put(root: Path, name: str, pixels: np.ndarray) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".npy"):
        np.save(root / name, pixels)
    else:
        Pillow.fromarray(pixels).save(root / name)


def lay(root: Path, form: str, people: tuple[int, ...] = (19, 26), n: int = 5, **more: bool) -> Path:
    for contrast in ("T1w", "T2w"):
        for person in people:
            for k in range(n):
                put(root, form.format(c=contrast, p=person, k=k), plane(person, k, contrast, **more))
    return root


FORMS = [
    "{c}/patient{p}_slice{k:03}.png",
    "{c}/patient{p}_slice_{k}.png",
    "{c}/patient{p}-sl{k}.png",
    "{c}/patient{p}_z{k:03}.png",
    "{c}/patient{p}_frame{k}.jpg",
    "{c}/patient{p}_img{k}.png",
    "{c}/patient{p}_image-{k}.png",
    "{c}/patient{p}#{k}.png",
    "{c}/patient{p}_{k:03}.png",
    "{c}/{p}_{k:03}.png",
    "{c}/{p}_{k:03}.npy",
    "{c}/patient{p}/{k:03}.png",
    "{c}/train/patient{p}_slice{k}.png",
    "mine/{c}/patient{p}_slice{k}.png",
    "patient{p}_{c}_slice{k}.png",
    "patient{p}/{c}_{k}.png",
    "patient{p}/{c}/slice{k}.png",
    "a_set/patient{p}/{c}/{k}.png",
    "{c}/patient{p}/IM-0001-00{k:02}.png",
    "{c}/patient_{p}/axial/{k:03}.png",
    "{c}/{p}/series2/{k:03}.png",
    "{c}/{p}_img_0001_{k:04}.png",
]


@pytest.mark.parametrize("form", FORMS)
def test_two_people_in_forty_slices_are_two_cases_of_two_people(form: str, tmp_path: Path) -> None:
    pairs = pair(find_scans(lay(tmp_path, form, n=10)))
    assert {identity(p.subject) for p in pairs.pairs} == {"19", "26"}
    assert (len(pairs.pairs), pairs.faults) == (2, ())
    assert read_case(pairs.pairs[0]).source["T1w"].data.shape == (SHAPE[1], SHAPE[0], 10)
    with pytest.raises(InputError, match="2 subjects leave nobody"):
        split(pairs.pairs)


@pytest.mark.parametrize("form", FORMS)
def test_no_person_is_on_two_sides_of_a_split_of_slices(form: str, tmp_path: Path) -> None:
    scans = find_scans(lay(tmp_path, form, people=tuple(range(1, 11)), n=2)).scans
    made = split(scans, (0.6, 0.2, 0.2))
    sides = [{identity(who) for who in part} for part in made.parts.values()]
    assert [len(side) for side in sides] == [6, 2, 2]
    assert len(set.union(*sides)) == 10


@pytest.mark.parametrize("deep", [False, True])
def test_slices_are_stacked_by_number_with_their_pixels_as_they_are(deep: bool, tmp_path: Path) -> None:
    lay(tmp_path, "{c}/patient{p}_slice{k}.png", n=12, deep=deep)
    scan = next(s for s in find_scans(tmp_path).scans if s.subject == "patient26" and s.contrast == "T2w")
    data = read_scan(scan).data
    assert data.dtype == (np.uint16 if deep else np.uint8)
    for k in range(12):  # slice10 comes after slice9, not after slice1
        assert np.array_equal(data[:, :, k], plane(26, k, "T2w", deep).T)


def test_only_slices_that_all_contrasts_have_are_paired_and_the_rest_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "{c}/patient{p}_slice{k}.png")
    (tmp_path / "T1w" / "patient19_slice0.png").unlink()
    (tmp_path / "T2w" / "patient19_slice4.png").unlink()
    pairs = pair(find_scans(tmp_path))
    case = read_case(pairs.pairs[0])
    for contrast, image in (("T1w", case.source["T1w"]), ("T2w", case.target["T2w"])):
        assert np.array_equal(image.data, np.stack([plane(19, k, contrast).T for k in (1, 2, 3)], axis=2))
    ((file, said),) = pairs.faults
    assert file.name == "patient19_slice4.png"
    assert "2 slices lack a partner" in said


def test_a_slice_that_is_there_twice_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "{c}/patient{p}_slice{k}.png")
    put(tmp_path, "T1w/patient19_slice002.png", plane(1, 1, "T1w"))
    ((file, said),) = find_scans(tmp_path).faults
    assert "slice 2 a second time" in said
    assert file.parent.name == "T1w"


@pytest.mark.parametrize(
    "form",
    [
        "{c}/{k:03}.png",
        "{c}/slice_{k}.png",
        "{c}/scan_{k:03}.png",
        "train/{c}/img{k}.png",
        "{c}/{k}.npy",
        "{c}/IM-0001-{k:04}.png",
    ],
)
def test_pictures_of_nobody_are_paired_by_name_but_never_split(form: str, tmp_path: Path) -> None:
    pairs = pair(find_scans(lay(tmp_path, form, people=(7,), n=20)))
    assert len(pairs.pairs) == 20
    assert all(p.anonymous for p in pairs.pairs)
    for divide in (split, folds, leave_one_site_out):
        with pytest.raises(InputError, match=r"whose 20 single pictures.*folder per person"):
            divide(pairs.pairs)


def test_one_picture_per_named_person_is_that_person(tmp_path: Path) -> None:
    scans = find_scans(lay(tmp_path, "sub-{p:02}_{c}.png", people=tuple(range(1, 11)), n=1)).scans
    assert not any(s.anonymous or s.slices for s in scans)
    assert sum(len(who) for who in split(scans).parts.values()) == 10


def test_slices_as_nifti_are_visits_of_their_person(tmp_path: Path) -> None:
    for p in (1, 2):
        for k in (3, 4):
            (tmp_path / f"patient{p}_slice{k:03}_T1w.nii.gz").write_bytes(b"not read")
    scans = find_scans(tmp_path).scans
    assert [(s.subject, s.session) for s in scans] == [(f"patient{p}", f"slice{k}") for p in (1, 2) for k in (3, 4)]


def test_names_that_only_look_like_slices_stay_people(tmp_path: Path) -> None:
    for name in ("Z01_T1w", "Z02_T1w", "img003_T1w", "patient_4_T1w", "IXI5-T1w"):
        (tmp_path / f"{name}.nii.gz").write_bytes(b"not read")
    assert len({s.subject for s in find_scans(tmp_path).scans}) == 5


def test_a_subject_with_four_visits_is_one_subject(tmp_path: Path) -> None:
    names = [f"sub-{p:02}_ses-{v}_{c}.nii.gz" for p in range(1, 8) for v in range(1, 5) for c in ("T1w", "T2w")]
    for name in names:
        (tmp_path / name).write_bytes(b"not read")
    scans = find_scans(tmp_path).scans
    assert len(scans) == 56
    assert [len(who) for who in split(scans).parts.values()] == [5, 1, 1]


@pytest.mark.parametrize("name", ["patient19_slice040", "sub-19_slice-2", "19 frame 7", "patient19#3"])
def test_the_number_of_a_slice_is_no_part_of_an_identity(name: str) -> None:
    assert identity(name) == "19"


def test_the_list_keeps_slices_order_and_anonymity(tmp_path: Path) -> None:
    pairs = pair(find_scans(lay(tmp_path / "scans", "{c}/patient{p}_slice{k}.png", n=11)))
    write_pairs(pairs, tmp_path / "list", progress=lambda name: None)
    again = read_pairs(tmp_path / "list")
    for one, other in zip(again.pairs, pairs.pairs, strict=True):
        assert np.array_equal(read_case(one).source["T1w"].data, read_case(other).source["T1w"].data)
        assert sha256_scan(one.source["T1w"]) == sha256_scan(other.source["T1w"])
    nobody = pair(find_scans(lay(tmp_path / "lone", "{c}/{k}.png", n=3)))
    write_pairs(nobody, tmp_path / "of nobody", progress=lambda name: None)
    assert all(p.anonymous for p in read_pairs(tmp_path / "of nobody").pairs)


def test_copies_of_slices_are_volumes(tmp_path: Path) -> None:
    pairs = pair(find_scans(lay(tmp_path / "scans", "{c}/patient{p}_slice{k}.png")))
    write_pairs(pairs, tmp_path / "list", copy=True, progress=lambda name: None)
    case = read_case(read_pairs(tmp_path / "list").pairs[0])
    assert np.array_equal(case.target["T2w"].data[:, :, 3], plane(19, 3, "T2w").T)


def people(n: int, site: str | None = None, **more: str) -> list[Scan]:
    return [Scan(Path(f"{site}{k}"), f"{site}{k}", None, "T1w", site=site, **more) for k in range(n)]  # type: ignore[arg-type]


def test_folds_and_sites_say_that_val_is_empty_and_fill_it_from_train_if_asked(tmp_path: Path) -> None:
    cases = [*people(10, "Nord"), *people(10, "Sud")]
    for made in (folds(cases, 5), leave_one_site_out(cases)):
        assert all("val is empty" in one.how for one in made)
    for made, n in ((folds(cases, 5, val=0.25), 4), (leave_one_site_out(cases, val=0.2), 2)):
        for one in made:
            assert len(one.parts["val"]) == n
            everyone = [who for part in one.parts.values() for who in part]
            assert sorted(everyone) == sorted(case.subject for case in cases)
        write_splits(made, tmp_path / "split.json")
        assert read_splits(tmp_path / "split.json") == made


def test_val_keeps_spellings_of_a_person_together() -> None:
    cases = [Scan(Path(name), name, None, "T1w") for k in range(1, 9) for name in (f"sub-{k:02}", f"{k}")]
    for one in folds(cases, 4, val=0.5):
        assert {identity(w) for w in one.parts["val"]}.isdisjoint({identity(w) for w in one.parts["train"]})
        assert len(one.parts["val"]) == 6


@pytest.mark.parametrize(("val", "error"), [(1.0, UsageError), (-0.1, UsageError), (0.01, InputError)])
def test_shares_that_leave_nobody_for_val_are_refused(val: float, error: type[Exception]) -> None:
    with pytest.raises(error):
        folds(people(6, "Nord"), 3, val=val)


def test_relatives_in_a_data_set_are_told_in_the_split(tmp_path: Path) -> None:
    for n in range(10):
        for c in ("T1w", "T2w"):
            file = tmp_path / f"{100300 + n}" / "T1w" / f"{c}_acpc_dc_restore.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"not read")
    scans = find_scans(tmp_path).scans
    for made in (split(scans), *folds(scans, 2)):
        assert "twins" in made.how
        assert "Family_ID" in made.how
    assert "twins" not in split(people(10, "Nord")).how


def test_several_series_of_a_person_are_never_several_people(tmp_path: Path) -> None:
    lay(tmp_path, "{c}/patient_{p}/series{k}/left_{k}.png", people=tuple(range(1, 11)))
    scans = find_scans(tmp_path).scans
    assert {identity(s.subject) for s in scans} == {str(n) for n in range(1, 11)}
