"""From a folder to the scans in it: whose, when, which contrast. Nothing is read but names and small tables."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Protocol

from spinloom.core.errors import InputError
from spinloom.dataset.find_bids import BIDS
from spinloom.dataset.find_files import image_files
from spinloom.dataset.find_plain import PLAIN
from spinloom.dataset.find_published import KNOWN
from spinloom.dataset.scans import Found


class Layout(Protocol):
    """A way to lay out a folder.

    name      for messages and the command line
    explains  how many of the image files are its own; 0: it is not this layout
    find      the scans among them
    """

    @property
    def name(self) -> str: ...

    def explains(self, folder: Path, files: tuple[PurePosixPath, ...]) -> int: ...

    def find(self, folder: Path, files: tuple[PurePosixPath, ...]) -> Found: ...


_IN_TURN: tuple[Layout, ...] = (*KNOWN, BIDS, PLAIN)
LAYOUTS = {layout.name: layout for layout in _IN_TURN}
"""By name; where two explain as much, the first is taken: published data sets go before BIDS."""


def find_scans(folder: str | os.PathLike[str], layout: Layout | None = None, *, exclude: Iterable[str] = ()) -> Found:
    """The scans in a folder, by subject, session and contrast.

    folder   BIDS (raw or a derivative), a published data set as downloaded (see `layouts_found`), one folder per
             subject, files such as sub01_T1w.nii.gz, or folders T1/ and T2/ with equal file names
    layout   None: the one that explains most of the image files; plain where none knows any
    exclude  patterns of paths below the folder to leave out, e.g. "*run-2*"

    Raises InputError for a folder that is missing or holds no scan.
    """
    root = Path(folder)
    if not root.is_dir():
        fault = "is a file, a folder was expected" if root.exists() else "no such folder"
        raise InputError(fault, file=root, remedy="Check the path.")
    patterns = tuple(exclude)
    files = tuple(f for f in image_files(root) if not any(fnmatch(str(f), pattern) for pattern in patterns))
    if not files:
        raise InputError("holds no image (NIfTI, DICOM, MHA, MHD, PNG, JPEG, NPY)", file=root, remedy="Check the path.")
    explained = {known.name: known.explains(root, files) for known in _IN_TURN}
    best = max(_IN_TURN, key=lambda known: explained[known.name])
    chosen = layout or (best if explained[best.name] else PLAIN)
    found = chosen.find(root, files)
    if not found.scans:
        why = found.faults[0][1] if found.faults else f"no file is named as in {chosen.name}"
        raise InputError(
            f"no scan found among {len(files)} image files: {why}",
            file=root,
            remedy="Name the layout (--layout), or name files like sub-01_T1w.nii.gz.",
        )
    return found
