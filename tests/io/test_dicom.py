"""DICOM series become images where they lie; what makes no even grid is refused with its reason."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.io.dicom import list_series, read_series
from spinloom.io.images import read_any

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

SHAPE = (6, 5)
AXIAL = (1.0, 0, 0, 0, 1.0, 0)


def slice_file(folder: Path, z: float, number: int, **given: Any) -> Path:
    """An axial slice, 6 rows of 5 columns, 2 mm between rows, 1.5 mm between columns; values 100 number + row."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.PatientName, d.PatientID = "Somebody^Real", "12345"
    d.SeriesInstanceUID, d.Modality, d.SeriesDescription = "1.2.3", "MR", "test"
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = *SHAPE, 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
    d.PixelSpacing, d.SliceThickness, d.ImageOrientationPatient = [2.0, 1.5], 3.0, list(AXIAL)
    d.ImagePositionPatient = [-10.0, -20.0, z]
    d.EchoTime, d.RepetitionTime, d.FlipAngle, d.MagneticFieldStrength = 90.0, 3000.0, 90.0, 3.0
    for tag, value in given.items():
        setattr(d, tag, value) if value is not None else delattr(d, tag)
    pixels = np.broadcast_to(100 * number + np.arange(d.Rows)[:, None], (d.Rows, d.Columns)).astype(np.int16)
    d.PixelData = pixels.tobytes()
    path = folder / f"IM{99 - number:04d}.dcm"
    folder.mkdir(parents=True, exist_ok=True)
    d.save_as(path, enforce_file_format=True)
    return path


def series(folder: Path, places: list[float], **given: Any) -> Path:
    for number, z in enumerate(places):
        slice_file(folder, z, number, **given)
    return folder


def test_a_pixel_lies_where_the_standard_says(tmp_path: Path) -> None:
    """IPP + 1.5 (row cosines) i + 2 (column cosines) j, LPS → RAS; sorted by place, not by name."""
    image = read_series(series(tmp_path / "a", [0.0, 3.0, 6.0]))
    assert image.data.shape == (5, 6, 3)
    assert image.data[2, 4, 1] == 104
    i, j, k = 2, 4, 1
    expected = [10.0 - 1.5 * i, 20.0 - 2.0 * j, 3.0 * k]
    np.testing.assert_allclose((image.affine @ [i, j, k, 1])[:3], expected)
    assert image.info["TE"] == pytest.approx(0.09)
    assert image.info["FA"] == pytest.approx(np.pi / 2)
    assert not any("Somebody" in str(v) or "12345" in str(v) for v in image.info.values())


def test_CT_is_in_HU_and_its_padding_is_air(tmp_path: Path) -> None:
    given = {"Modality": "CT", "RescaleSlope": 2.0, "RescaleIntercept": -1024.0, "PixelPaddingValue": 0}
    image = read_series(series(tmp_path / "ct", [0.0, 3.0], **given))
    assert image.quantity is Quantity.HU
    assert image.data[0, 3, 1] == 2 * 103 - 1024
    assert image.data[0, 0, 0] == -1000


IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
@pytest.mark.parametrize(
    ("kind", "padding", "limit"), [("SS", -2000, None), ("SS", -2000, -1500), ("US", 2**16 - 2000, None)]
)
def test_padding_of_signed_pixels_is_air_however_it_is_said(
    tmp_path: Path, syntax: str, kind: str, padding: int, limit: int | None
) -> None:
    """Implicit files do not say whether a padding value is signed; others say it wrongly; a limit makes it a range."""
    for n in (0, 1):
        path = slice_file(tmp_path / "ct", 3.0 * n, n, Modality="CT", RescaleSlope=1, RescaleIntercept=0)
        d = pydicom.dcmread(path)
        d.file_meta.TransferSyntaxUID = syntax
        d.add_new("PixelPaddingValue", kind, padding)
        pixels = np.full(SHAPE, -900, np.int16)
        pixels[0], pixels[1] = -2000, -2000 if limit is None else -1700
        if limit is not None:
            d.add_new("PixelPaddingRangeLimit", kind, limit)
        d.PixelData = pixels.tobytes()
        pydicom.dcmwrite(path, d, implicit_vr=syntax == IMPLICIT, little_endian=True)
    image = read_series(tmp_path / "ct")
    np.testing.assert_array_equal(image.data[0, :, 0], [-1000, -1000, *[-900] * (SHAPE[0] - 2)])


def test_what_lies_below_air_and_is_not_marked_is_said(tmp_path: Path) -> None:
    folder = series(tmp_path / "ct", [0.0, 3.0], Modality="CT", RescaleSlope=1.0, RescaleIntercept=-3024.0)
    with pytest.warns(UserWarning, match=r"100 % of the voxels are below -1200 HU \(down to -3024\)"):
        assert read_series(folder).data.min() == -3024


def test_integers_beyond_32_bits_do_not_wrap_around(tmp_path: Path) -> None:
    path = slice_file(tmp_path / "a", 0.0, 0, BitsAllocated=32, BitsStored=32, HighBit=31, PixelRepresentation=0)
    d = pydicom.dcmread(path)
    d.PixelData = np.full(SHAPE, 4_000_000_000, np.uint32).tobytes()
    d.save_as(path)
    np.testing.assert_allclose(read_series(path).data, 4e9)
    slice_file(tmp_path / "b", 0.0, 50, RescaleSlope=1e6, RescaleIntercept=0)
    np.testing.assert_allclose(read_series(tmp_path / "b").data[0, :, 0], (5000 + np.arange(6)) * 1e6, rtol=1e-6)


@pytest.mark.parametrize("tilt_deg", [10.0, 18.5])
def test_a_tilted_gantry_makes_a_sheared_grid_with_the_slices_where_they_were(tmp_path: Path, tilt_deg: float) -> None:
    """Slices turned about x, the table moved along z: distance between planes is the table's step times cos(tilt)."""
    t = np.deg2rad(tilt_deg)
    with pytest.warns(UserWarning, match=f"tilted by {tilt_deg:.1f}"):
        image = read_series(
            series(tmp_path / "t", [0.0, 4.0, 8.0], ImageOrientationPatient=[1, 0, 0, 0, np.cos(t), -np.sin(t)])
        )
    np.testing.assert_allclose((image.affine @ [0, 0, 2, 1])[:3], [10, 20, 8], atol=1e-6)
    normal = np.cross(image.affine[:3, 0], image.affine[:3, 1])
    normal /= np.linalg.norm(normal)
    assert abs(image.affine[:3, 2] @ normal) == pytest.approx(4 * np.cos(t))


@pytest.mark.parametrize(
    ("places", "what"),
    [
        ([0.0, 3.0, 6.0, 12.0, 15.0], "1 of 6 slices are missing, the first after IM0097"),
        ([0.0, 3.0, 3.0, 6.0], "1 places are imaged more than once"),
        ([0.0, 3.0, 6.0, 10.0], "spaced unevenly: 3.00 to 4.00 mm"),
    ],
)
def test_what_makes_no_even_grid_is_refused(tmp_path: Path, places: list[float], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_series(series(tmp_path / "a", places))


def test_gaps_are_filled_by_lines_only_when_asked(tmp_path: Path) -> None:
    image = read_series(series(tmp_path / "a", [0.0, 3.0, 9.0, 12.0]), fill=True)
    assert image.data.shape == (5, 6, 5)
    np.testing.assert_allclose(image.data[0, 0], [0, 100, 150, 200, 300])
    assert "interpolated" in str(image.info["filled"])


def test_several_series_or_echoes_are_listed_and_chosen(tmp_path: Path) -> None:
    both = tmp_path / "both"
    for n, TE in enumerate((11.0, 92.0)):
        for z in (0, 1):
            slice_file(both / str(n), 3.0 * z, z, EchoTime=TE)
    with pytest.raises(InputError, match=r"holds 2 series \(1: MR test 5 x 6 x 2, TE 11 ms; 2: .*TE 92 ms\)"):
        read_series(both)
    assert [s.TE for s in list_series(both)] == pytest.approx([0.011, 0.092])
    assert read_series(both, series=2).info["TE"] == pytest.approx(0.092)
    with pytest.raises(InputError, match="no series 3"):
        read_series(both, series=3)


def test_a_series_is_chosen_by_its_uid_unless_that_has_several_echoes(tmp_path: Path) -> None:
    for uid, TE in (("1.2.3", 11.0), ("1.2.3", 92.0), ("1.2.4", 30.0)):
        slice_file(tmp_path / f"{TE:g}", 0.0, 0, SeriesInstanceUID=uid, EchoTime=TE, InversionTime=900.0)
    listed = list_series(tmp_path)
    assert [s.uid for s in listed] == ["1.2.3", "1.2.3", "1.2.4"]
    assert (listed[2].TR, listed[2].TI) == pytest.approx((3.0, 0.9))
    assert read_series(tmp_path, series="1.2.4").info["TE"] == pytest.approx(0.030)
    with pytest.raises(InputError, match=r"holds 2 series .*TE 11 ms; 2: .*TE 92 ms"):
        read_series(tmp_path, series="1.2.3")
    with pytest.raises(InputError, match=r"no series 1\.2\.5"):
        read_series(tmp_path, series="1.2.5")


def test_a_zip_is_a_folder_and_other_files_are_passed_by(tmp_path: Path) -> None:
    folder = series(tmp_path / "a", [0.0, 3.0])
    (folder / "readme.txt").write_text("no image")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for file in folder.iterdir():
            packed.write(file, f"deep/../{file.name}")
    np.testing.assert_array_equal(read_any(tmp_path / "a.zip").data, read_any(folder).data)
    assert not list(tmp_path.glob("*.dcm"))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"ImagePositionPatient": None}, "no usable ImagePositionPatient"),
        ({"PixelSpacing": [0.0, 1.0]}, "impossible orientation or spacing"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "impossible orientation or spacing"),
        ({"SamplesPerPixel": 3}, "colour picture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic"),
        ({"NumberOfFrames": 7}, "does not say where they lie"),
    ],
)
def test_what_has_no_place_or_no_number_is_refused(tmp_path: Path, given: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_series(series(tmp_path / "a", [0.0], **given))


def test_a_picture_beside_a_series_is_left_out_and_said(tmp_path: Path) -> None:
    folder = series(tmp_path / "a", [0.0, 3.0])
    slice_file(folder, 0.0, 50, SamplesPerPixel=3, SeriesInstanceUID="1.2.4")
    with pytest.warns(UserWarning, match="left out: .*colour picture"):
        assert read_series(folder).data.shape == (5, 6, 2)


def test_a_series_is_refused_if_one_of_its_own_slices_is(tmp_path: Path) -> None:
    """Left out, the volume would be short of a slice and nobody would see it."""
    folder = series(tmp_path / "a", [0.0, 3.0])
    slice_file(folder, 6.0, 2, ImagePositionPatient=None)
    with pytest.raises(InputError, match=r"IM0097.*no usable ImagePositionPatient"):
        read_series(folder)


def enhanced(folder: Path, places: list[float], **given: Any) -> Path:
    """The same slices as frames of one file, what they share and what is their own in functional groups."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def group(**sequences: dict[str, Any]) -> Dataset:
        made = Dataset()
        for name, tags in sequences.items():
            item = Dataset()
            for tag, value in tags.items():
                setattr(item, tag, value)
            setattr(made, name, Sequence([item]))
        return made

    shared = group(
        PlaneOrientationSequence={"ImageOrientationPatient": list(AXIAL)},
        PixelMeasuresSequence={"PixelSpacing": [2.0, 1.5], "SliceThickness": 3.0},
        MRTimingAndRelatedParametersSequence={"RepetitionTime": 500.0, "FlipAngle": 30.0},
        MREchoSequence={"EffectiveEchoTime": 12.0},
        MRModifierSequence={"InversionTimes": [900.0]},
    )
    own = [
        group(
            PlanePositionSequence={"ImagePositionPatient": [-10.0, -20.0, z]},
            PixelValueTransformationSequence={"RescaleSlope": 1.0 + n, "RescaleIntercept": -5.0},
        )
        for n, z in enumerate(places)
    ]
    path = slice_file(folder, 0.0, 0, ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None,
                      EchoTime=None, RepetitionTime=None, FlipAngle=None)  # fmt: skip
    d = pydicom.dcmread(path)
    d.NumberOfFrames = len(places)
    d.SharedFunctionalGroupsSequence, d.PerFrameFunctionalGroupsSequence = Sequence([shared]), Sequence(own)
    frame = np.frombuffer(d.PixelData, np.int16)
    d.PixelData = np.concatenate([frame + 100 * n for n in range(len(places))]).tobytes()
    for tag, value in given.items():
        setattr(d, tag, value)
    d.save_as(path)
    return path


def test_frames_of_an_enhanced_file_have_their_own_place_and_scale(tmp_path: Path) -> None:
    """slope 1 + n, intercept -5; frames stored from top to bottom are turned to run along the normal."""
    image = read_series(enhanced(tmp_path / "e", [6.0, 3.0, 0.0]))
    assert image.data.shape == (5, 6, 3)
    np.testing.assert_array_equal(image.data[0, 4], [3 * 204 - 5, 2 * 104 - 5, 4 - 5])
    np.testing.assert_allclose((image.affine @ [2, 4, 1, 1])[:3], [10 - 3, 20 - 8, 3])
    told = {name: image.info[name] for name in ("TE", "TR", "TI", "FA")}
    assert told == pytest.approx({"TE": 0.012, "TR": 0.5, "TI": 0.9, "FA": np.pi / 6})


def test_an_enhanced_file_that_describes_other_frames_than_it_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="says 5 frames and describes 3"):
        read_series(enhanced(tmp_path / "e", [0.0, 3.0, 6.0], NumberOfFrames=5))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"Modality": "CT"}, "without a usable rescale slope"),
        ({"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "US"}, "numbers are no HU"),
        ({"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": 0, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
         , "scout view"),
        ({"Modality": "PT"}, "MR and CT images are read"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "MONOCHROME1"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PALETTE COLOR"),
    ],
)  # fmt: skip
def test_numbers_that_are_neither_HU_nor_signal_are_refused(tmp_path: Path, given: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_series(series(tmp_path / "a", [0.0, 3.0], **given))


def test_phase_and_magnitude_of_one_series_are_two_images(tmp_path: Path) -> None:
    for letter in "MP":
        series(tmp_path / letter, [0.0, 3.0], ImageType=["ORIGINAL", "PRIMARY", letter, "ND"])
    assert [s.component for s in list_series(tmp_path)] == ["", "PHASE"]


def test_small_differences_of_spacing_do_not_add_up(tmp_path: Path) -> None:
    """Gaps 2 % too long in one half and too short in the other put the middle half a slice off."""
    gaps = [3.06] * 25 + [2.94] * 25
    with pytest.raises(InputError, match="spaced unevenly"):
        read_series(series(tmp_path / "a", [0.0, *np.cumsum(gaps).tolist()]))


def test_a_series_is_what_was_asked_for(tmp_path: Path) -> None:
    folder = series(tmp_path / "a", [0.0, 3.0])
    assert read_any(folder, quantity=Quantity.SIGNAL).quantity is Quantity.SIGNAL
    with pytest.raises(InputError, match=r"HU.* was expected"):
        read_any(folder, quantity=Quantity.HU)


def test_damage_names_the_file(tmp_path: Path) -> None:
    folder = series(tmp_path / "a", [0.0, 3.0])
    file = sorted(folder.iterdir())[0]
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(InputError, match=file.name):
        read_series(folder)
    file.write_bytes(whole[:300])
    with pytest.raises(InputError):
        read_series(folder)
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError):
        read_any(tmp_path / "b.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no DICOM series and no slices"):
        read_any(tmp_path / "empty")
    with pytest.raises(InputError, match="no such file"):
        read_any(tmp_path / "nothing")


def test_a_claim_of_endless_pixels_is_refused_before_they_are_looked_for(tmp_path: Path) -> None:
    path = slice_file(tmp_path / "a", 0.0, 0)
    d = pydicom.dcmread(path)
    d.Rows, d.Columns, d.NumberOfFrames = 60_000, 60_000, 1000
    d.save_as(path)
    with pytest.raises(InputError, match="claims 60000 x 60000"):
        read_series(path.parent)
