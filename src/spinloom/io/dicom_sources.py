"""The files of a folder or zip, bounded in number and size; nothing is unpacked to disk."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from spinloom.core.errors import InputError
from spinloom.files import gate
from spinloom.files.walk import walk

MOST_FILES = 50_000
MOST_BYTES = 8 * 2**30
ONE_FILE = 2 * 2**30
SUSPECT_BYTES, SUSPECT_RATIO = 64 * 2**20, 200
"""A zip's member, or a whole zip, that is both larger and packed tighter than this is no scan."""
LONGEST_TABLE = 16 * 2**20
"""Bytes of a zip's table of contents: 50,000 names of 250 letters."""

UNPACK = "If you trust it, unpack it and name the folder."


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
        for file in (folder / name for folder, names in walk(path) for name in names):
            if _plain(PurePosixPath(file.relative_to(path).as_posix())) and file.is_file():
                found.append(Source(file))
                _limit(len(found), 0, path)
        return sorted(found, key=lambda source: source.path)
    gate.admit(path, cap_bytes=MOST_BYTES)
    if not zipfile.is_zipfile(path) or Source(path).head(132)[128:] == b"DICM":
        if path.suffix.lower() == ".zip":
            raise InputError("is no zip, or a damaged one", file=path, remedy="Download it again.")
        return [Source(path)]
    return _members(path)


def _members(path: Path) -> list[Source]:
    """The files in a zip, after its table of contents was looked at; names are labels, never places.

    Refused: links, devices and encrypted members, more than the limits, members or a whole that grow suspiciously
    (overlapping members share their bytes: D. Fifield, A better zip bomb, WOOT 2019).
    """
    if (table := _table_bytes(path)) > LONGEST_TABLE:
        raise InputError(f"has a table of contents of {table / 2**20:.0f} MiB", file=path, remedy=UNPACK)
    try:
        packed = zipfile.ZipFile(path)
        members = [m for m in packed.infolist() if not m.is_dir() and _plain(PurePosixPath(m.filename))]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, struct.error) as error:
        raise InputError(f"is a damaged zip ({str(error)[:150]})", file=path, remedy="Download it again.") from error
    total = sum(m.file_size for m in members)
    _limit(len(members), total, path)
    for m in members:
        if (kind := stat.S_IFMT(m.external_attr >> 16)) not in (0, stat.S_IFREG):
            what = "a link" if kind == stat.S_IFLNK else "a special file"
            raise InputError(f"holds {m.filename}, which is {what}", file=path, remedy="Pack it again without it.")
        if m.file_size > ONE_FILE or (m.file_size > SUSPECT_BYTES and m.file_size > SUSPECT_RATIO * m.compress_size):
            raise InputError(
                f"holds {m.filename}, which would become {m.file_size / 2**20:.0f} MiB from "
                f"{m.compress_size / 2**20:.1f} MiB",
                file=path,
                remedy=UNPACK,
            )
    if total > SUSPECT_BYTES and total > SUSPECT_RATIO * path.stat().st_size:
        raise InputError(
            f"would become {total / 2**20:.0f} MiB from {path.stat().st_size / 2**20:.1f} MiB", file=path, remedy=UNPACK
        )
    return [Source(path, m.filename, packed) for m in sorted(members, key=lambda m: m.filename)]


def _table_bytes(path: Path) -> int:
    """What the end of a zip says of the length of its table of contents (APPNOTE 4.3.14, 4.3.16)."""
    with open(path, "rb") as handle:
        handle.seek(max(0, path.stat().st_size - 2**16 - 98))
        tail = handle.read()
    at = max(tail.rfind(b"PK\5\6"), 0)
    long = tail[max(at - 76, 0) : max(at - 20, 0)] if tail[max(at - 20, 0) :].startswith(b"PK\6\7") else b""
    record = long[40:48] if long.startswith(b"PK\6\6") else tail[at + 12 : at + 16]
    return int.from_bytes(record, "little")


def _plain(path: PurePosixPath) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.parts if part not in (".", ".."))


def _limit(files: int, size: int, path: Path) -> None:
    if files > MOST_FILES or size > MOST_BYTES:
        raise InputError(
            f"holds {files} files of {size / 2**30:.1f} GiB, more than the limit of {MOST_FILES} and 8 GiB",
            file=path,
            remedy="Name the folder of one series.",
        )
