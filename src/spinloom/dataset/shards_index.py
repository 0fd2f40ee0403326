"""The index beside a shard: where each member's bytes lie in the tar, and what they hash to.

One JSON object per line, in the order of the tar: key, member, offset and size [bytes], sha256.
A member is called KEY.EXTENSION; members of one key lie next to each other, as WebDataset has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.files import gate

BLOCK = 512
"""Bytes of a tar header, and what data are padded to."""

MEMBER_CAP = 4 * 2**30
"""Largest member that is written or read [bytes]."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+")
"""Member names: no folder, no "..", nothing a shell or a file system could stumble over; 100 characters at most."""

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
AGAIN = "Copy the shards again, or pack the data set again (`spinloom pack`)."


@dataclass(frozen=True)
class Entry:
    """One member: `offset` is where its data begin in the tar, `size` how many bytes they are."""

    key: str
    member: str
    offset: int
    size: int
    sha256: str

    @property
    def extension(self) -> str:
        return self.member[len(self.key) + 1 :]


def text_of(file: Path, *, cap_bytes: int = 2**30) -> str:
    """A UTF-8 text file of any size up to the cap, without memory for the cap. Raises InputError."""
    return gate.read_text(file, cap_bytes=gate.admit(file, cap_bytes=cap_bytes).stat().st_size)


def key_of(member: str) -> str:
    """What stands before the first dot."""
    return member.split(".", 1)[0]


def plausible_name(member: object) -> bool:
    return isinstance(member, str) and len(member) <= 100 and NAME.fullmatch(member) is not None


def to_lines(entries: Iterable[Entry]) -> str:
    return "".join(json.dumps(asdict(entry), separators=(",", ":")) + "\n" for entry in entries)


def from_lines(text: str, *, shard: Path, size: int) -> dict[str, tuple[Entry, ...]]:
    """Key → its entries, all checked against a tar of `size` bytes.

    Raises InputError, naming shard and member, for a name that leads elsewhere, an entry outside the tar or over
    another one, and a member above the cap.
    """
    found: dict[str, list[Entry]] = {}
    end, last = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        entry = _entry(line, number, shard)
        if entry.offset < end + BLOCK or entry.offset % BLOCK or entry.offset + entry.size > size:
            raise InputError(f"the index places {entry.member} where it cannot lie", file=shard, remedy=AGAIN)
        if entry.size > MEMBER_CAP:
            raise InputError(
                f"{entry.member} has {entry.size} bytes, the limit is {MEMBER_CAP}", file=shard, remedy=AGAIN
            )
        if entry.key != last and entry.key <= last:
            raise InputError(f"{entry.member} is out of order in the index", file=shard, remedy=AGAIN)
        end, last = entry.offset + entry.size, entry.key
        found.setdefault(entry.key, []).append(entry)
    return {key: tuple(entries) for key, entries in found.items()}


def _entry(line: str, number: int, shard: Path) -> Entry:
    try:
        value: Any = json.loads(line)
        entry = Entry(**value)
    except (ValueError, TypeError, RecursionError):
        raise InputError(f"line {number} of its index is damaged", file=shard, remedy=AGAIN) from None
    if not plausible_name(entry.member):
        raise InputError(
            f"refuses the member {str(entry.member)[:120]!r}: a name is KEY.EXTENSION without folders",
            file=shard,
            remedy="Take shards that `spinloom pack` or `spinloom generate` wrote.",
        )
    whole = all(type(n) is int and n >= 0 for n in (entry.offset, entry.size))
    if not whole or entry.key != key_of(entry.member) or not re.fullmatch(r"[0-9a-f]{64}", str(entry.sha256)):
        raise InputError(f"the index entry of {entry.member} is damaged", file=shard, remedy=AGAIN)
    return entry
