"""Members of one sample → bytes, each only after its tar header agrees with the index."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

from spinloom.core.errors import InputError, MachineError
from spinloom.dataset.shards_index import AGAIN, BLOCK, MEMBER_CAP, Entry


def read_members(shard: Path, entries: Sequence[Entry], *, verify: bool) -> dict[str, bytes]:
    """Extension → bytes. entries: checked ones, in the order of the tar; neighbours are read in one go."""
    found: dict[str, bytes] = {}
    try:
        with open(shard, "rb", buffering=0) as handle:
            for run in _runs(entries):
                start = run[0].offset - BLOCK
                wanted = run[-1].offset + run[-1].size - start
                handle.seek(start, os.SEEK_SET)
                data = _read(handle.fileno(), wanted)
                if len(data) < wanted:
                    raise InputError(f"is cut short within {run[0].member} or behind it", file=shard, remedy=AGAIN)
                for entry in run:
                    found[entry.extension] = _member(memoryview(data), entry, start, shard, verify)
    except FileNotFoundError:
        raise InputError("no such file", file=shard, remedy=AGAIN) from None
    except OSError as error:
        raise MachineError(
            f"cannot be read: {error.strerror}", file=shard, remedy="Check the disk and try again."
        ) from error
    except MemoryError as error:
        raise MachineError(
            f"not enough memory for {entries[0].key}", file=shard, remedy="Read fewer members (only=)."
        ) from error
    return found


def _member(data: memoryview, entry: Entry, start: int, shard: Path, verify: bool) -> bytes:
    at = entry.offset - start
    try:
        info = tarfile.TarInfo.frombuf(bytes(data[at - BLOCK : at]), "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError):
        raise InputError(f"the tar header of {entry.member} is damaged", file=shard, remedy=AGAIN) from None
    if not info.isreg() or info.name != entry.member or info.size != entry.size:
        what = f"{info.name[:120]!r}, {info.size} bytes" if info.isreg() else "no regular file"
        raise InputError(f"holds {what} where its index has {entry.member}", file=shard, remedy=AGAIN)
    content = bytes(data[at : at + entry.size])
    if verify and hashlib.sha256(content).hexdigest() != entry.sha256:
        raise InputError(f"{entry.member} was changed (SHA-256 differs from the index)", file=shard, remedy=AGAIN)
    return content


def _runs(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries that lie next to each other, together, up to the cap of one member."""
    runs: list[list[Entry]] = []
    for entry in entries:
        near = runs and entry.offset - (runs[-1][-1].offset + runs[-1][-1].size) < 2 * BLOCK
        if near and entry.offset + entry.size - runs[-1][0].offset <= MEMBER_CAP:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


def _read(handle: int, n: int) -> bytes:
    """n bytes, or fewer at the end of the file."""
    parts: list[bytes] = []
    while n and (part := os.read(handle, n)):
        parts.append(part)
        n -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
