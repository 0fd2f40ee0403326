"""Label maps in a folder of their own, and which of them may belong to a scan."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.dataset.find_bids import NAME
from spinloom.dataset.find_files import VOLUMES, image_files, stem_of, suffix_of
from spinloom.dataset.find_names import identity, said_by
from spinloom.dataset.scans import Scan


@dataclass(frozen=True)
class LabelMap:
    """path, whose it may be by file and folder names, and of which visit (None: nobody said)."""

    path: Path
    subjects: frozenset[str]
    session: str | None


def find_labels(folder: str | os.PathLike[str]) -> tuple[LabelMap, ...]:
    """Of a BIDS derivative the _dseg files; else every NIfTI or MHA, in order of path.

    Raises InputError for a folder that is missing or holds none.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError("no such folder", file=root, remedy="Give the folder that holds the label maps.")
    files = [root / f for f in image_files(root) if suffix_of(f.name) in VOLUMES]
    segmented = [f for f in files if (m := NAME.match(stem_of(f.name))) and m["suffix"] == "dseg"]
    found = tuple(_named(f, root) for f in segmented or files)
    if not found:
        raise InputError("holds no label map (NIfTI, MHA)", file=root, remedy="Check the path.")
    return found


def labels_of(scan: Scan, maps: Iterable[LabelMap]) -> tuple[LabelMap, ...]:
    """Those of the scan's subject and visit, or of the scan's own name; the likeliest first.

    Likelier: the same name, then more words in common (res-T1w_dseg of a T1w), then by path.
    """
    stem, who = stem_of(scan.path.name), identity(scan.subject)

    def fits(m: LabelMap) -> bool:
        same_visit = m.session is None or scan.session is None or identity(m.session) == identity(scan.session)
        return same_visit and (who in m.subjects or stem_of(m.path.name) == stem)

    def order(m: LabelMap) -> tuple[bool, int, str]:
        words = set(stem.replace("-", "_").split("_"))
        name = stem_of(m.path.name)
        return name != stem, -len(words & set(name.replace("-", "_").split("_"))), str(m.path)

    return tuple(sorted((m for m in maps if fits(m)), key=order))


def _named(file: Path, root: Path) -> LabelMap:
    stem, above = stem_of(file.name), file.relative_to(root).parent.parts
    if match := NAME.match(stem):
        return LabelMap(file, frozenset([identity(f"sub-{match['subject']}")]), match["session"])
    said = said_by(stem)
    session = said.session or next((s for part in above if (s := said_by(part).session)), None)
    names = [said.rest] if said.rest else []
    names += [part for part in above if not said_by(part).session]
    return LabelMap(file, frozenset(identity(name) for name in names), session)
