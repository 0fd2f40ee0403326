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
    make_folder(final.parent)
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


def make_folder(path: str | os.PathLike[str]) -> Path:
    """A folder to write to, made with those above it where it is not there. Raises MachineError."""
    folder = Path(path)
    with explained(folder, "this folder cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


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
def explained(path: Path, fault: str = "cannot write") -> Iterator[None]:
    """OSError while writing → MachineError that says what to do.

    A folder that takes no new files (/proc, some network disks) answers as if there were "no such file".
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError("the disk is full", file=path, remedy="Free some space and run again.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise MachineError(
                "no permission to write here", file=path, remedy="Choose another output folder."
            ) from error
        if error.errno == errno.ENOENT and (place := _closed(error, path)):
            raise MachineError(
                f"cannot be written: {place} takes no new files or folders",
                file=path,
                remedy="Choose another output folder.",
            ) from error
        raise MachineError(
            f"{fault}: {error.strerror or error}", file=path, remedy="Choose another output folder."
        ) from error


def _closed(error: OSError, path: Path) -> Path | None:
    """The folder that is there and yet did not take `path`, a folder above it, or a temp file for it; None: not so."""
    if isinstance(error.filename, str | bytes):
        refused = Path(os.fsdecode(error.filename))
        ours = refused in (path, *path.parents) or refused.name.startswith(TEMP_MARK)
    else:  # HDF5 says it in its text
        refused, ours = path, TEMP_MARK in str(error)
    return refused.parent if ours and refused.parent.is_dir() else None
