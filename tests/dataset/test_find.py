"""Names alone say whose a scan is, when it was taken and what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.dataset.find import LAYOUTS, find_scans
from spinloom.dataset.find_names import identity, said_by
from spinloom.dataset.layouts_found import PUBLISHED

LAID_OUT = {
    "BIDS, two visits, contrast agent": (
        "BIDS",
        {
            "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz": ("sub-01", "a", "T1w"),
            "sub-01/ses-a/anat/sub-01_ses-a_ce-gd_T1w.nii.gz": ("sub-01", "a", "T1ce"),
            "sub-01/ses-b/anat/sub-01_ses-b_acq-hi_T2w.nii": ("sub-01", "b", "T2w"),
            "sub-01/ses-a/func/sub-01_ses-a_task-rest_bold.nii.gz": None,
        },
    ),
    "one folder per subject": (
        "plain",
        {
            "p1/t1.nii.gz": ("p1", None, "T1w"),
            "p1/T2_FLAIR.nii": ("p1", None, "FLAIR"),
            "p2/t1.nii.gz": ("p2", None, "T1w"),
            "p2/brain_mask.nii.gz": ("p2", None, "mask"),
        },
    ),
    "subject and visit in the name": (
        "plain",
        {
            "patient12_study1_T1W.nii.gz": ("patient12", "1", "T1w"),
            "patient12_study2_T2W.nii.gz": ("patient12", "2", "T2w"),
            "sub01_ct.nii.gz": ("sub01", None, "CT"),
        },
    ),
    "one folder per contrast, equal names": (
        "plain",
        {"T1/a.png": ("a", None, "T1w"), "T2/a.png": ("a", None, "T2w"), "T2/b.png": ("b", None, "T2w")},
    ),
    "A and B": (
        "plain",
        {
            "A/1.png": ("1", None, "A"),
            "A/2.png": ("2", None, "A"),
            "B/1.png": ("1", None, "B"),
            "B/3.png": ("3", None, "B"),
        },
    ),
    "contrasts nobody has heard of": (
        "plain",
        {
            **{f"s{n}/low.nii": (f"s{n}", None, "low") for n in (1, 2, 3)},
            **{f"s{n}/high.nii": (f"s{n}", None, "high") for n in (1, 2, 3)},
        },
    ),
    "SynthRAD2023": (
        "SynthRAD2023",
        {
            "Task1/brain/1BA001/mr.nii.gz": ("1BA001", None, "MR", "centre A"),
            "Task1/brain/1BA001/ct.nii.gz": ("1BA001", None, "CT", "centre A"),
            "Task2/pelvis/2PC033/cbct.nii.gz": ("2PC033", None, "CBCT", "centre C"),
            "Task2/pelvis/2PC033/mask.nii.gz": ("2PC033", None, "mask", "centre C"),
        },
    ),
    "SynthRAD2025": (
        "SynthRAD2025",
        {
            "Task1/HN/1HNA001/mr.mha": ("1HNA001", None, "MR", "centre A"),
            "Task1/HN/1HNA001/ct.mha": ("1HNA001", None, "CT", "centre A"),
        },
    ),
    "IXI": (
        "IXI",
        {
            "IXI-T1/IXI002-Guys-0828-T1.nii.gz": ("IXI002", None, "T1w", "Guys"),
            "IXI-T2/IXI002-Guys-0828-T2.nii.gz": ("IXI002", None, "T2w", "Guys"),
            "IXI-PD/IXI025-HH-1234-PD.nii.gz": ("IXI025", None, "PDw", "HH"),
            "IXI-MRA/IXI002-Guys-0828-MRA.nii.gz": None,
        },
    ),
    "BraTS of three years": (
        "BraTS",
        {
            "BraTS2021_00000/BraTS2021_00000_t1ce.nii.gz": ("BraTS2021_00000", None, "T1ce"),
            "BraTS2021_00000/BraTS2021_00000_seg.nii.gz": ("BraTS2021_00000", None, "dseg"),
            "BraTS-GLI-00002-000/BraTS-GLI-00002-000-t1n.nii.gz": ("BraTS-GLI-00002", "000", "T1w"),
            "BraTS-GLI-00002-001/BraTS-GLI-00002-001-t2f.nii.gz": ("BraTS-GLI-00002", "001", "FLAIR"),
            "HGG/Brats18_2013_0_1/Brats18_2013_0_1_t2.nii.gz": ("Brats18_2013_0_1", None, "T2w"),
        },
    ),
    "HCP": (
        "HCP",
        {
            "100610/T1w/T1w_acpc_dc_restore.nii.gz": ("100610", None, "T1w"),
            "100610/T1w/T2w_acpc_dc_restore.nii.gz": ("100610", None, "T2w"),
            "100610/MNINonLinear/T1w_restore.1.60.nii": ("100610", None, "T1wMNI1.6mm"),
        },
    ),
    "MRBrainS18, bias-corrected copies only": (
        "MRBrainS",
        {
            "1/pre/reg_T1.nii.gz": ("1", None, "T1w"),
            "1/pre/FLAIR.nii.gz": ("1", None, "FLAIR"),
            "1/segm.nii.gz": ("1", None, "dseg"),
            "1/orig/FLAIR.nii.gz": None,
        },
    ),
    "HCP, the whole structural package": (
        "HCP",
        {
            "100307/T1w/T1w_acpc_dc_restore.nii.gz": ("100307", None, "T1w"),
            "100307/T1w/T2w_acpc_dc_restore.nii.gz": ("100307", None, "T2w"),
            "100307/T1w/T1w_acpc_dc.nii.gz": ("100307", None, "T1wBiased"),
            "100307/T1w/T1w_acpc_dc_restore_brain.nii.gz": ("100307", None, "T1wBrain"),
            "100307/T1w/brainmask_fs.nii.gz": ("100307", None, "mask"),
            "100307/T1w/aparc+aseg.nii.gz": ("100307", None, "dseg"),
            "100307/T1w/ribbon.nii.gz": None,
            "100307/T1w/T1wDividedByT2w.nii.gz": None,
            "100307/T1w/Native/100307.native.nii.gz": None,
            "100307/T1w/100307/mri/T1.mgz.nii.gz": None,
            "100307/MNINonLinear/T1w_restore.nii.gz": ("100307", None, "T1wMNI"),
            "100307/MNINonLinear/T2w_restore.2.nii.gz": ("100307", None, "T2wMNI2mm"),
            "100307/MNINonLinear/brainmask_fs.nii.gz": ("100307", None, "maskMNI"),
            "100307/MNINonLinear/wmparc.nii.gz": None,
            "100307/MNINonLinear/xfms/acpc_dc2standard.nii.gz": None,
            "100307/MNINonLinear/ROIs/ROIs.2.nii.gz": None,
            "100307/unprocessed/3T/T1w_MPR1/100307_3T_T1w_MPR1.nii.gz": ("100307", None, "T1wUnprocessed"),
            "100307/unprocessed/3T/T1w_MPR1/100307_3T_AFI.nii.gz": None,
            "100307/unprocessed/3T/T1w_MPR1/100307_3T_BIAS_32CH.nii.gz": None,
            "100307/unprocessed/3T/T1w_MPR1/100307_3T_FieldMap_Magnitude.nii.gz": None,
            "100307/unprocessed/3T/T2w_SPC1/100307_3T_T2w_SPC1.nii.gz": ("100307", None, "T2wUnprocessed"),
        },
    ),
    "HCP, unprocessed only": (
        "HCP",
        {
            "100408/unprocessed/3T/T1w_MPR1/100408_3T_T1w_MPR1.nii.gz": ("100408", None, "T1wUnprocessed"),
            "100408/unprocessed/3T/T1w_MPR2/100408_3T_T1w_MPR2.nii.gz": ("100408", None, "T1wUnprocessed2"),
            "100408/unprocessed/3T/T2w_SPC1/100408_3T_BIAS_BC.nii.gz": None,
        },
    ),
    "MRBrainS18, training and test as downloaded": (
        "MRBrainS",
        {
            **{f"training/{n}/pre/reg_T1.nii.gz": (n, None, "T1w") for n in ("1", "070")},
            **{f"training/{n}/pre/reg_IR.nii.gz": (n, None, "T1IR") for n in ("1", "070")},
            **{f"training/{n}/pre/FLAIR.nii.gz": (n, None, "FLAIR") for n in ("1", "070")},
            **{f"training/{n}/segm.nii.gz": (n, None, "dseg") for n in ("1", "070")},
            **{f"training/{n}/orig/{c}.nii.gz": None for n in ("1", "070") for c in ("T1", "IR", "FLAIR", "reg_T1")},
            "test/2/pre/reg_T1.nii.gz": ("test-2", None, "T1w"),
        },
    ),
    "MRBrainS13 as MetaImages": (
        "MRBrainS",
        {
            "TrainingData/1/T1.mhd": ("1", None, "T1w"),
            "TrainingData/1/T1_1mm.mhd": ("1", None, "T1w1mm"),
            "TrainingData/1/T1_IR.mhd": ("1", None, "T1IR"),
            "TrainingData/1/T2_FLAIR.mhd": ("1", None, "FLAIR"),
            "TrainingData/1/LabelsForTraining.mhd": ("1", None, "dseg"),
            "TrainingData/1/LabelsForTesting.mhd": ("1", None, "dsegMerged"),
            "TestData/1/T1.mhd": ("TestData-1", None, "T1w"),
        },
    ),
    "IXI, all modalities": (
        "IXI",
        {
            "IXI-T1/IXI002-Guys-0828-T1.nii.gz": ("IXI002", None, "T1w", "Guys"),
            "IXI-MRA/IXI002-Guys-0828-MRA.nii.gz": None,
            **{f"IXI-DTI/IXI002-Guys-0828-DTI-{n:02}.nii.gz": None for n in range(16)},
        },
    ),
    "BraTS for radiotherapy": (
        "BraTS",
        {
            "BraTS-MEN-RT-0000-1/BraTS-MEN-RT-0000-1_t1c.nii.gz": ("BraTS-MEN-RT-0000", "1", "T1ce"),
            "BraTS-MEN-RT-0000-1/BraTS-MEN-RT-0000-1_gtv.nii.gz": ("BraTS-MEN-RT-0000", "1", "dseg"),
            "BraTS-MEN-RT-0000-2/BraTS-MEN-RT-0000-2_t1c.nii.gz": ("BraTS-MEN-RT-0000", "2", "T1ce"),
        },
    ),
    "SynthRAD2023 with its overviews": (
        "SynthRAD2023",
        {
            "Task1/brain/1BA001/mr.nii.gz": ("1BA001", None, "MR", "centre A"),
            **{f"Task1/brain/overview/1BA00{n}_train.png": None for n in range(1, 6)},
        },
    ),
    "folders of treatment are nobody": (
        "plain",
        {
            **{f"anna/{f}/t1.nii.gz": ("anna", None, "T1w") for f in ("orig", "pre", "unprocessed", "3T")},
            "bert/MNINonLinear/t1.nii.gz": ("bert", None, "T1w"),
        },
    ),
    "MRBrainS13": (
        "MRBrainS",
        {
            "5/T1.nii": ("5", None, "T1w"),
            "5/T1_IR.nii": ("5", None, "T1IR"),
            "5/T2_FLAIR.nii": ("5", None, "FLAIR"),
        },
    ),
}  # fmt: skip


def lay_out(root: Path, names: object) -> Path:
    for name in names:  # type: ignore[attr-defined]
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not read")
    return root


@pytest.mark.parametrize("case", LAID_OUT)
def test_every_layout_says_whose_when_what_and_where(case: str, tmp_path: Path) -> None:
    layout, files = LAID_OUT[case]
    found = find_scans(lay_out(tmp_path, files))
    got = {s.path.relative_to(tmp_path).as_posix(): (s.subject, s.session, s.contrast, s.site) for s in found.scans}
    want = {name: (*said, None)[:4] for name, said in files.items() if said}
    assert (found.layout, got) == (layout, want)
    assert found.left == sum(said is None for said in files.values())


@pytest.mark.parametrize("case", LAID_OUT)
def test_the_order_of_the_scans_is_that_of_the_names(case: str, tmp_path: Path) -> None:
    scans = find_scans(lay_out(tmp_path, LAID_OUT[case][1])).scans
    assert list(scans) == sorted(scans, key=lambda s: (s.subject, s.session or "", s.contrast, str(s.path)))


def test_ct_is_in_hounsfield_units_and_masks_are_labels(tmp_path: Path) -> None:
    found = find_scans(lay_out(tmp_path, ["1BA001/ct.nii.gz", "1BA001/mr.nii.gz", "1BA001/mask.nii.gz"]))
    assert {s.contrast: s.quantity for s in found.scans} == {
        "CT": Quantity.HU,
        "MR": Quantity.SIGNAL,
        "mask": Quantity.LABEL,
    }


def test_bids_sites_and_licence_come_from_its_tables(tmp_path: Path) -> None:
    lay_out(tmp_path, ["sub-1/anat/sub-1_T1w.nii", "sub-2/anat/sub-2_T1w.nii"])
    (tmp_path / "participants.tsv").write_text("participant_id\tage\tsite_id\nsub-1\t3\tNord\nsub-2\t4\tn/a\n")
    (tmp_path / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0", "License": "CC0"}')
    found = find_scans(tmp_path)
    assert [s.site for s in found.scans] == ["Nord", None]
    assert (found.licence, found.faults) == ("CC0", ())


def test_damaged_bids_tables_are_faults_and_the_scans_are_found_all_the_same(tmp_path: Path) -> None:
    lay_out(tmp_path, ["sub-1/anat/sub-1_T1w.nii"])
    (tmp_path / "participants.tsv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "dataset_description.json").write_text("{")
    found = find_scans(tmp_path)
    assert len(found.scans) == 1
    assert {file.name for file, _ in found.faults} == {"participants.tsv", "dataset_description.json"}


def test_a_derivative_never_doubles_a_raw_scan(tmp_path: Path) -> None:
    raw, again, new = (
        "sub-1/anat/sub-1_T1w.nii",
        "derivatives/x/sub-1/anat/sub-1_desc-n4_T1w.nii",
        "derivatives/x/sub-1/anat/sub-1_desc-brain_mask.nii",
    )
    found = find_scans(lay_out(tmp_path, [raw, again, new]))
    assert {s.path.relative_to(tmp_path).as_posix() for s in found.scans} == {raw, new}


def test_dicom_files_of_a_folder_are_one_scan(tmp_path: Path) -> None:
    lay_out(tmp_path, [f"s1/ses-{v}/T1/IM{n}.dcm" for v in (1, 2) for n in range(3)])
    found = find_scans(tmp_path)
    assert [(s.path.name, s.subject, s.session, s.contrast) for s in found.scans] == [
        ("T1", "s1", "1", "T1w"),
        ("T1", "s1", "2", "T1w"),
    ]


def test_dicom_files_without_a_suffix_are_known_by_their_mark(tmp_path: Path) -> None:
    (tmp_path / "s1" / "T2").mkdir(parents=True)
    (tmp_path / "s1" / "T2" / "0001").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "s1" / "T2" / "README").write_bytes(b"hello")
    assert [(s.subject, s.contrast) for s in find_scans(tmp_path).scans] == [("s1", "T2w")]


def test_slices_in_a_subjects_contrast_folder_are_one_scan(tmp_path: Path) -> None:
    lay_out(tmp_path, [f"s1/{c}/{n:03}.png" for c in ("T1", "T2") for n in range(3)])
    assert [(s.path.name, s.subject) for s in find_scans(tmp_path).scans] == [("T1", "s1"), ("T2", "s1")]


def test_a_name_without_a_contrast_is_a_fault_with_a_remedy(tmp_path: Path) -> None:
    found = find_scans(lay_out(tmp_path, ["sub01_T1w.nii", "holiday.jpg"]))
    assert len(found.scans) == 1
    ((file, fault),) = found.faults
    assert file.name == "holiday.jpg"
    assert "sub01_T1w.nii.gz" in fault


def test_what_is_excluded_is_not_there(tmp_path: Path) -> None:
    lay_out(tmp_path, ["sub-1/anat/sub-1_run-1_T1w.nii", "sub-1/anat/sub-1_run-2_T1w.nii"])
    assert [s.path.name for s in find_scans(tmp_path, exclude=["*run-2*"]).scans] == ["sub-1_run-1_T1w.nii"]


def test_how_many_files_a_published_layout_passes_over_is_said_in_one_line(tmp_path: Path) -> None:
    (note,) = find_scans(lay_out(tmp_path, LAID_OUT["IXI, all modalities"][1])).notes
    assert note.startswith("17 of 18 image files are passed over")


def test_people_of_one_number_in_training_and_test_data_stay_apart(tmp_path: Path) -> None:
    scans = find_scans(lay_out(tmp_path, LAID_OUT["MRBrainS13 as MetaImages"][1])).scans
    assert {identity(s.subject) for s in scans} == {"1", "testdata1"}
    assert {s.contrast for s in scans if s.quantity is Quantity.LABEL} == {"dseg", "dsegMerged"}


def test_a_bids_set_of_one_published_name_more_is_bids(tmp_path: Path) -> None:
    raw = [f"sub-{n:02}/anat/sub-{n:02}_T1w.nii.gz" for n in range(10)]
    assert find_scans(lay_out(tmp_path, [*raw, "IXI002-Guys-0828-T1.nii.gz"])).layout == "BIDS"


def test_numbered_folders_with_t1_alone_are_not_taken_for_mrbrains(tmp_path: Path) -> None:
    lay_out(tmp_path, [f"{n}/{c}.nii.gz" for n in (1, 2) for c in ("T1", "T2_FLAIR", "segm")])
    assert find_scans(tmp_path).layout == "plain"


def test_pictures_with_names_of_bids_are_found(tmp_path: Path) -> None:
    lay_out(tmp_path, [f"sub-0{n}_{c}.png" for n in (1, 2) for c in ("T1w", "T2w")])
    assert [s.subject for s in find_scans(tmp_path).scans] == ["sub-01", "sub-01", "sub-02", "sub-02"]


def test_a_layout_can_be_asked_for(tmp_path: Path) -> None:
    lay_out(tmp_path, ["1/T1.nii", "1/T1_IR.nii"])
    assert find_scans(tmp_path).layout == "MRBrainS"
    assert find_scans(tmp_path, LAYOUTS["plain"]).layout == "plain"


@pytest.mark.parametrize("names", [[], ["notes.txt"], ["holiday.jpg"]])
def test_a_folder_without_scans_is_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError):
        find_scans(lay_out(tmp_path, names))


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_scans(tmp_path / "gone")


def test_hidden_files_and_leftovers_are_passed_over(tmp_path: Path) -> None:
    lay_out(tmp_path, ["sub01_T1w.nii", "._sub01_T1w.nii", ".spinloom-tmp-1-ab-sub02_T1w.nii", ".git/x_T1.nii"])
    assert [s.path.name for s in find_scans(tmp_path).scans] == ["sub01_T1w.nii"]


def test_a_picture_beside_its_volume_is_no_scan(tmp_path: Path) -> None:
    lay_out(tmp_path, ["sub01_T1w.nii.gz", "sub01_T1w.png", "sub01_T1w.json", "sub02_T1w.png"])
    assert [s.path.name for s in find_scans(tmp_path).scans] == ["sub01_T1w.nii.gz", "sub02_T1w.png"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sub-01", "01"),
        ("sub-01", "1"),
        ("patient_007", "Patient7"),
        ("IXI002-Guys-0828-T1", "IXI002-Guys-0828-T2"),
        ("IXI002", "ixi-002".replace("-", "")),
        ("BraTS2021_00000", "brats2021_00000"),
        ("sub-A01", "A01"),
    ],
)
def test_spellings_of_one_person_are_one_identity(one: str, other: str) -> None:
    assert identity(one) == identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("sub-01", "sub-10"), ("A01", "B01"), ("1BA001", "1BB001"), ("IXI002", "IXI012"), ("BraTS20_1", "BraTS2_01")],
)
def test_people_with_other_letters_or_numbers_stay_apart(one: str, other: str) -> None:
    assert identity(one) != identity(other)


def test_a_mask_of_a_t1_is_a_mask() -> None:
    assert said_by("sub01_T1_brain_mask").contrast == "mask"


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda p: p.name)
def test_published_sets_say_where_they_come_from_and_where_their_terms_stand(published: object) -> None:
    for text in (published.terms, published.source):  # type: ignore[attr-defined]
        assert re.search(r"https://\S+", text)
    assert re.search(r"\(\d{4}\)|\d{4}, \d+|https://", published.citation)  # type: ignore[attr-defined]
