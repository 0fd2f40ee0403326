"""Lines that are only ever added: one file per writing process, so that writers never meet.

A line that a kill cut short is no line. Lines are forced to the disk with one that is added, at most every half second;
what a power failure takes with it is done again.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from spinloom.files import atomic
from spinloom.jobs.units import Json

SUFFIX = ".jsonl"
SYNC_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line lies: its file, its first byte and its length."""

    file: Path
    start: int
    length: int

    def read(self) -> Json | None:
        """Its value; None if it is not there any more."""
        try:
            with open(self.file, "rb") as handle:
                handle.seek(self.start)
                return parsed(handle.read(self.length))
        except OSError:
            return None


@dataclass(eq=False)
class Journal:
    """folder  of the segments;  seen  how far each has been read."""

    folder: Path
    seen: dict[Path, int] = field(default_factory=dict)

    def append(self, value: Json) -> None:
        """Add a line. Raises MachineError if it cannot be written."""
        with atomic.explained(self.folder):
            _segment(self.folder).add(json.dumps(value, sort_keys=True, ensure_ascii=False).encode() + b"\n")

    def news(self) -> Iterator[tuple[Line, Json]]:
        """Whole lines that were added since the last call, by any process."""
        for file, size in self._segments():
            start = self.seen.get(file, 0)
            if size <= start:
                continue
            try:
                handle = open(file, "rb")  # noqa: SIM115
            except OSError:
                continue
            with handle:
                handle.seek(start)
                for text in handle:
                    if not text.endswith(b"\n"):
                        break
                    value = parsed(text)
                    if value is not None:
                        yield Line(file, start, len(text)), value
                    start += len(text)
            self.seen[file] = start

    def _segments(self) -> list[tuple[Path, int]]:
        """Files and their sizes [bytes], by name."""
        found = []
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and not entry.name.startswith(atomic.TEMP_MARK):
                    with suppress(FileNotFoundError):  # compacted meanwhile
                        found.append((Path(entry.path), entry.stat().st_size))
        return sorted(found)

    def compact(self, lines: Iterable[Line]) -> None:
        """Keep these lines alone, in one file. Only while nobody else writes."""
        old = list(self.folder.glob(f"*{SUFFIX}"))
        if len(old) < 2:
            return
        with atomic.staged(self.folder / f"{secrets.token_hex(8)}{SUFFIX}") as temp, open(temp, "xb") as out:
            for line in lines:
                with open(line.file, "rb") as handle:
                    handle.seek(line.start)
                    out.write(handle.read(line.length))
        for file in old:
            _forget(file)
            file.unlink(missing_ok=True)


def parsed(text: bytes) -> Json | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(eq=False)
class _Segment:
    """This process's own file of a journal."""

    file: Path
    handle: int
    pid: int
    synced: float = 0.0

    def add(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(self.handle, view) :]
        if time.monotonic() - self.synced > SYNC_SECONDS:
            os.fsync(self.handle)
            self.synced = time.monotonic()


_open: dict[Path, _Segment] = {}


def _segment(folder: Path) -> _Segment:
    """A forked child does not go on in its parent's file."""
    found = _open.get(folder)
    if found is None or found.pid != os.getpid() or not found.file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o644)
        for place in (folder, *folder.parents[:2]):  # a name lasts when its folder is synced
            atomic.sync_folder(place)
        found = _open[folder] = _Segment(file, handle, os.getpid())
    return found


def _forget(file: Path) -> None:
    """Close this process's own segment if it is this file."""
    own = _open.get(file.parent)
    if own is not None and own.file == file:
        os.close(own.handle)
        del _open[file.parent]
