"""Hash a data set again and compare it with its manifest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.dataset.manifest import NAME, read_manifest
from spinloom.files import atomic, hashes
from spinloom.files.walk import files_below

NOT_LISTED = {NAME, "run.json", "failures.tsv", "report.html", "report.json"}
"""Files of a data set that hold times, or say so themselves."""


@dataclass(frozen=True)
class Verification:
    """What became of the files a manifest lists.

    whole    how many are as they were made
    missing, changed, unknown  paths relative to the data set; unknown: there, but not listed
    """

    out: Path
    whole: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.missing and not self.changed

    def facts(self) -> dict[str, object]:
        return {
            "folder": str(self.out),
            "whole": self.whole,
            "missing": list(self.missing),
            "changed": list(self.changed),
            "unknown": list(self.unknown),
        }

    def raise_if_damaged(self) -> None:
        if not self.ok:
            raise InputError(
                f"{len(self.missing)} files are missing and {len(self.changed)} changed, "
                f"first {(self.missing + self.changed)[0]}",
                file=self.out,
                remedy="Run the command that made it again (generate with its recipe.toml, or pack): it makes only "
                "what is damaged.",
            )


def verify(out: str | os.PathLike[str]) -> Verification:
    """Compare every file with the manifest; InputError if there is no manifest."""
    folder = Path(out)
    listed: dict[str, str] = read_manifest(folder)["files"]
    missing, changed = [], []
    for file, digest in listed.items():
        path = folder / file
        if not path.is_file():
            missing.append(file)
        elif hashes.sha256_file(path) != digest:
            changed.append(file)
    found = {str(p.relative_to(folder)) for p in files_below(folder)}
    unknown = sorted(f for f in found - set(listed) - NOT_LISTED if not _ours(f))
    whole = len(listed) - len(missing) - len(changed)
    return Verification(folder, whole, tuple(missing), tuple(changed), tuple(unknown))


def _ours(file: str) -> bool:
    return file.startswith(".spinloom/") or atomic.TEMP_MARK in file
