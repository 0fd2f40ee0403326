"""The output folder is the ledger: a receipt per finished unit says what it made and from which settings.

A unit is skipped only when its receipt was made from the same settings and every file it names is there,
whole, with the same SHA-256.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from spinloom.files import atomic, hashes
from spinloom.jobs.units import Json


@dataclass(frozen=True)
class Ledger:
    """Receipts of one run.

    folder  the output folder
    config  hash of everything that decides the bytes
    """

    folder: Path
    config: str

    def path(self, name: str) -> Path:
        return self.folder / ".spinloom" / "receipts" / f"{name}.json"

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
        atomic.write_json(self.path(name), receipt)
        return receipt

    def finished(self, name: str) -> Json | None:
        """The receipt, if the unit need not run again."""
        receipt = self.read(name)
        if receipt is None or receipt.get("config") != self.config:
            return None
        for file, digest in receipt["files"].items():
            path = self.folder / file
            if not path.is_file() or hashes.sha256_file(path) != digest:
                return None
        return receipt

    def read(self, name: str) -> Json | None:
        """The receipt as it lies there, checked for nothing but being one."""
        try:
            receipt: Json = json.loads(self.path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return receipt if isinstance(receipt, dict) and isinstance(receipt.get("files"), dict) else None
