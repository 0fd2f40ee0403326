"""The one way files are written: temp in the same folder → flush → fsync → rename → fsync of the folder.

A reader sees the old file, the new file, or none; never half of one, whatever is killed or full.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spinloom.core.errors import MachineError
from spinloom.files.walk import files_below

TEMP_MARK = ".spinloom-tmp-"
LONGEST = 40
"""Characters of the final name in the temp name: disks take 255 bytes, and what fits must still fit with the mark."""


@contextmanager
def staged(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temp path to write to; when the block ends well it becomes `path`, otherwise it is removed.

    The temp name keeps the suffix of `path`, for libraries that choose the format by it.
    """
    final = Path(path)
    with explained(final):
        final.parent.mkdir(parents=True, exist_ok=True)
    temp = final.with_name(f"{TEMP_MARK}{os.getpid()}-{secrets.token_hex(4)}-{final.name[-LONGEST:]}")
    try:
        with explained(final):
            yield temp
            with open(temp, "rb") as handle:
                os.fsync(handle.fileno())
            temp.replace(final)
            sync_folder(final.parent)
    finally:
        with suppress(OSError):
            temp.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Bytes under a final name, whole or not at all. Raises MachineError."""
    with staged(path) as temp, open(temp, "xb") as handle:
        handle.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Text as UTF-8, whole or not at all; bytes of file names that are no text as \\udcXX, which JSON reads back.

    Raises MachineError.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], value: object) -> None:
    """UTF-8, two spaces, sorted keys, no NaN: the same value is always the same bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def gzip_bytes(data: bytes, level: int = 1) -> bytes:
    """Deterministic gzip: no name, no time."""
    return gzip.compress(data, compresslevel=level, mtime=0)


def write_with(path: str | os.PathLike[str], write: Callable[[Path], object]) -> None:
    """Let a library write to the temp path: write_with(out, lambda p: seq.write(str(p)))."""
    with staged(path) as temp:
        write(temp)


def remove_leftovers(folder: str | os.PathLike[str]) -> int:
    """Delete temp files of killed runs under a folder; returns how many."""
    found = [p for p in files_below(folder) if p.name.startswith(TEMP_MARK)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def sync_folder(folder: Path) -> None:
    """Names in a folder last from here on."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """OSError while writing → MachineError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError("the disk is full", file=path, remedy="Free some space and run again.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise MachineError(
                "no permission to write here", file=path, remedy="Choose another output folder."
            ) from error
        raise MachineError(
            f"cannot write: {error.strerror or error}", file=path, remedy="Choose another output folder."
        ) from error
