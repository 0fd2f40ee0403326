"""Files against the checksums that came with them: SHA256SUMS, MD5SUMS, and archives whose MD5 is known."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

from spinloom.core.errors import InputError, UsageError
from spinloom.dataset.scans import Found
from spinloom.files import gate

LISTS = re.compile(r"^(?:(?:sha256|md5)sums?(?:\.txt)?|checksums?(?:\.(?:md5|sha256|txt))?|.*\.(?:md5|sha256))$", re.I)
LINE = re.compile(r"^(?P<digest>[0-9a-fA-F]{64}|[0-9a-fA-F]{32}) [ *]?(?P<name>.+)$")
"""As `sha256sum` and `md5sum` write it."""


def verified(found: Found, folder: str | os.PathLike[str]) -> tuple[Found, int]:
    """The scans whose files are as listed, or not listed, and how many listed files were compared and right.

    A file that is missing or differs is a fault that names it, and its scan is left out. Raises UsageError if there is
    nothing to compare with, InputError for a list that names files outside its folder or is none.
    """
    root = Path(folder)
    listed = {file: digest for one in _lists(root) for file, digest in _read(one).items()}
    for key, digest in found.about.items():
        if key.startswith("MD5 of ") and (root / key.removeprefix("MD5 of ")).is_file():
            listed.setdefault(root / key.removeprefix("MD5 of "), digest)
    if not listed:
        raise UsageError(
            f"{root} holds no list of checksums, and of this layout's single files none are known",
            remedy="Put the authors' SHA256SUMS or MD5SUMS into the folder, or leave --verify-checksums out.",
        )
    faults = [(file, fault) for file, digest in sorted(listed.items()) if (fault := _fault(file, digest))]
    wrong = {file.resolve() for file, _ in faults}
    kept = tuple(s for s in found.scans if not wrong & {f.resolve() for f in _files(s.path, s.slices)})
    if not kept:
        raise InputError(f"no scan is as listed; first of {len(faults)}: {faults[0][1]}", file=faults[0][0])
    return replace(found, scans=kept, faults=(*found.faults, *faults)), len(listed) - len(faults)


def _lists(root: Path) -> list[Path]:
    return sorted(file for file in root.iterdir() if file.is_file() and LISTS.match(file.name))


def _read(file: Path) -> dict[Path, str]:
    made = {}
    for text in gate.read_text(file, cap_bytes=2**28).splitlines():
        if not text.strip() or text.startswith("#"):
            continue
        line = LINE.match(text.strip())
        if not line:
            raise InputError(
                f"has a line that is no checksum: {text[:60]!r}", file=file, remedy="Write it by sha256sum."
            )
        name = Path(line["name"].replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise InputError(
                f"names {name}, which is not in its folder", file=file, remedy="Use paths below the folder."
            )
        made[file.parent / name] = line["digest"].lower()
    return made


def _fault(file: Path, digest: str) -> str | None:
    if not file.is_file():
        return "is listed with a checksum and is not here. Download it again."
    with open(file, "rb") as handle:
        got = hashlib.file_digest(handle, "sha256" if len(digest) == 64 else "md5").hexdigest()
    return None if got == digest else f"has the checksum {got}, and {digest} is listed. Download it again."


def _files(path: Path, slices: tuple[tuple[int, Path], ...]) -> list[Path]:
    """Every file that a scan is made of."""
    if slices:
        return [file for _, file in slices]
    if path.is_dir():
        return [file for file in path.iterdir() if file.is_file()]
    return [path, *(p for p in (path.with_suffix(".raw"), path.with_suffix(".zraw")) if path.suffix.lower() == ".mhd")]
