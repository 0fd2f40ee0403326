"""DICOM: slices that are missing, mixed or turned, headers that lie, and files that are also something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corpus_archives import slice_bytes
from corpus_case import Case, accepted, refused

CT = "1.2.840.10008.5.1.4.1.1.2"
JPEG2000 = "1.2.840.10008.1.2.4.90"


def series(*slices: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "series").mkdir()
        for i, content in enumerate(slices):
            (folder / "series" / f"{i}.dcm").write_bytes(content())
        return folder / "series"

    return make


def at(z: float, **given: object) -> Callable[[], bytes]:
    return lambda: slice_bytes(z, **given)


def stack(*places: float, **given: object) -> Callable[[Path], Path]:
    return series(*(at(z, **given) for z in places))


def without(tag: str) -> Callable[[], bytes]:
    def content() -> bytes:
        import io

        import pydicom

        d = pydicom.dcmread(io.BytesIO(slice_bytes(4.0)))
        delattr(d, tag)
        stream = io.BytesIO()
        d.save_as(stream)
        return stream.getvalue()

    return content


def compressed() -> bytes:
    """JPEG 2000 said, noise stored."""
    import io

    import pydicom
    from pydicom.encaps import encapsulate

    d = pydicom.dcmread(io.BytesIO(slice_bytes(0.0)))
    d.file_meta.TransferSyntaxUID = JPEG2000
    d.PixelData = encapsulate([b"\xff\x4f\xff\x51" + bytes(range(200))])
    stream = io.BytesIO()
    d.save_as(stream)
    return stream.getvalue()


def private() -> bytes:
    import io

    import pydicom

    d = pydicom.dcmread(io.BytesIO(slice_bytes(2.0)))
    d.PatientName = "Somebody^Real"
    d.private_block(0x0009, "SOMEBODY", create=True).add_new(1, "LO", "Somebody^Real")
    stream = io.BytesIO()
    d.save_as(stream)
    return stream.getvalue()


def dicomdir(folder: Path) -> Path:
    """A table of contents that names a file outside its folder, beside two slices."""
    import io

    import pydicom
    from pydicom.dataset import Dataset

    root = stack(0.0, 2.0)(folder)
    d = pydicom.dcmread(io.BytesIO(slice_bytes(0.0)))
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = "1.2.840.10008.1.3.10"
    for tag in ("PixelData", "Rows", "Columns"):
        delattr(d, tag)
    record = Dataset()
    record.ReferencedFileID = ["..", "..", "secret"]
    d.DirectoryRecordSequence = [record]
    d.save_as(root / "DICOMDIR")
    return root


def dressed(mark: bytes) -> Callable[[], bytes]:
    """A slice whose preamble makes it a program too."""
    return lambda: mark + slice_bytes(0.0)[len(mark) :]


TILT = [1, 0, 0, 0, 0.9659, -0.2588]
CASES: tuple[Case, ...] = (
    accepted("series", "as it should be", stack(0.0, 2.0, 4.0), "16 x 16 x 3 voxels of 1 x 1 x 2 mm"),
    accepted("reversed order", "files from top to bottom: sorted by place", stack(4.0, 2.0, 0.0), "16 x 16 x 3"),
    refused("missing slice", "a gap", stack(0.0, 2.0, 6.0, 8.0), "missing|gap|spac"),
    refused("duplicate slice", "two at one place", stack(0.0, 2.0, 2.0, 4.0), "imaged more than once"),
    accepted("gantry tilt", "slices that slide over each other: said", stack(0.0, 2.0, ImageOrientationPatient=TILT),
            "gantry was tilted by 15.0"),
    refused("mixed series", "two series in one folder",
            series(at(0.0), at(2.0), at(0.0, SeriesInstanceUID="1.2.9"), at(2.0, SeriesInstanceUID="1.2.9")),
            "2 series"),
    refused("mixed sizes", "one slice of another size",
            series(at(0.0), at(2.0, Rows=8, Columns=32)), "holds 2 series"),
    *(
        refused(f"without {tag}", "a tag that is needed", series(at(0.0), at(2.0), without(tag)), says)
        for tag, says in (
            ("PixelData", "PixelData|pixel"), ("BitsStored", "Bits Stored"), ("Rows", "Rows|ends before"),
            ("PixelSpacing", "PixelSpacing"), ("ImagePositionPatient", "ImagePositionPatient|place"),
            ("ImageOrientationPatient", "ImageOrientationPatient|orientation"),
        )
    ),
    accepted("without SOPClassUID", "its modality says what it is", series(at(0.0), at(2.0), without("SOPClassUID")),
             "16 x 16 x 3"),
    refused("pixels cut short", "half a slice", series(at(0.0), lambda: slice_bytes(2.0)[:700]), r"1\.dcm"),
    refused("65535 x 65535", "a claim of 8 GB", stack(0.0, Rows=65535, Columns=65535), "claims 65535 x 65535"),
    refused("2^31 frames", "a claim of 1 TB", stack(0.0, NumberOfFrames=2**31 - 1), "claims"),
    refused("16 bits said, 12 missing", "HighBit beyond BitsStored", stack(0.0, BitsStored=12, BitsAllocated=8),
            "Bits|decoded|pixel"),
    refused("spacing of 10^300", "no length", stack(0.0, PixelSpacing=["1e300", 1]), "impossible orientation"),
    refused("slice at 10^300", "no place", stack(0.0, ImagePositionPatient=[0, 0, "1e300"]), "impossible place"),
    refused("scout view", "CT across the slices",
            stack(0.0, Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "scout view"),
    refused("slope 0", "every value would be one", stack(0.0, RescaleSlope=0, RescaleIntercept=0), "RescaleSlope"),
    refused("JPEG 2000 of noise", "compressed and damaged, or no codec", series(compressed), "decode|codec|compress"),
    refused("colour", "RGB where one value was expected",
            stack(0.0, SamplesPerPixel=3, PhotometricInterpretation="RGB"), "colour|RGB|sample"),
    accepted("preamble MZ", "also a Windows program: the preamble is not read", series(dressed(b"MZ\x90\0")),
            "16 x 16"),
    accepted("preamble ELF", "also a Linux program: the preamble is not read", series(dressed(b"\x7fELF")), "16 x 16"),
    accepted("names in private tags", "no name is read or shown", series(at(0.0), private),
            "^(?!.*Somebody).*16 x 16 x 2"),
    accepted("DICOMDIR with ../", "the table is not followed", dicomdir, "16 x 16 x 2"),
    refused("text named .dcm", "no DICOM", series(at(0.0), lambda: b"hello" * 99), "named as DICOM and is none"),
)  # fmt: skip
