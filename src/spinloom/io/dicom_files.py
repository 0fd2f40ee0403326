"""Headers of a DICOM folder or zip, before a pixel is read; whatever breaks while they are read names its file."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, MachineError
from spinloom.io.dicom_sources import Source, sources

SUFFIXES = (".dcm", ".ima")
TRANSFER_SYNTAX, DEFLATED = 0x0002_0010, b"1.2.840.10008.1.2.1.99"
TAGS = [
    "SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesDescription", "ImageType", "ComplexImageComponent",
    "Manufacturer", "ManufacturerModelName", "MagneticFieldStrength", "EchoTime", "RepetitionTime", "InversionTime",
    "FlipAngle", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows",
    "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept",
    "RescaleType", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "SegmentationType",
    "SegmentSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
"""All that is read of a header: no name, number or date of a person is among them."""


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
        raise MachineError(
            f"not enough memory to read {source.name}",
            file=path,
            remedy="Close other programs, or use a machine with more memory.",
        ) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(
            f"{source.name} cannot be unpacked ({str(error)[:150]})",
            file=path,
            remedy="Pack it again without a password and with plain compression.",
        ) from error
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
    """Whether its elements of group 2 say so, wherever they stand; the stream is wound back."""
    from pydicom.filereader import read_dataset

    stream.seek(132)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, *_: tag >> 16 != TRANSFER_SYNTAX >> 16)
    stream.seek(0)
    return TRANSFER_SYNTAX in meta and DEFLATED in bytes(meta.get_item(TRANSFER_SYNTAX).value or b"")


def module() -> Any:
    """pydicom; MachineError says how to get it."""
    try:
        import pydicom
    except ImportError as error:
        raise MachineError(
            "reading DICOM needs pydicom", remedy="Install it: pip install 'spinloom[dicom]'."
        ) from error
    return pydicom
