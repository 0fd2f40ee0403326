"""Scans of a folder without a standard: names and folders are read for subject, visit and contrast."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from spinloom.dataset.find_files import SLICES, is_dicom, is_slice, stem_of, suffix_of
from spinloom.dataset.find_names import AXIS, PICTURE, SLICE, Said, quantity_of, said_by
from spinloom.dataset.find_slices import NOBODY, apart, is_person, stacked, told, whose_slices
from spinloom.dataset.scans import Found, Scan, in_order

_NO_PERSON = (
    "train training trn val valid validation test testing trainingdata testdata images imagestr imagests "
    "data anat dicom nifti orig pre raw rawdata sourcedata preprocessed processed unprocessed "
    "derivatives mninonlinear t1w t2w 3t 7t release"
)
PARTS = frozenset(_NO_PERSON.split())
"""Folders that say neither whose a scan is nor what it shows."""
SERIES = re.compile(r"^(?:series|ser|scan|run|acq|stack)[\W_]*\d*$", re.IGNORECASE)


@dataclass(frozen=True)
class Plain:
    """One folder per subject, or names with the subject in them, or one folder per contrast with equal names.

    The contrast is a word of the file's name (t1, T2w, flair, ct, mask ...), else of the nearest folder above, else,
    where several folders hold the same names, the folder itself (A/ and B/) or, where the folders are more than the
    names, the name. The subject is what is left of the name or, where that is nothing or the same in several folders,
    the folder. DICOM files of one folder are one scan, and so are PNG, JPEG and NPY slices of a contrast's folder
    within a subject's; slices named by person and number (patient19_slice040) are one scan of the person, see
    `whose_slices`.
    """

    name: str = "plain"

    def explains(self, folder: Path, files: tuple[PurePosixPath, ...]) -> int:
        return 0

    def find(self, folder: Path, files: tuple[PurePosixPath, ...]) -> Found:
        items = _items(folder, files)
        grid = _grid_of_names(items)
        slices = {item for item in items if suffix_of(item.name) in SLICES and is_slice(folder, item)}
        said = {item: _said(item, item in slices) for item in items}
        gridded = {i: of for i, of in grid.items() if not (said[i].contrast or _above(i))}
        named = {i for i, (subject, _) in gridded.items() if subject == stem_of(i.name)}
        whose = whose_slices({i: said[i] for i in slices}, {i: None if i in named else _owner(i) for i in slices})
        repeated = _repeated(items, said)
        scans: list[tuple[Scan, int | None]] = []
        faults: list[tuple[Path, str]] = []
        for item in items:
            contrast = said[item].contrast or _above(item) or gridded.get(item, ("", ""))[1]
            session = said[item].session or next((s for p in item.parent.parts if (s := said_by(p).session)), None)
            if not contrast:
                faults.append((folder / item, NO_CONTRAST))
                continue
            number, anonymous = None, False
            if item in slices and (item not in gridded or item in named):
                subject, number, anonymous = whose[item].subject, whose[item].number, whose[item].anonymous
            elif item in gridded:
                subject, session = gridded[item][0], None
            else:
                subject, session = _person(item, said[item], repeated, folder.resolve().name, session)
            scan = Scan(folder / item, subject, session, contrast, quantity_of(contrast), anonymous=anonymous)
            scans.append((scan, number))
        if any(len(f.parts) == 1 and is_dicom(folder, f) for f in files):
            if (whole := _itself(folder)) and not scans:
                scans.append((whole, None))
            else:
                faults.append((folder, ITSELF))
        made, twice = stacked(scans)
        return Found(in_order(made), self.name, (*faults, *twice), notes=told(made))


PLAIN = Plain()
ITSELF = (
    "holds DICOM files by itself. Name a folder of one series by its contrast (patient01_T1w, CT), or put it into one "
    "of its subject (patient01/T1w)."
)
NO_CONTRAST = "its name says no contrast. Name it like sub01_T1w.nii.gz, or put it in a folder T1w/."


def _itself(folder: Path) -> Scan | None:
    """The folder as one DICOM series, if its name says a contrast; the subject is the rest, or the folder above."""
    place = folder.resolve()
    said = said_by(place.name)
    if not said.contrast:
        return None
    return Scan(folder, said.rest or place.parent.name, said.session, said.contrast, quantity_of(said.contrast))


def _said(item: PurePosixPath, is_picture: bool) -> Said:
    """What the name says; the number of a slice is taken out of it where something else tells whose it is."""
    stem = stem_of(item.name) if suffix_of(item.name) else item.name
    if is_picture:
        return said_by(stem, PICTURE)
    if is_person((said := said_by(stem, AXIS)).rest):
        return said
    said = said_by(stem, SLICE)
    return said if _owner(item) or not NOBODY.match(said.rest) else said_by(stem)


def _person(
    item: PurePosixPath, said: Said, repeated: set[str], fallback: str, session: str | None
) -> tuple[str, str | None]:
    """Subject and visit of a volume; a single slice, or a number after a person's name, is a visit of its own."""
    owner, rest = _owner(item), said.rest
    if (match := re.match(r"^([a-z]+\d+)-(\d+)$", rest, re.IGNORECASE)) and is_person(match[1]):
        rest, session = match[1], "-".join(part for part in (session, match[2]) if part)
    if said.slice is not None:
        session = "-".join(part for part in (session, f"slice{said.slice}") if part)
    return (owner if owner and (not rest or rest in repeated) else rest or fallback), session


def _items(root: Path, files: tuple[PurePosixPath, ...]) -> list[PurePosixPath]:
    """Files that are scans by themselves, and folders that are one scan."""
    series = {f.parent for f in files if is_dicom(root, f)}
    stems = defaultdict(set)
    for f in files:
        if suffix_of(f.name) in SLICES and said_by(f.parent.name).contrast and _owner(f):
            stems[f.parent].add(apart(said_by(stem_of(f.name), PICTURE).rest)[0])
    series |= {parent for parent, names in stems.items() if len(names) == 1}
    single = [f for f in files if f.parent not in series or not (f.parent.parts or is_dicom(root, f))]
    return sorted([*single, *(folder for folder in series if folder.parts)])


def _above(item: PurePosixPath) -> str | None:
    return _contrast_above(item.parent)


def _owner(item: PurePosixPath) -> str | None:
    return _person_above(item.parent)


@lru_cache(maxsize=4096)
def _contrast_above(folder: PurePosixPath) -> str | None:
    """The contrast the nearest folder above names; trainT1 and T1_images count."""
    for part in reversed(folder.parts):
        bare = part
        for word in ("train", "test", "val"):
            if bare.lower().startswith(word) and len(bare) > len(word):
                bare = bare[len(word) :].lstrip("_-")
        if contrast := said_by(bare).contrast:
            return contrast
    return None


@lru_cache(maxsize=4096)
def _person_above(folder: PurePosixPath) -> str | None:
    """The folder above that is named as a person, else the nearest that names no contrast, visit, series or part."""
    for part in reversed(folder.parts):
        if is_person(part):
            return part
    for part in reversed(folder.parts):
        said = said_by(part)
        if part.lower() not in PARTS and not said.session and said.rest and not SERIES.match(part):
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
