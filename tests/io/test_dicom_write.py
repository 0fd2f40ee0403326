"""A derived series lies where the image lies, holds its numbers, says that it is synthetic, and not whose it was."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from spinloom.core.affine import to_ras, voxel_sizes_mm
from spinloom.core.errors import InputError, MachineError, SpinloomError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.io.dicom import list_series, read_series
from spinloom.io.dicom_write import MadeBy, write_series

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

REAL = Path(__file__).parents[3] / "shared" / "data" / "dicom"
MODEL = MadeBy("residual-unet", "0.3", "9f" * 32)
SHAPE = (6, 5, 4)


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """About the three axes, in degrees."""
    (a, b, c), (p, q, r) = np.cos(np.radians([x, y, z])), np.sin(np.radians([x, y, z]))
    return (
        np.array([[1, 0, 0], [0, a, -p], [0, p, a]])
        @ np.array([[b, 0, q], [0, 1, 0], [-q, 0, b]])
        @ np.array([[c, -r, 0], [r, c, 0], [0, 0, 1]])
    )


def affine(linear: np.ndarray, origin: tuple[float, float, float] = (-80.25, 31.5, -12.125)) -> np.ndarray:
    A = np.eye(4)
    A[:3, :3], A[:3, 3] = linear, origin
    return A


SIZES = np.diag([0.9, 1.1, 2.5])
TILT = np.array([[1, 0, 0], [0, 1, np.tan(np.radians(18))], [0, 0, 1.0]])
AFFINES = {
    "RAS": affine(SIZES),
    "LPS": affine(np.diag([-1, -1, 1]) @ SIZES),
    "LAS, left-handed": affine(np.diag([-1, 1, 1]) @ SIZES),
    "RAI, left-handed": affine(np.diag([1, 1, -1]) @ SIZES),
    "ASR": affine(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]) @ SIZES),
    "SRA, left-handed": affine(np.array([[0, 1, 0], [0, 0, -1], [1, 0, 0]]) @ SIZES),
    "oblique": affine(rotation(12, -25, 40) @ SIZES),
    "oblique, left-handed": affine(rotation(-33, 8, 71) @ SIZES @ np.diag([1, -1, 1])),
    "tilted": affine(np.diag([-1, -1, 1]) @ TILT @ SIZES),
    "tilted, left-handed": affine(np.diag([1, -1, 1]) @ TILT @ SIZES),
}
needs_no_tilt = [name for name in AFFINES if "tilted" not in name]


def hounsfield(A: np.ndarray = AFFINES["LPS"], shape: tuple[int, int, int] = SHAPE) -> Image:
    """HU from -1024 to 3000, every voxel its own."""
    data = np.linspace(-1024, 3000, int(np.prod(shape))).round().astype(np.int16).reshape(shape)
    return Image(data, A, Quantity.HU)


def canonical(data: np.ndarray, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same voxels in the order of RAS: two descriptions of one image become equal."""
    values, ordered = to_ras(data, A)
    return np.asarray(values), ordered


def assert_same(image: Image, data: np.ndarray, A: np.ndarray, mm: float = 1e-6) -> None:
    ours, theirs = canonical(image.data, image.affine), canonical(data, A)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], atol=mm)


def headers(folder: Path) -> list[Any]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def source(folder: Path, n: int = 4, *, axis: int = 2, **given: Any) -> Path:
    """A CT as a scanner may have written it, slices across one axis of the patient."""
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    folder.mkdir(parents=True)
    along = {2: [1, 0, 0, 0, 1, 0], 1: [1, 0, 0, 0, 0, -1], 0: [0, 1, 0, 0, 0, -1]}[axis]
    for k in range(n):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{k}"
        d = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        d.SOPClassUID, d.SOPInstanceUID, d.Modality = CTImageStorage, f"1.2.3.4.{k}", "CT"
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "1.2.3", "1.2.3.9", "1.2.3.8"
        d.PatientPosition, d.SeriesNumber, d.ImageType = "HFS", 7, ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = 8, 7, 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.RescaleSlope, d.RescaleIntercept = 1, -1024
        d.PixelSpacing, d.SliceThickness, d.ImageOrientationPatient = [1.25, 0.75], 2.5, along
        d.ImagePositionPatient = [2.5 * k if a == axis else -3.0 for a in range(3)]
        for tag, value in given.items():
            setattr(d, tag, value)
        d.PixelData = np.full((8, 7), 100 + k, np.int16).tobytes()
        d.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


# --- where it lies, and its numbers ---


@pytest.mark.filterwarnings("ignore:.*the gantry was tilted")
@pytest.mark.parametrize("orientation", AFFINES)
def test_every_HU_is_read_again_where_it_was(tmp_path: Path, orientation: str) -> None:
    image = hounsfield(AFFINES[orientation])
    write_series(image, tmp_path / "out", like=None)
    again = read_series(tmp_path / "out")
    assert again.quantity is Quantity.HU
    assert again.data.dtype == np.int16
    assert_same(image, again.data, again.affine)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("orientation", needs_no_tilt)
def test_slices_follow_the_source_and_nothing_moves(tmp_path: Path, orientation: str, axis: int) -> None:
    image = hounsfield(AFFINES[orientation])
    write_series(image, tmp_path / "out", like=source(tmp_path / "ct", axis=axis))
    again = read_series(tmp_path / "out")
    assert_same(image, again.data, again.affine)
    cosines = again.affine[:3, :3] / voxel_sizes_mm(again.affine)
    closest = np.abs((image.affine[:3, :3] / voxel_sizes_mm(image.affine))[axis]).max()
    assert abs(cosines[axis, 2]) == pytest.approx(closest)


def test_an_image_on_the_grid_of_its_source_is_read_again_with_the_same_axes(tmp_path: Path) -> None:
    """Not only the same places: the same order of voxels."""
    for axis in range(3):
        read = read_series(source(tmp_path / f"ct{axis}", axis=axis))
        write_series(read, tmp_path / f"out{axis}", like=tmp_path / f"ct{axis}")
        again = read_series(tmp_path / f"out{axis}")
        np.testing.assert_array_equal(again.data, read.data)
        np.testing.assert_allclose(again.affine, read.affine, atol=1e-9)


@pytest.mark.parametrize("orientation", needs_no_tilt)
def test_SimpleITK_reads_the_same(tmp_path: Path, orientation: str) -> None:
    """Its points are LPS, its arrays (z, y, x)."""
    sitk = pytest.importorskip("SimpleITK")
    image = hounsfield(AFFINES[orientation])
    write_series(image, tmp_path / "out", like=None)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    read = reader.Execute()
    linear = np.array(read.GetDirection()).reshape(3, 3) * np.array(read.GetSpacing())
    A = np.diag([-1, -1, 1, 1]) @ affine(linear, read.GetOrigin())
    assert_same(image, sitk.GetArrayFromImage(read).transpose(2, 1, 0), A, mm=1e-4)


def dcm2niix(folder: Path, out: Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """The array, affine and side-car it makes; the untouched image first, where it also makes a corrected one."""
    binary = getattr(pytest.importorskip("dcm2niix", reason="dcm2niix is not installed"), "bin", None)
    assert binary is not None
    out.mkdir()
    subprocess.run([binary, "-f", "out", "-b", "y", "-o", str(out), str(folder)], check=True, capture_output=True)
    made = nib.load(out / "out.nii")
    return np.asanyarray(made.dataobj), made.affine, json.loads((out / "out.json").read_text())


@pytest.mark.parametrize("orientation", needs_no_tilt)
def test_dcm2niix_reads_the_same(tmp_path: Path, orientation: str) -> None:
    """Its affines are float32."""
    image = hounsfield(AFFINES[orientation])
    write_series(image, tmp_path / "out", like=None, model=MODEL)
    data, A, facts = dcm2niix(tmp_path / "out", tmp_path / "nii")
    assert_same(image, data, A, mm=1e-4)
    assert facts["Modality"] == "CT"
    assert facts["ImageType"][:2] == ["DERIVED", "SECONDARY"]
    assert "synthetic, research only" in facts["SeriesDescription"].replace("_", " ")


def test_dcm2niix_scales_a_map_as_it_is_stored(tmp_path: Path) -> None:
    data = np.random.default_rng(0).uniform(0, 4.5, SHAPE).astype(np.float32)
    write_series(Image(data, AFFINES["oblique"], Quantity.T1), tmp_path / "out", like=None)
    found, A, _ = dcm2niix(tmp_path / "out", tmp_path / "nii")
    ours, theirs = canonical(1000 * data, AFFINES["oblique"]), canonical(found, A)
    np.testing.assert_allclose(ours[0], theirs[0], atol=4500 / 32767)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)


def test_a_single_slice_keeps_its_thickness(tmp_path: Path) -> None:
    image = hounsfield(AFFINES["oblique"], (6, 5, 1))
    write_series(image, tmp_path / "out", like=None)
    again = read_series(tmp_path / "out")
    assert_same(image, again.data, again.affine)


def test_a_grid_without_right_angles_is_refused(tmp_path: Path) -> None:
    skewed = affine(np.array([[1, 0.3, 0.3], [0, 1, 0.3], [0, 0, 1]]))
    with pytest.raises(InputError, match="right angles"):
        write_series(hounsfield(skewed), tmp_path / "out", like=None)
    assert list(tmp_path.iterdir()) == []


# --- its scale ---


@pytest.mark.parametrize(("low", "high", "intercept"), [(-1024, 3071, -1024), (-32768, 31743, -1024), (-1, 32767, 0)])
def test_all_HU_of_16_bits_are_kept(tmp_path: Path, low: int, high: int, intercept: int) -> None:
    data = np.linspace(low, high, int(np.prod(SHAPE))).round().reshape(SHAPE)
    write_series(Image(data, AFFINES["LPS"], Quantity.HU), tmp_path / "out", like=None)
    d = headers(tmp_path / "out")[0]
    assert (float(d.RescaleSlope), float(d.RescaleIntercept), d.RescaleType) == (1, intercept, "HU")
    found = np.stack([h.pixel_array + float(h.RescaleIntercept) for h in headers(tmp_path / "out")])
    assert (found.min(), found.max()) == (low, high)


def test_HU_between_whole_numbers_are_rounded_and_it_is_said(tmp_path: Path) -> None:
    image = Image(np.full(SHAPE, -300.4, np.float32), AFFINES["LPS"], Quantity.HU)
    write_series(image, tmp_path / "out", like=None)
    assert read_series(tmp_path / "out").data.max() == -300
    assert "rounded to whole HU" in headers(tmp_path / "out")[0].DerivationDescription


@pytest.mark.parametrize(
    ("quantity", "data", "slope"),
    [
        (Quantity.SIGNAL, np.arange(np.prod(SHAPE)).reshape(SHAPE), 1.0),
        (Quantity.T2, np.arange(np.prod(SHAPE)).reshape(SHAPE) * 1e-4, 0.1),  # tenths of ms
        (Quantity.PD, np.linspace(0, 1, int(np.prod(SHAPE))).round(3).reshape(SHAPE).astype(np.float32), 0.001),
    ],
)
def test_values_that_were_rounded_before_are_kept_exactly(
    tmp_path: Path, quantity: Quantity, data: np.ndarray, slope: float
) -> None:
    unit = 1e-3 if quantity is Quantity.T2 else 1
    image = Image(data, AFFINES["LPS"], quantity)
    write_series(image, tmp_path / "out", like=None)
    d = headers(tmp_path / "out")[0]
    assert float(d.RescaleSlope) == slope
    assert "losslessly" in d.DerivationDescription
    np.testing.assert_allclose(canonical(*_read(tmp_path / "out"))[0] * unit, canonical(data, image.affine)[0], 2e-7)


def _read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    image = read_series(folder)
    return image.data, image.affine


def test_others_are_rounded_to_a_32767th_of_the_largest_and_nothing_stays_nothing(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    data[0] = 0
    write_series(Image(data, AFFINES["LPS"]), tmp_path / "out", like=None)
    found = canonical(*_read(tmp_path / "out"))[0]
    ours = canonical(data, AFFINES["LPS"])[0]
    np.testing.assert_allclose(found, ours, atol=0.51 * np.abs(data).max() / 32767)
    assert (found[ours == 0] == 0).all()
    assert "rounded to multiples of" in headers(tmp_path / "out")[0].DerivationDescription


def test_a_map_says_what_it_is_and_in_which_unit(tmp_path: Path) -> None:
    write_series(Image(np.full(SHAPE, 0.8), AFFINES["LPS"], Quantity.T1), tmp_path / "out", like=None)
    d = headers(tmp_path / "out")[0]
    assert list(d.ImageType) == ["DERIVED", "SECONDARY", "T1 MAP"]
    real = d.RealWorldValueMappingSequence[0]
    assert real.MeasurementUnitsCodeSequence[0].CodeValue == "ms"
    values = d.pixel_array * real.RealWorldValueSlope + real.RealWorldValueIntercept
    np.testing.assert_allclose(values, 800)
    assert not d.EchoTime


def test_times_of_a_signal_are_said_in_ms(tmp_path: Path) -> None:
    info = MappingProxyType({"TE": 0.09, "TR": 3.0, "FA": np.pi / 2})
    write_series(Image(np.ones(SHAPE), AFFINES["LPS"], Quantity.SIGNAL, info), tmp_path / "out", like=None)
    d = headers(tmp_path / "out")[0]
    assert (float(d.EchoTime), float(d.RepetitionTime), float(d.FlipAngle)) == (90, 3000, 90)
    assert read_series(tmp_path / "out").info["TE"] == pytest.approx(0.09)


# --- what it says ---


def test_it_says_in_every_file_that_it_is_synthetic_and_what_made_it(tmp_path: Path) -> None:
    write_series(hounsfield(), tmp_path / "out", like=source(tmp_path / "ct"), model=MODEL, description="sCT")
    for d in headers(tmp_path / "out"):
        assert d.SyntheticData == "YES"
        assert list(d.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert d.SeriesDescription == "sCT (synthetic, research only)"
        assert d.BurnedInAnnotation == "NO"
        assert "residual-unet 0.3" in d.DerivationDescription
        equipment = d.ContributingEquipmentSequence[0]
        assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
        assert (equipment.ManufacturerModelName, equipment.SoftwareVersions[0]) == ("residual-unet", "0.3")
        assert MODEL.weights_sha256 in equipment.ContributionDescription
        assert d["KVP"].value is None
    assert "synthetic, research only" in list_series(tmp_path / "out")[0].description


def test_it_overlays_its_source_and_names_the_slice_each_was_made_from(tmp_path: Path) -> None:
    image = read_series(source(tmp_path / "ct"))
    write_series(image, tmp_path / "out", like=tmp_path / "ct")
    before = {d.SOPInstanceUID: d for d in headers(tmp_path / "ct")}
    for d in headers(tmp_path / "out"):
        assert (d.StudyInstanceUID, d.FrameOfReferenceUID, d.PatientPosition) == ("1.2.3", "1.2.3.8", "HFS")
        assert d.SeriesInstanceUID.startswith("2.25.")
        (reference,) = d.SourceImageSequence
        assert list(before[reference.ReferencedSOPInstanceUID].ImagePositionPatient) == list(d.ImagePositionPatient)


def test_a_reformatted_slice_was_made_from_all(tmp_path: Path) -> None:
    skewed = affine(rotation(40, 0, 0) @ SIZES)
    write_series(hounsfield(skewed), tmp_path / "out", like=source(tmp_path / "ct"))
    assert {len(d.SourceImageSequence) for d in headers(tmp_path / "out")} == {4}


def test_frames_of_one_file_are_named_by_their_number(tmp_path: Path) -> None:
    """Stored from head to feet, written from feet to head."""
    from pydicom.dataset import Dataset

    (file,) = source(tmp_path / "ct", 1).iterdir()
    d = pydicom.dcmread(file)
    frames = []
    for z in (5.0, 2.5, 0.0):
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = [-3.0, -3.0, z]
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    d.NumberOfFrames, d.PerFrameFunctionalGroupsSequence, d.PixelData = 3, frames, d.PixelData * 3
    d.save_as(file)
    write_series(read_series(tmp_path / "ct"), tmp_path / "out", like=tmp_path / "ct")
    named = [d.SourceImageSequence for d in headers(tmp_path / "out")]
    assert [[(n.ReferencedSOPInstanceUID, n.ReferencedFrameNumber) for n in one] for one in named] == [
        [("1.2.3.4.0", 3)], [("1.2.3.4.0", 2)], [("1.2.3.4.0", 1)],
    ]  # fmt: skip


def test_files_are_read_strictly(tmp_path: Path) -> None:
    """pydicom raises for what breaks the rules of a value representation."""
    settings = import_module("pydicom.config").settings
    given = {"PatientName": "Bäcker^Åsa", "PatientID": "17", "SpecificCharacterSet": "ISO_IR 100"}
    made = [hounsfield(AFFINES["oblique"]), Image(np.random.default_rng(2).random(SHAPE) * 1e-7, AFFINES["ASR"])]
    source(tmp_path / "ct", **given)
    for n, image in enumerate(made):
        for identity in ("none", "keep"):
            write_series(image, tmp_path / f"{identity}{n}", like=tmp_path / "ct", identity=identity, model=MODEL)
    before = settings.reading_validation_mode
    settings.reading_validation_mode = pydicom.config.RAISE
    try:
        for folder in ("none0", "keep0", "none1", "keep1"):
            for d in headers(tmp_path / folder):
                d.decode()
                assert len([e for e in d.iterall() if e.value != ()]) > 40
                assert d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID
                assert str(d.PatientName) == ("ANONYMOUS" if "none" in folder else given["PatientName"])
    finally:
        settings.reading_validation_mode = before


# --- whose it is ---

WHOSE = {
    "PN": ("PatientName", "ReferringPhysicianName", "OtherPatientNames", "PatientBirthName", "OperatorsName",
           "PerformingPhysicianName", "PatientMotherBirthName", "NameOfPhysiciansReadingStudy"),
    "LO": ("PatientID", "InstitutionName", "StudyDescription", "SeriesDescription", "PatientAddress", "MedicalAlerts",
           "IssuerOfPatientID", "ProtocolName", "DeviceSerialNumber", "ClinicalTrialSubjectID",
           "RequestedProcedureDescription", "MilitaryRank", "DeidentificationMethod",
           "PerformedProcedureStepDescription"),
    "SH": ("AccessionNumber", "StudyID", "StationName", "EthnicGroup", "Occupation", "PatientTelephoneNumbers"),
    "LT": ("PatientComments", "AdditionalPatientHistory", "ImageComments"),
    "ST": ("InstitutionAddress", "DerivationDescription"),
    "CS": ("BodyPartExamined", "PatientPosition"),
}  # fmt: skip
DATES = {"PatientBirthDate": "19470213", "StudyDate": "20190317", "SeriesDate": "20190318", "PatientAge": "073Y",
         "AcquisitionDate": "20190319", "ContentDate": "20190320", "StudyTime": "131719"}  # fmt: skip


def planted(folder: Path) -> tuple[Path, list[str]]:
    """A source with its own word in every place that may say whose it is, and all those words."""
    from pydicom.dataset import Dataset

    given: dict[str, Any] = dict(DATES)
    for vr, tags in WHOSE.items():
        for tag in tags:
            given[tag] = f"SECRET{len(given):03d}" + ("^Ada" if vr == "PN" else "")
    path = source(folder, **given)
    for file in path.iterdir():
        d = pydicom.dcmread(file)
        d.private_block(0x0011, "SECRETCREATOR", create=True).add_new(1, "LO", "SECRETPRIVATE")
        d.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", b"SECRETCSA1")
        item = Dataset()
        item.PatientID, item.TypeOfPatientID = "SECRETOTHER", "TEXT"
        d.OtherPatientIDsSequence = [item]
        request = Dataset()
        request.RequestedProcedureID, request.AccessionNumber = "SECRETREQ", "SECRETREQACC"
        d.RequestAttributesSequence = [request]
        d.file_meta.SourceApplicationEntityTitle = "SECRETAE"
        d.preamble = b"SECRETPREAMBLE".ljust(128, b"\0")
        d.save_as(file)
    return path, ["SECRET", "Ada", "SIEMENS", *DATES.values()]


def test_without_identity_no_word_of_whose_it_was_is_in_any_byte(tmp_path: Path) -> None:
    path, words = planted(tmp_path / "ct")
    held = (path / "0.dcm").read_bytes()
    assert all(word.encode() in held for word in words)
    for n, image in enumerate([hounsfield(), Image(hounsfield().data, AFFINES["LPS"])]):
        write_series(image, tmp_path / f"out{n}", like=path, model=MODEL)
        for file in (tmp_path / f"out{n}").iterdir():
            held = file.read_bytes().upper()
            assert not [w for w in words if w.upper().encode() in held or w.upper().encode("utf-16-le") in held]
    d = headers(tmp_path / "out0")[0]
    assert (str(d.PatientName), d.PatientIdentityRemoved) == ("ANONYMOUS", "YES")
    assert d.PatientID.startswith("ANON-")
    assert d.DeidentificationMethod
    assert not any(element.tag.is_private for element in d.iterall())
    for empty in ("PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber", "ReferringPhysicianName"):
        assert not d[empty].value


def test_the_pseudonym_does_not_come_of_the_patient(tmp_path: Path) -> None:
    """Otherwise a list of patients would give it away."""
    found = []
    for n, name in enumerate(["One^A", "Two^B"]):
        path = source(tmp_path / f"ct{n}", PatientName=name, PatientID=name)
        write_series(hounsfield(), tmp_path / f"out{n}", like=path)
        found.append([p.read_bytes() for p in sorted((tmp_path / f"out{n}").iterdir())])
    assert found[0] == found[1]


def test_with_identity_patient_and_study_are_the_source_s_and_nothing_else_is(tmp_path: Path) -> None:
    path, _ = planted(tmp_path / "ct")
    write_series(hounsfield(), tmp_path / "out", like=path, identity="keep")
    d, before = headers(tmp_path / "out")[0], headers(path)[0]
    for tag in ("PatientName", "PatientID", "PatientBirthDate", "StudyDate", "AccessionNumber", "StudyDescription"):
        assert d[tag].value == before[tag].value
    assert "PatientIdentityRemoved" not in d
    assert "PatientWeight" not in d  # the source does not say it
    held = (tmp_path / "out" / "IM00001.dcm").read_bytes()
    for word in (b"SECRETPRIVATE", b"SECRETCSA", b"SECRETAE", b"SECRETOTHER", before.InstitutionName.encode()):
        assert word not in held


def test_a_patient_s_value_that_breaks_the_rules_is_left_out_and_said(tmp_path: Path) -> None:
    path = source(tmp_path / "ct", PatientName="Good^Name")
    for file in path.iterdir():
        d = pydicom.dcmread(file)
        d["PatientBirthDate"] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag("PatientBirthDate"), "DA", 10, b"17.3.1959 ", 0, False, True
        )
        d.save_as(file)
    with pytest.warns(UserWarning, match="PatientBirthDate is not as DICOM wants it"):
        write_series(hounsfield(), tmp_path / "out", like=path, identity="keep")
    d = headers(tmp_path / "out")[0]
    assert (str(d.PatientName), d.PatientBirthDate) == ("Good^Name", "")


# --- the same again, whole or not at all ---


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_the_same_image_is_the_same_bytes_and_another_has_other_uids(tmp_path: Path) -> None:
    path = source(tmp_path / "ct")
    other = Image(np.where(np.arange(4) == 3, 1, hounsfield().data), AFFINES["LPS"], Quantity.HU)
    made: dict[str, tuple[Image, dict[str, Any]]] = {
        "a": (hounsfield(), {}), "b": (hounsfield(), {}), "pixels": (other, {}),
        "moved": (hounsfield(AFFINES["RAS"]), {}), "model": (hounsfield(), {"model": MODEL}),
        "kept": (hounsfield(), {"identity": "keep"}), "named": (hounsfield(), {"description": "x"}),
    }  # fmt: skip
    for name, (image, given) in made.items():
        write_series(image, tmp_path / name, like=path, **given)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    uids = [{str(d.SOPInstanceUID) for d in headers(tmp_path / name)} for name in made if name != "b"]
    assert len(set().union(*uids)) == sum(map(len, uids)) == 6 * 4
    for uid in set().union(*uids):
        assert len(uid) <= 64
        assert pydicom.uid.UID(uid).is_valid


def test_an_image_without_source_is_a_study_of_its_own(tmp_path: Path) -> None:
    for name, shift in (("a", 0), ("b", 0), ("c", 1)):
        image = Image(hounsfield().data + shift, AFFINES["LPS"], Quantity.HU)
        write_series(image, tmp_path / name, like=None)
    a, b, c = (headers(tmp_path / name)[0] for name in "abc")
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert a.StudyInstanceUID == b.StudyInstanceUID != c.StudyInstanceUID
    assert len({a.StudyInstanceUID, a.SeriesInstanceUID, a.FrameOfReferenceUID, a.SOPInstanceUID}) == 4
    assert "SourceImageSequence" not in a


@pytest.mark.parametrize("stop", [0, 2])
def test_a_series_that_cannot_be_finished_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    from spinloom.files import atomic

    whole, done = atomic.write_bytes, []

    def full(path: Path, data: bytes) -> None:
        if len(done) == stop:
            raise MachineError("the disk is full", file=path)
        done.append(path)
        whole(path, data)

    monkeypatch.setattr(atomic, "write_bytes", full)
    with pytest.raises(MachineError, match="out: the disk is full"):
        write_series(hounsfield(), tmp_path / "out", like=None)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_and_one_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    files = write_series(hounsfield(), tmp_path / "empty", like=None)
    assert sorted((tmp_path / "empty").iterdir()) == files
    with pytest.raises(InputError, match="holds files already"):
        write_series(hounsfield(), tmp_path / "empty", like=None)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        write_series(hounsfield(), tmp_path / "file", like=None)
    with pytest.raises(MachineError):
        write_series(hounsfield(), tmp_path / "file" / "below", like=None)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(MachineError, match="no permission"):
        write_series(hounsfield(), tmp_path / "shut" / "out", like=None)


LPS = AFFINES["LPS"]


@pytest.mark.parametrize(
    ("image", "given", "fault", "what"),
    [
        (Image(np.full(SHAPE, np.nan), LPS, Quantity.HU), {}, InputError, "NaN"),
        (Image(np.full(SHAPE, np.inf), LPS), {}, InputError, "infinite"),
        (Image(np.ones(SHAPE, complex), LPS), {}, InputError, "complex"),
        (Image(np.full(SHAPE, 32768.0), LPS, Quantity.HU), {}, InputError, "beyond 16 bits"),
        (Image(np.full(SHAPE, -32769.0), LPS, Quantity.HU), {}, InputError, "beyond 16 bits"),
        (Image(np.ones(SHAPE, int), LPS, Quantity.LABEL), {}, InputError, "no place in an MR or CT series"),
        (Image(np.ones((3, 0, 2)), LPS), {}, InputError, "shape"),
        (hounsfield(), {"identity": "keep"}, UsageError, "no source whose identity"),
        (hounsfield(), {"identity": "some"}, UsageError, "'none' or 'keep'"),
        (hounsfield(), {"description": "x" * 38}, UsageError, "37 characters"),
        (hounsfield(), {"description": "a\\b"}, UsageError, "backslashes"),
        (hounsfield(), {"model": MadeBy("")}, UsageError, "no name"),
        (hounsfield(), {"like": "nowhere"}, InputError, "no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_and_nothing_is_left(
    tmp_path: Path, image: Image, given: dict[str, Any], fault: type[SpinloomError], what: str
) -> None:
    with pytest.raises(fault, match=what):
        write_series(image, tmp_path / "out", **{"like": None, **given})
    assert list(tmp_path.iterdir()) == []


# --- real series ---


def real_series(path: Path) -> list[tuple[int, Image]]:
    """Those that read_series reads: (number, image)."""
    found = []
    for series in list_series(path):
        try:
            found.append((series.number, read_series(path, series=series.number, fill=True)))
        except InputError:
            continue
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", sorted(p.name for p in REAL.glob("*.zip")) or ["none"])
def test_real_series_are_written_beside_themselves(tmp_path: Path, name: str) -> None:
    """On the grid of their source: the same axes, values to half a step; CT exactly."""
    if not (REAL / name).exists():
        pytest.skip("the shared real DICOM series are missing")
    path = tmp_path / "source"
    with zipfile.ZipFile(REAL / name) as packed:
        packed.extractall(path)
    read = real_series(path)
    if not read:
        pytest.skip(f"{name} holds no series that is read")
    for number, image in read:
        if image.quantity is Quantity.LABEL:
            continue
        out = tmp_path / f"out{number}"
        write_series(image, out, like=path, series=number)
        again = read_series(out)
        step = float(headers(out)[0].RescaleSlope)
        np.testing.assert_allclose(again.affine, image.affine, atol=1e-4)
        exact = image.data.dtype.kind in "iu"
        np.testing.assert_allclose(again.data, image.data, rtol=0, atol=0 if exact else 0.51 * step)
        for a, b in pairwise(headers(out)):
            assert a.SOPInstanceUID != b.SOPInstanceUID
            assert a.StudyInstanceUID == b.StudyInstanceUID


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("number", "what"), [(1, "MR"), (2, "CT, its gantry tilted by 14 degrees")], ids=["MR", "CT"])
def test_dcm2niix_makes_the_same_of_a_real_series_and_of_what_is_written_beside_it(
    tmp_path: Path, number: int, what: str
) -> None:
    if not (REAL / "dicom2nifti_variants.zip").exists():
        pytest.skip("the shared real DICOM series are missing")
    path, alone = tmp_path / "source", tmp_path / "alone"
    with zipfile.ZipFile(REAL / "dicom2nifti_variants.zip") as packed:
        packed.extractall(path)
    write_series(read_series(path, series=number), tmp_path / "out", like=path, series=number)
    alone.mkdir()
    uid = list_series(path)[number - 1].uid
    for file in [p for p in path.rglob("*") if p.is_file()]:
        if pydicom.dcmread(file, force=True, specific_tags=["SeriesInstanceUID"]).get("SeriesInstanceUID") == uid:
            (alone / file.name).write_bytes(file.read_bytes())
    before, A, _ = dcm2niix(alone, tmp_path / "before")
    after, B, _ = dcm2niix(tmp_path / "out", tmp_path / "after")
    np.testing.assert_array_equal(after, before, what)
    np.testing.assert_allclose(B, A, atol=1e-4)
