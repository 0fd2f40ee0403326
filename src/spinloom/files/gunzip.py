"""A gzip file from a stranger → its bytes, with no header and no crowd of members that keeps a reader busy."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

from spinloom.core.errors import InputError

CHUNK = 2**16
LONGEST_SILENCE = 2**16
"""Packed bytes that may go by before there is any data: names and comments of headers, and empty members [bytes]."""
MOST_MEMBERS = 100_000
"""Block-gzipped files have one per 64 KiB; each costs microseconds, whatever is in it."""
GZIP = 16 + zlib.MAX_WBITS
REMEDY = "Unpack it with gunzip, look at it, and give the unpacked file."


class Gunzip:
    """The unpacked bytes of a gzip file, all its members one after the other; zeros between and behind are padding.

    read(n) never unpacks more than n bytes. Raises zlib.error and EOFError for damage, InputError for a file whose
    headers are longer or whose members are more than any program writes.

    Deutsch, RFC 1952 (1996).
    """

    def __init__(self, packed: BinaryIO, path: str | os.PathLike[str]):
        self._packed, self._path = packed, path
        self._inflate = zlib.decompressobj(GZIP)
        self._rest = b""
        self._members, self._silent = 1, 0

    def read(self, n: int) -> bytes:
        """The next n bytes, fewer at the end."""
        parts: list[bytes] = []
        while n and (part := self._some(n)):
            parts.append(part)
            n -= len(part)
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        """1 to `most` bytes; none at the end."""
        while True:
            if self._inflate.eof and not self._next_member():
                return b""
            data = self._rest or self._packed.read(CHUNK)
            part = self._inflate.decompress(data, most)
            self._rest = self._inflate.unconsumed_tail
            if part:
                self._silent = 0
                return part
            if not data and not self._inflate.eof:
                raise EOFError("it ends within a member")
            self._silent += len(data) - len(self._rest) - len(self._inflate.unused_data)
            if self._silent > LONGEST_SILENCE:
                raise InputError(
                    f"has gzip headers of more than {LONGEST_SILENCE // 1024} KiB before any data",
                    file=self._path,
                    remedy=REMEDY,
                )

    def _next_member(self) -> bool:
        rest = self._inflate.unused_data
        while not (rest := rest.lstrip(b"\0")):
            if not (rest := self._packed.read(CHUNK)):
                return False
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise InputError(
                f"is made of more than {MOST_MEMBERS:,} gzip members".replace(",", " "),
                file=self._path,
                remedy=REMEDY,
            )
        self._inflate, self._rest = zlib.decompressobj(GZIP), rest
        return True
