"""Which files of a folder are images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from spinloom.files.walk import walk

SUFFIXES = (".nii.gz", ".nii", ".mha", ".mhd", ".npy", ".png", ".jpg", ".jpeg", ".dcm", ".ima", ".zip")
SLICES = (".png", ".jpg", ".jpeg", ".npy")
DICOM = (".dcm", ".ima")
VOLUMES, PICTURES = (".nii.gz", ".nii", ".mha", ".mhd"), (".png", ".jpg", ".jpeg")


def image_files(root: Path) -> tuple[PurePosixPath, ...]:
    """Paths below a folder that hold images by their suffix, or by the mark of DICOM where there is none; sorted.

    Hidden files and folders are passed over, and pictures beside a volume of the same name (scan.png of scan.nii.gz);
    links to folders are not followed.
    """
    return tuple(sorted(_walk(root)))


def suffix_of(name: str) -> str:
    """The known suffix of a name, in lower case; "" if it has none."""
    return next((s for s in SUFFIXES if name.lower().endswith(s)), "")


def stem_of(name: str) -> str:
    """The name without its known suffix."""
    return name[: len(name) - len(suffix_of(name))]


def is_dicom(root: Path, file: PurePosixPath) -> bool:
    """By suffix, or by "DICM" at byte 128 of a regular file without one (a pipe would never answer)."""
    if suffix_of(file.name):
        return suffix_of(file.name) in DICOM
    if not (root / file).is_file():
        return False
    try:
        with open(root / file, "rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def is_slice(root: Path, file: PurePosixPath) -> bool:
    """A picture, or an .npy with two axes (its header is looked at)."""
    if suffix_of(file.name) != ".npy":
        return suffix_of(file.name) in PICTURES
    if not (root / file).is_file():
        return False
    try:
        with open(root / file, "rb") as handle:
            head = handle.read(512).decode("latin-1")
    except OSError:
        return False
    return bool(re.search(r"'shape': \(\d+, \d+\)", head))


def _walk(root: Path) -> Iterator[PurePosixPath]:
    for folder, names in walk(root):
        below = PurePosixPath(folder.relative_to(root).as_posix())
        volumes = {stem_of(name) for name in names if suffix_of(name) in VOLUMES}
        for name in names:
            if name.startswith(".") or (suffix_of(name) in PICTURES and stem_of(name) in volumes):
                continue
            if suffix_of(name) or ("." not in name and is_dicom(root, below / name)):
                yield below / name
