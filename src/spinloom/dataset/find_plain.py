"""Scans of a folder without a standard: names and folders are read for subject, visit and contrast."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spinloom.dataset.find_files import SLICES, is_dicom, stem_of, suffix_of
from spinloom.dataset.find_names import Said, quantity_of, said_by
from spinloom.dataset.scans import Found, Scan, in_order

PARTS = frozenset(
    ["train", "training", "trn", "val", "valid", "validation", "test", "testing", "images", "data", "anat", "dicom"]
)
"""Folders that say neither whose a scan is nor what it shows."""


@dataclass(frozen=True)
class Plain:
    """One folder per subject, or names with the subject in them, or one folder per contrast with equal names.

    The contrast is a word of the file's name (t1, T2w, flair, ct, mask ...), else of the nearest folder above, else,
    where several folders hold the same names, the folder itself (A/ and B/) or, where the folders are more than the
    names, the name. The subject is what is left of the name or, where that is nothing or the same in several folders,
    the folder. DICOM files of one folder are one scan, and so
    are PNG, JPEG and NPY slices of a contrast's folder within a subject's.
    """

    name: str = "plain"

    def share(self, folder: Path, files: tuple[PurePosixPath, ...]) -> float:
        return 1.0

    def find(self, folder: Path, files: tuple[PurePosixPath, ...]) -> Found:
        items = _items(folder, files)
        grid = _grid_of_names(items)
        said = {item: said_by(stem_of(item.name) if suffix_of(item.name) else item.name) for item in items}
        repeated = _repeated(items, said)
        scans, faults = [], []
        for item in items:
            contrast = said[item].contrast or _above(item)
            if not contrast and item in grid:
                subject, contrast = grid[item]
                scans.append(Scan(folder / item, subject, None, contrast, quantity_of(contrast)))
                continue
            if not contrast:
                faults.append((folder / item, NO_CONTRAST))
                continue
            owner = _owner(item)
            rest = said[item].rest
            subject = owner if owner and (not rest or rest in repeated) else rest or folder.resolve().name
            session = said[item].session or next((s for p in item.parent.parts if (s := said_by(p).session)), None)
            scans.append(Scan(folder / item, subject, session, contrast, quantity_of(contrast)))
        return Found(in_order(scans), self.name, tuple(faults))


PLAIN = Plain()
NO_CONTRAST = "its name says no contrast. Name it like sub01_T1w.nii.gz, or put it in a folder T1w/."


def _items(root: Path, files: tuple[PurePosixPath, ...]) -> list[PurePosixPath]:
    """Files that are scans by themselves, and folders that are one scan."""
    series = {f.parent for f in files if is_dicom(root, f)}
    series |= {f.parent for f in files if suffix_of(f.name) in SLICES and said_by(f.parent.name).contrast and _owner(f)}
    single = [f for f in files if f.parent not in series]
    return sorted([*single, *(folder for folder in series if folder.parts)])


def _above(item: PurePosixPath) -> str | None:
    """The contrast the nearest folder above names; trainT1 and T1_images count."""
    for part in reversed(item.parent.parts):
        bare = part
        for word in ("train", "test", "val"):
            if bare.lower().startswith(word) and len(bare) > len(word):
                bare = bare[len(word) :].lstrip("_-")
        if contrast := said_by(bare).contrast:
            return contrast
    return None


def _owner(item: PurePosixPath) -> str | None:
    """The nearest folder above that names neither contrast nor visit nor part."""
    for part in reversed(item.parent.parts):
        said = said_by(part)
        if part.lower() not in PARTS and not said.session and not (said.contrast and not said.rest):
            return part
    return None


def _repeated(items: list[PurePosixPath], said: dict[PurePosixPath, Said]) -> set[str]:
    """What is left of names in several subjects' folders: it tells nobody apart."""
    owners = defaultdict(set)
    for item in items:
        if owner := _owner(item):
            owners[said[item].rest].add(owner)
    return {rest for rest, whose in owners.items() if len(whose) > 1}


def _grid_of_names(items: list[PurePosixPath]) -> dict[PurePosixPath, tuple[str, str]]:
    """Subject and contrast of files in folders that share names: the smaller side of folders x names is contrasts."""
    folders = defaultdict(set)
    for item in items:
        if len(item.parts) == 2 and not said_by(stem_of(item.name)).contrast:
            folders[item.name].add(item.parent.name)
    sharing = {folder for where in folders.values() if len(where) > 1 for folder in where}
    names = {name for name, where in folders.items() if where & sharing}
    by_folder = len(sharing) <= len(names)
    pairs = {item: (stem_of(item.name), item.parent.name) for item in items if item.parent.name in sharing}
    return pairs if by_folder else {item: (folder, name) for item, (name, folder) in pairs.items()}
