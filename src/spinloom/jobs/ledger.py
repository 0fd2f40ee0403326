"""The output folder is the ledger: a receipt per finished unit says what it made and from which settings.

A unit that failed has a line, too, until it is done: what each part of a job array could not do, the others can tell.
A unit is skipped only when its receipt was made from the same settings and every file it names is there, whole: of the
size and time it had when it was sealed, or else with the same SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spinloom.files import hashes
from spinloom.jobs.journal import Journal, Line
from spinloom.jobs.units import Json

JOURNAL = Path(".spinloom") / "journal"


@dataclass(frozen=True)
class Ledger:
    """Receipts of one run.

    folder  the output folder
    config  hash of everything that decides the bytes
    """

    folder: Path
    config: str
    _lines: dict[str, Line] = field(default_factory=dict, repr=False, compare=False)
    _bare: set[str] = field(default_factory=set, repr=False, compare=False)
    _failed: dict[str, Line] = field(default_factory=dict, repr=False, compare=False)
    _others: dict[tuple[str, str], Line] = field(default_factory=dict, repr=False, compare=False)
    _read: list[Journal] = field(default_factory=list, repr=False, compare=False)

    def seal(self, name: str, files: list[str], facts: Json) -> Json:
        """Receipt of a finished unit, written last.

        files  paths of what it made, relative to the folder
        facts  JSON values worth keeping (no times: receipts are the same whoever makes them)
        """
        receipt = {
            "unit": name,
            "config": self.config,
            "files": {file: hashes.sha256_file(self.folder / file) for file in sorted(files)},
            "facts": facts,
        }
        Journal(self.folder / JOURNAL).append({"receipt": receipt, "stat": {file: self._stat(file) for file in files}})
        return receipt

    def fail(self, name: str, outcome: Json) -> None:
        """Keep what became of a unit that failed, as `to_json` has it."""
        Journal(self.folder / JOURNAL).append({"failed": name, "config": self.config, "outcome": outcome})

    def failed(self) -> dict[str, Json]:
        """Of each unit that failed when it was last tried (as of the last refresh)."""
        found = {name: line.read() for name, line in sorted(self._failed.items()) if not self.done(name)}
        return {n: v["outcome"] for n, v in found.items() if v and isinstance(v.get("outcome"), dict)}

    def refresh(self) -> int:
        """Take up what was sealed since, by whomever; returns how many units have a receipt of these settings."""
        if not self._read:
            self._read.append(Journal(self.folder / JOURNAL))
        for line, value in self._read[0].news():
            receipt = value.get("receipt")
            if isinstance(value.get("failed"), str) and value.get("config") == self.config:
                self._failed[value["failed"]] = line
            if not isinstance(receipt, dict) or "unit" not in receipt:
                continue
            if receipt.get("config") != self.config:
                self._others[str(receipt.get("config")), receipt["unit"]] = line
                continue
            self._lines[receipt["unit"]] = line
            if not receipt.get("files"):
                self._bare.add(receipt["unit"])
        return len(self._lines)

    def done(self, name: str) -> bool:
        """Whether the unit need not run again (as of the last refresh)."""
        return name in self._bare or self.finished(name) is not None

    def over(self, name: str) -> bool:
        """Whether the unit is done, or failed when it was last tried (as of the last refresh)."""
        return name in self._failed or self.done(name)

    def finished(self, name: str) -> Json | None:
        """The receipt, if the unit need not run again (as of the last refresh)."""
        value = self._value(name)
        if value is None:
            return None
        receipt: Json = value["receipt"]
        for file, digest in receipt["files"].items():
            now = self._stat(file)
            if now is None or (now != value["stat"].get(file) and hashes.sha256_file(self.folder / file) != digest):
                return None
        return receipt

    def read(self, name: str) -> Json | None:
        """The receipt as it was sealed (as of the last refresh), whatever became of its files."""
        value = self._value(name)
        return None if value is None else value["receipt"]

    def compact(self) -> None:
        """One journal file instead of many, with the receipts of other settings, too: a study's folder has groups.

        Only by the one run that holds the folder's lock.
        """
        self.refresh()
        self._read[0].compact([*self._lines.values(), *self._others.values()])
        for kept in (self._read, self._lines, self._bare, self._failed, self._others):
            kept.clear()
        self.refresh()

    def _value(self, name: str) -> Json | None:
        if not self._read:
            self.refresh()
        line = self._lines.get(name)
        value = None if line is None else line.read()
        sound = value is not None and isinstance(value.get("stat"), dict) and isinstance(value.get("receipt"), dict)
        return value if sound and isinstance(value["receipt"].get("files"), dict) else None  # type: ignore[index]

    def _stat(self, file: str) -> list[int] | None:
        """[bytes, nanoseconds of the last change]"""
        path = self.folder / file
        if not path.is_file():
            return None
        told = path.stat()
        return [told.st_size, told.st_mtime_ns]
