"""What counts as one image in a folder of many: a volume, a folder of slices, a folder of one DICOM series.

Pictures beside a volume are previews and do not count. A folder of .npy holds volumes if the first that can be read has
three axes, and slices otherwise. Pictures named after several subjects (sub-XX) are an image each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from spinloom.core.errors import InputError
from spinloom.files.walk import walk

SUFFIXES = (".nii.gz", ".nii", ".mha")
ENTITIES = re.compile(r"(sub-[A-Za-z0-9]+)(?:.*?(ses-[A-Za-z0-9]+))?")


def is_one(path: Path) -> bool:
    """Whether a path is one image: a file, or a folder of slices with no other image below it."""
    if not path.is_dir():
        return True
    own = _images_of(path)
    return own == [path] and not any(_images_of(p) for p in _folders_in(path) if p != path)


def images_in(folder: Path, pattern: str) -> list[Path]:
    """Files and folders that are one image each, below a folder, whose names match a pattern; sorted.

    Raises InputError if there is none.
    """
    found = [p for place in _folders_in(folder) for p in _images_of(place) if p != folder and fnmatch(p.name, pattern)]
    if not found:
        known = f"{', '.join(SUFFIXES)}, folders of slices or DICOM"
        raise InputError(f"holds no images ({known}) named {pattern}", file=folder)
    return sorted(found)


def subject_of(path: Path, root: Path) -> str:
    """sub-XX_ses-YY in the path below the root, else the name of the file without its suffix, or of the folder."""
    entities = ENTITIES.search(path.relative_to(root).as_posix())
    if entities:
        return "_".join(e for e in entities.groups() if e)
    if path.is_dir():
        return path.name
    return next((path.name[: -len(s)] for s in SUFFIXES if path.name.endswith(s)), path.stem)


def _folders_in(folder: Path) -> Iterator[Path]:
    """The folder, all below it, and what links in them lead to."""
    for place, _ in walk(folder):
        yield place
        yield from (p for p in sorted(place.iterdir()) if p.is_symlink() and p.is_dir())


def _images_of(folder: Path) -> list[Path]:
    """What lies directly in a folder: volumes, or else the folder itself as a stack, or else single pictures."""
    from spinloom.io.images import _is_dicom
    from spinloom.io.slice_folder import SUFFIXES as SLICES

    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    arrays = [p for p in files if p.suffix.lower() == ".npy"]
    volumes = [p for p in files if p.name.endswith(SUFFIXES)] + (arrays if _hold_volumes(arrays) else [])
    if volumes:
        return volumes
    if any(_is_dicom(p) for p in files):
        return [folder]
    slices = [p for p in files if p.suffix.lower() in SLICES]
    people = {e.group(1) for p in slices if (e := ENTITIES.search(p.name))}
    return slices if len(people) > 1 else ([folder] if slices else [])


def _hold_volumes(arrays: list[Path]) -> bool:
    for path in arrays:
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False).ndim == 3
        except (OSError, ValueError, EOFError):
            continue
    return bool(arrays)
