"""DICOM from strangers: no length believed, no archive trusted, no bare traceback shown, no slice lost in silence."""

from __future__ import annotations

import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError, SpinloomError
from spinloom.io.dicom import list_series, read_series
from spinloom.io.images import read_any

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
N = 16


def slice_bytes(z: float, **given: object) -> bytes:
    """An axial MR slice of 16 x 16 pixels, its pixels last."""
    import io

    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"1.2.{int(z) + 1}"
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SeriesInstanceUID, d.Modality = meta.MediaStorageSOPClassUID, "1.2.3", "MR"
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = N, N, 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 0
    d.PixelSpacing, d.SliceThickness, d.ImageOrientationPatient = [1, 1], 2, [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = [0, 0, z]
    d.PixelData = np.arange(N * N, dtype=np.uint16).tobytes()
    for tag, value in given.items():
        setattr(d, tag, value)
    stream = io.BytesIO()
    d.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def folder_of(folder: Path, *files: bytes) -> Path:
    folder.mkdir(parents=True)
    for n, content in enumerate(files):
        (folder / f"{n}.dcm").write_bytes(content)
    return folder


@contextmanager
def at_most(n_bytes: int) -> Iterator[None]:
    """Asserts that no more is allocated at any one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < n_bytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 0.6, 0.8, 0.99, 0.999])
def test_a_file_cut_short_refuses_its_series_wherever_it_was_cut(tmp_path: Path, share: float) -> None:
    whole = slice_bytes(4.0)
    folder = folder_of(tmp_path / "a", slice_bytes(0.0), slice_bytes(2.0), whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"2\.dcm"):
        read_series(folder)


def test_bytes_changed_anywhere_give_an_image_or_a_named_fault(tmp_path: Path) -> None:
    """Never another exception, never an image of another shape than its header says."""
    whole = np.frombuffer(slice_bytes(0.0), np.uint8)
    rng = np.random.default_rng(0)
    faults, image = 0, None
    for n in range(300):
        broken = whole.copy()
        broken[rng.integers(128, len(whole) - 2 * N * N, size=3)] = rng.integers(0, 256, 3)
        (tmp_path / "a.dcm").write_bytes(broken.tobytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                image, said = read_any(tmp_path / "a.dcm"), "a.dcm"
            except SpinloomError as error:
                image, said = None, str(error)
                faults += 1
        assert "a.dcm" in said, f"case {n}"
        assert image is None or (np.isfinite(image.data).all() and image.data.size > 0), f"case {n}"
    assert 20 < faults < 300


def test_what_is_not_DICOM_is_passed_by_unless_it_is_named_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", slice_bytes(0.0), slice_bytes(2.0))
    (folder / "readme.txt").write_text("no image")
    (folder / "empty").touch()
    (folder / ".DS_Store").write_bytes(b"\0" * 200)
    (folder / "._0.dcm").write_bytes(b"\0" * 200)
    assert read_series(folder).data.shape == (N, N, 2)
    (folder / "2.dcm").write_bytes(b"\0" * 4000)
    with pytest.raises(InputError, match=r"2\.dcm is named as DICOM and is none"):
        read_series(folder)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"Rows": 65535, "Columns": 65535}, "claims 65535 x 65535 x 1 pixels"),
        ({"Rows": 0}, "claims 0 x 16"),
        ({"NumberOfFrames": 2**31 - 1}, "claims 16 x 16 x 2147483647 pixels"),
        ({"Rows": 16000, "Columns": 16000}, "cannot be decoded"),
        ({"NumberOfFrames": -3}, "claims 16 x 16 x -3"),
    ],
)
def test_a_claim_of_pixels_is_not_believed(tmp_path: Path, given: dict[str, int], what: str) -> None:
    folder = folder_of(tmp_path / "a", slice_bytes(0.0, **given))
    with at_most(2**25), pytest.raises(InputError, match=what):
        read_series(folder)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"RescaleSlope": "NaN", "RescaleIntercept": 0}, "RescaleSlope that is no scale"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "RescaleSlope that is no scale"),
        ({"RescaleSlope": 1e38, "RescaleIntercept": 0}, "infinite"),
        ({"PixelSpacing": ["NaN", 1]}, "no usable PixelSpacing"),
        ({"PixelSpacing": ["1e300", 1]}, "impossible orientation or spacing"),
        ({"ImagePositionPatient": [0, 0, "1e300"]}, "impossible place or thickness"),
        ({"SliceThickness": "1e300"}, "impossible place or thickness"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
def test_numbers_that_cannot_be_are_refused(tmp_path: Path, given: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_series(folder_of(tmp_path / "a", slice_bytes(0.0, **given)))


def nested(n: int) -> bytes:
    """A file whose functional groups hold one another, n deep."""
    head = struct.pack("<HH2sHI", 0x5200, 0x9230, b"SQ", 0, 2**32 - 1) + struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1)
    tail = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    whole = slice_bytes(0.0)
    pixels = whole.index(struct.pack("<HH", 0x7FE0, 0x10))
    return whole[:pixels] + head * n + tail * n + whole[pixels:]


def test_groups_nested_too_deep_are_a_named_fault(tmp_path: Path) -> None:
    assert read_series(folder_of(tmp_path / "a", nested(20))).data.shape == (N, N, 1)
    with at_most(2**25), pytest.raises(InputError, match=r"0\.dcm is a broken DICOM file"):
        read_series(folder_of(tmp_path / "b", nested(5000)))


def test_many_large_claims_add_up(tmp_path: Path) -> None:
    claims = [slice_bytes(2.0 * n, Rows=16384, Columns=16384) for n in range(9)]
    with pytest.raises(InputError, match="16384 x 16384 x 9 voxels, more than the limit"):
        read_series(folder_of(tmp_path / "a", *claims))


@pytest.mark.parametrize(
    "tag",
    ["Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "PixelData", "Modality"],
)
def test_a_tag_that_is_missing_refuses_the_series(tmp_path: Path, tag: str) -> None:
    folder = folder_of(tmp_path / "a", slice_bytes(0.0), slice_bytes(2.0), slice_bytes(4.0))
    d = pydicom.dcmread(folder / "2.dcm")
    delattr(d, tag)
    d.save_as(folder / "2.dcm")
    with pytest.raises(InputError, match=r"2\.dcm"):
        read_series(folder)


@pytest.mark.parametrize("before", [2, 6000])
def test_a_file_that_would_inflate_without_limit_is_refused_unread(tmp_path: Path, before: int) -> None:
    """However late its header says that it is deflated."""

    def element(number: int, kind: bytes, value: bytes) -> bytes:
        size = struct.pack("<HI", 0, len(value)) if kind == b"OB" else struct.pack("<H", len(value))
        return struct.pack("<HH", 2, number) + kind + size + value

    meta = element(1, b"OB", bytes(before)) + element(0x10, b"UI", b"1.2.840.10008.1.2.1.99")
    meta = element(0, b"UL", struct.pack("<I", len(meta))) + meta
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = bytes(128) + b"DICM" + meta + packer.compress(bytes(2**26)) + packer.flush()
    with at_most(2**24), pytest.raises(InputError, match="is deflated as a whole"):
        read_series(folder_of(tmp_path / "a", bomb))


def test_a_zip_is_read_in_memory_and_its_names_lead_nowhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "a.zip", "w") as packed:
        packed.writestr("../../canary.dcm", slice_bytes(0.0))
        packed.writestr("/tmp/canary.dcm", slice_bytes(2.0))
    assert read_any(inside / "a.zip").data.shape == (N, N, 2)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip", "inside"]


def test_zip_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.dcm", b"\0" * (65 * 2**20))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as packed:
        for n in range(50_001):
            packed.writestr(zipfile.ZipInfo(f"{n}"), b"")
    with at_most(2**24), pytest.raises(InputError, match=r"one\.zip: holds a\.dcm, which would become 65 MiB"):
        read_any(tmp_path / "one.zip")
    with pytest.raises(InputError, match="50001 files"):
        read_any(tmp_path / "many.zip")


def test_a_zip_opens_its_table_of_contents_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each of n files takes time as n²: a minute for 1500 slices."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for n in range(20):
            packed.writestr(f"{n}.dcm", slice_bytes(2.0 * n))
    opened = []
    table = zipfile.ZipFile._RealGetContents
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda self: (opened.append(self), table(self)))
    assert read_any(tmp_path / "a.zip").data.shape == (N, N, 20)
    assert len(opened) == 1


def test_damaged_and_locked_zips_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("0.dcm", slice_bytes(0.0))
    whole = (tmp_path / "a.zip").read_bytes()
    damaged = bytearray(whole)
    damaged[600] ^= 0xFF  # in the member's data: its checksum no longer holds
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.rindex(b"PK\x01\x02") + 8] |= 1
    for content in (whole[:200], bytes(damaged), bytes(locked), b"PK\x05\x06"):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(InputError, match=r"b\.zip"):
            read_any(tmp_path / "b.zip")


def test_sequences_nested_without_end_are_a_named_fault(tmp_path: Path) -> None:
    """Items of undefined length, each in a sequence of the one before it: (5200,9229) is a shared functional group."""
    opened = b"\x00\x52\x29\x92SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    whole = slice_bytes(0.0)
    at = whole.rindex(b"\xe0\x7f\x10\x00")  # where the pixels begin
    with pytest.raises(InputError, match=r"0\.dcm"):
        read_series(folder_of(tmp_path / "a", whole[:at] + 20_000 * opened + whole[at:]))


def test_nothing_of_a_person_is_kept(tmp_path: Path) -> None:
    known = {
        "PatientName": "Somebody^Real",
        "PatientID": "SECRET1",
        "StudyDate": "19991231",
        "PatientBirthDate": "19501230",
        "InstitutionName": "SECRET2",
        "OperatorsName": "SECRET3",
    }
    folder = folder_of(tmp_path / "a", slice_bytes(0.0, **known), slice_bytes(2.0, **known))
    said = repr((dict(read_series(folder).info), list_series(folder)))
    assert not [value for value in known.values() if value in said]
