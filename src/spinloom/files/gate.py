"""The gate every reader passes: what is this file, how large is it, how large will it become?"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from spinloom.core.errors import InputError, MachineError
from spinloom.files.gunzip import Gunzip

DEFAULT_CAP_BYTES = 8 * 2**30
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20


class Stream(Protocol):
    """What can be read from its beginning to its end."""

    def read(self, n: int, /) -> bytes: ...


def admit(path: str | os.PathLike[str], *, cap_bytes: int = DEFAULT_CAP_BYTES) -> Path:
    """Path of a regular, readable, non-empty file no larger than cap_bytes; InputError otherwise."""
    p = Path(path)
    try:
        info = p.stat()
    except FileNotFoundError:
        if p.is_symlink():
            raise InputError(
                "is a link to a file that is not here", file=p, remedy="Fetch its content first (git annex get?)."
            ) from None
        raise InputError("no such file", file=p, remedy="Check the path.") from None
    except OSError as error:
        raise InputError(
            f"cannot be opened: {error.strerror}", file=p, remedy="Check the path and its links."
        ) from error
    if stat.S_ISDIR(info.st_mode):
        raise InputError("is a folder, a file was expected", file=p, remedy="Name the file in it.")
    if not stat.S_ISREG(info.st_mode):
        raise InputError(
            "is not a regular file",
            file=p,
            remedy="Pipes, devices and sockets are never read: copy the content into a file.",
        )
    if not os.access(p, os.R_OK):
        raise InputError("no permission to read it", file=p, remedy="Ask its owner, or: chmod u+r.")
    if info.st_size == 0:
        raise InputError("is empty", file=p, remedy="Copy or download it again.")
    if info.st_size > cap_bytes:
        raise InputError(
            f"is {_said(info.st_size)}, more than the limit of {_said(cap_bytes)}",
            file=p,
            remedy="Cut or crop it first, or name a smaller file.",
        )
    return p


def _said(n_bytes: int) -> str:
    """A size for people: 9.5 MiB."""
    unit, name = next((u, n) for u, n in ((2**30, "GiB"), (2**20, "MiB"), (1, "bytes")) if n_bytes >= u or u == 1)
    return f"{n_bytes / unit:.3g} {name}" if unit > 1 else f"{n_bytes} bytes"


def is_gzip(path: Path) -> bool:
    with open(path, "rb") as handle:
        return handle.read(2) == GZIP_MAGIC


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """The (decompressed) bytes of an admitted file; damage becomes an InputError that names the file."""
    try:
        with open(path, "rb") as file:
            yield Gunzip(file, path) if is_gzip(path) else file
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"the compressed data is damaged or cut short ({error})", file=path, remedy="Copy or download it again."
        ) from error
    except MemoryError as error:
        raise MachineError(
            "not enough memory to read it", file=path, remedy="Close other programs, or use a machine with more memory."
        ) from error


def read_head(path: Path, n: int) -> bytes:
    """The first n (decompressed) bytes, fewer if there are fewer."""
    with open_stream(path) as stream:
        return stream.read(n)


def read_exactly(path: Path, n: int) -> bytes:
    """All n (decompressed) bytes of a file that must hold exactly n (trailing bytes refused), never inflating more."""
    with open_stream(path) as stream:
        parts: list[bytes] = []
        left = n
        while left and (part := stream.read(min(CHUNK, left))):
            parts.append(part)
            left -= len(part)
        if left:
            raise InputError(
                f"holds {n - left} bytes where its header promises {n}", file=path, remedy="Copy or download it again."
            )
        if stream.read(1):
            raise InputError(
                f"holds more bytes than the {n} its header promises",
                file=path,
                remedy="It is damaged or was appended to: copy it again.",
            )
        return b"".join(parts)


def read_text(path: str | os.PathLike[str], *, cap_bytes: int = 2**28) -> str:
    """A UTF-8 text file of bounded size."""
    p = admit(path, cap_bytes=cap_bytes)
    with open(p, "rb") as handle:
        data = handle.read(p.stat().st_size + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"is not UTF-8 text (byte {error.start})", file=p, remedy="Is it the right file? Text is saved as UTF-8."
        ) from error
