"""Files of a DICOM folder or zip, and what each says of its frames, before a pixel is read."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, MachineError
from spinloom.files import gate

MOST_FILES = 50_000
MOST_BYTES = 8 * 2**30
ONE_FILE = 2 * 2**30


@dataclass(frozen=True)
class Source:
    """One file: on disk, or a member of a zip."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return self.member or self.path.name

    def open(self) -> Any:
        """Something that pydicom reads."""
        if self.member is None:
            return self.path
        with zipfile.ZipFile(self.path) as packed:
            return io.BytesIO(packed.read(self.member))


def sources(path: Path) -> list[Source]:
    """Every file below a folder or in a zip, in order of name; one file is itself.

    Raises InputError for more than 50,000 files, more than 8 GiB, or a damaged zip. Nothing is unpacked to disk.
    """
    if path.is_dir():
        found = []
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                found.append(Source(file))
                _limit(len(found), 0, path)
        return found
    gate.admit(path, cap_bytes=MOST_BYTES)
    if not zipfile.is_zipfile(path):
        return [Source(path)]
    try:
        with zipfile.ZipFile(path) as packed:
            members = [m for m in packed.infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise InputError(f"is a damaged zip ({error})", file=path, remedy="Download it again.") from error
    _limit(len(members), sum(m.file_size for m in members), path)
    if any(m.file_size > ONE_FILE for m in members):
        raise InputError("holds a file of more than 2 GiB", file=path, remedy="Unpack it, and name the folder.")
    return [Source(path, m.filename) for m in sorted(members, key=lambda m: m.filename)]


def headers(path: Path) -> Iterator[tuple[Source, Any]]:
    """(file, its header) of every DICOM file; other files are passed by.

    Raises InputError for a zip whose members cannot be unpacked, MachineError without pydicom.
    """
    pydicom = module()
    for source in sources(path):
        try:
            with quiet():
                header = pydicom.dcmread(source.open(), stop_before_pixels=True)
                for _ in header.iterall():  # what is broken inside shows itself here
                    pass
        except pydicom.errors.InvalidDicomError:
            continue
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise InputError(f"{source.name} cannot be unpacked ({error})", file=path) from error
        except Exception as error:  # a header may be broken in any way; the file is named
            raise InputError(
                f"{source.name} is a broken DICOM file ({type(error).__name__}: {str(error)[:150]})",
                file=path,
                remedy="Export it again, or take it out of the folder.",
            ) from error
        kind = getattr(header.file_meta.get("MediaStorageSOPClassUID"), "name", "")
        if "Image Storage" in kind and "Rows" not in header:
            raise InputError(
                f"{source.name} ends before its image", file=path, remedy="It is cut short: copy it again."
            )
        yield source, header


@contextmanager
def quiet() -> Iterator[None]:
    """pydicom's remarks about values of other people's files are no news to whoever reads an image."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield


def module() -> Any:
    """pydicom; MachineError says how to get it."""
    try:
        import pydicom
    except ImportError as error:
        raise MachineError(
            "reading DICOM needs pydicom", remedy="Install it: pip install 'spinloom[dicom]'."
        ) from error
    return pydicom


def _limit(files: int, size: int, path: Path) -> None:
    if files > MOST_FILES or size > MOST_BYTES:
        raise InputError(
            f"holds {files} files of {size / 2**30:.1f} GiB, more than the limit of {MOST_FILES} and 8 GiB",
            file=path,
            remedy="Name the folder of one series.",
        )
