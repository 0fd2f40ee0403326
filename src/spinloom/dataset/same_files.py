"""Images of two people that are the same bytes: one of the two is somebody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from spinloom.core.image import Quantity
from spinloom.dataset.find_names import identity
from spinloom.dataset.pairs import Pair
from spinloom.dataset.scans import Scan
from spinloom.files.hashes import sha256_file


def same_files(cases: Iterable[Pair | Scan]) -> tuple[tuple[Path, str], ...]:
    """(image, what to know of it) of every image that somebody else has too, byte by byte; masks and labels aside.

    Only files of one size are read. Of a series the first file counts.
    """
    sizes: dict[int, dict[Path, str]] = defaultdict(dict)
    for scan in (s for case in cases for s in (case.scans.values() if isinstance(case, Pair) else (case,))):
        file = _first(scan)
        if scan.quantity is not Quantity.LABEL and file is not None and file.is_file():
            sizes[file.stat().st_size][file] = scan.subject
    found = []
    for files in sizes.values():
        if len({identity(who) for who in files.values()}) < 2:
            continue
        alike: dict[str, list[Path]] = defaultdict(list)
        for file in sorted(files):
            alike[sha256_file(file)].append(file)
        for same in alike.values():
            whose = {identity(files[file]): files[file] for file in same}
            if len(whose) > 1:
                found.append(
                    (same[0], f"is byte by byte one image of {len(whose)} people: {', '.join(whose.values())}")
                )
    return tuple(sorted(found))


def _first(scan: Scan) -> Path | None:
    if scan.slices:
        return scan.slices[0][1]
    if scan.path.is_dir():
        return next((p for p in sorted(scan.path.iterdir()) if p.is_file()), None)
    return scan.path
