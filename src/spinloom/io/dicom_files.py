"""Files of a DICOM folder or zip, and what each says of its frames, before a pixel is read."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from spinloom.core.errors import InputError, MachineError
from spinloom.files import gate

MOST_FILES = 50_000
MOST_BYTES = 8 * 2**30
ONE_FILE = 2 * 2**30
SUSPECT_BYTES, SUSPECT_RATIO = 64 * 2**20, 200
"""A zip's member that is both larger and packed tighter than this is no scan."""
SUFFIXES = (".dcm", ".ima")
TRANSFER_SYNTAX, DEFLATED = 0x0002_0010, b"1.2.840.10008.1.2.1.99"
TAGS = [
    "SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesDescription", "ImageType", "ComplexImageComponent",
    "Manufacturer", "ManufacturerModelName", "MagneticFieldStrength", "EchoTime", "RepetitionTime", "InversionTime",
    "FlipAngle", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows",
    "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept",
    "RescaleType", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "SegmentationType", "SegmentSequence", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
"""All that is read of a header: no name, number or date of a person is among them."""


@dataclass(frozen=True)
class Source:
    """One file: on disk, or a member of a zip, which stays open for as long as it is asked for its members."""

    path: Path
    member: str | None = None
    packed: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.member or self.path.name

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Its bytes as a stream that can be wound back."""
        if self.member is None or self.packed is None:
            with open(gate.admit(self.path, cap_bytes=ONE_FILE), "rb") as handle:
                yield handle
        else:
            yield io.BytesIO(self.packed.read(self.member))

    def head(self, n: int) -> bytes:
        """Its first bytes, n or fewer."""
        with self.packed.open(self.member) if self.packed and self.member else open(self.path, "rb") as handle:
            return handle.read(n)


def sources(path: Path) -> list[Source]:
    """Every file below a folder or in a zip, in order of name; one file is itself. Hidden files are passed by.

    Raises InputError for more than 50,000 files, more than 8 GiB, or a damaged zip. Nothing is unpacked to disk.
    """
    if path.is_dir():
        found: list[Source] = []
        for file in path.rglob("*"):
            if _plain(PurePosixPath(file.relative_to(path).as_posix())) and file.is_file():
                found.append(Source(file))
                _limit(len(found), 0, path)
        return sorted(found, key=lambda source: source.path)
    gate.admit(path, cap_bytes=MOST_BYTES)
    if not zipfile.is_zipfile(path) or Source(path).head(132)[128:] == b"DICM":
        if path.suffix.lower() == ".zip":
            raise InputError("is no zip, or a damaged one", file=path, remedy="Download it again.")
        return [Source(path)]
    try:
        packed = zipfile.ZipFile(path)
        members = [m for m in packed.infolist() if not m.is_dir() and _plain(PurePosixPath(m.filename))]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise InputError(f"is a damaged zip ({error})", file=path, remedy="Download it again.") from error
    _limit(len(members), sum(m.file_size for m in members), path)
    for m in members:
        if m.file_size > ONE_FILE or (m.file_size > SUSPECT_BYTES and m.file_size > SUSPECT_RATIO * m.compress_size):
            raise InputError(
                f"holds {m.filename}, which would become {m.file_size / 2**20:.0f} MiB from "
                f"{m.compress_size / 2**20:.1f} MiB",
                file=path,
                remedy="If you trust it, unpack it and name the folder.",
            )
    return [Source(path, m.filename, packed) for m in sorted(members, key=lambda m: m.filename)]


def headers(path: Path) -> Iterator[tuple[Source, Any]]:
    """(file, its header) of every DICOM file; files that neither are DICOM nor are named so are passed by.

    Raises InputError for a file that is broken, MachineError without pydicom.
    """
    pydicom = module()
    for source in sources(path):
        with named(source, path):
            if source.head(132)[128:] != b"DICM":
                if source.name.lower().endswith(SUFFIXES):
                    raise InputError(
                        f"{source.name} is named as DICOM and is none",
                        file=path,
                        remedy="Copy it again, or take it out of the folder.",
                    )
                continue
            with source.opened() as stream, quiet():
                if _is_deflated(stream):  # it would inflate without limit
                    raise InputError(
                        f"{source.name} is deflated as a whole", file=path, remedy="Convert it with dcmconv."
                    )
                header = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=TAGS)
                for _ in header.iterall():  # what is broken inside shows itself here
                    pass
            kind = getattr(header.file_meta.get("MediaStorageSOPClassUID"), "name", "")
            if "Image Storage" in kind and ("Rows" not in header or "Columns" not in header):
                raise InputError(
                    f"{source.name} ends before its image", file=path, remedy="It is cut short: copy it again."
                )
        yield source, header


@contextmanager
def named(source: Source, path: Path) -> Iterator[None]:
    """A header may be broken in any way, and a parser fail in any: whatever is raised names the file."""
    try:
        yield
    except (InputError, MachineError):
        raise
    except MemoryError as error:
        raise MachineError(f"not enough memory to read {source.name}", file=path) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(f"{source.name} cannot be unpacked ({error})", file=path) from error
    except Exception as error:
        raise InputError(
            f"{source.name} is a broken DICOM file ({type(error).__name__}: {' '.join(str(error).split())[:150]})",
            file=path,
            remedy="Export it again, or take it out of the folder.",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """pydicom's remarks about values of other people's files are no news to whoever reads an image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_deflated(stream: Any) -> bool:
    """Whether the elements of group 2 say so, however pydicom may take them; the stream is wound back."""
    from pydicom.filereader import read_dataset

    found = []
    for implicit in (False, True):
        stream.seek(132)
        meta = read_dataset(stream, implicit, True, stop_when=lambda tag, *_: tag >> 16 != TRANSFER_SYNTAX >> 16)
        found.append(TRANSFER_SYNTAX in meta and DEFLATED in bytes(meta.get_item(TRANSFER_SYNTAX).value or b""))
    stream.seek(0)
    return any(found)


def module() -> Any:
    """pydicom; MachineError says how to get it."""
    try:
        import pydicom
    except ImportError as error:
        raise MachineError(
            "reading DICOM needs pydicom", remedy="Install it: pip install 'spinloom[dicom]'."
        ) from error
    return pydicom


def _plain(path: PurePosixPath) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.parts if part not in (".", ".."))


def _limit(files: int, size: int, path: Path) -> None:
    if files > MOST_FILES or size > MOST_BYTES:
        raise InputError(
            f"holds {files} files of {size / 2**30:.1f} GiB, more than the limit of {MOST_FILES} and 8 GiB",
            file=path,
            remedy="Name the folder of one series.",
        )
