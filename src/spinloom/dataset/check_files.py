"""Which things of a folder are read one by one, and which are passed over and named."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from spinloom.dataset.find_files import VOLUMES, is_dicom, stem_of, suffix_of
from spinloom.files.walk import walk

PASSED = (".zip", ".npy", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Read where they are named themselves: in a folder they are mostly copies, or pictures of what is beside them."""
BESIDE = (".json", ".tsv", ".csv", ".txt", ".md", ".html", ".raw", ".zraw")
"""What tells of an image, or is a part of one."""
SUFFIX = re.compile(r"(\.[a-z][a-z0-9]{0,7})?\.[a-z][a-z0-9]{0,7}$")
PACKED = (".gz", ".bz2", ".xz", ".zst")
MOST_KINDS = 8


def files_to_read(folder: Path, is_known: Callable[[Path], bool]) -> list[Path]:
    """Files of a known kind, and folders of DICOM, which are one thing each; a note counts what is passed over.

    Links to nothing and pipes that are named as something to read are among them, to be refused by name.
    """
    single: list[Path] = []
    series: set[Path] = set()
    passed: list[str] = []
    for place, names in walk(folder):
        volumes = {stem_of(name) for name in names if suffix_of(name) in VOLUMES}
        for name in names:
            file, low = place / name, name.lower()
            if name.startswith("."):
                continue
            if file.is_file() and is_dicom(place, PurePosixPath(name)):
                series.add(place)
            elif is_known(file) and not low.endswith(PASSED):
                single.append(file)
            elif not (low.endswith(BESIDE) or (low.endswith(PASSED) and stem_of(name) in volumes)):
                passed.append(low)
    if not (single or series):  # a folder of slices is one thing, too
        passed = [name for name in passed if not name.endswith(PASSED[1:])]
    if passed:
        warnings.warn(f"{folder}: {_told(passed)}", stacklevel=3)
    return sorted([*single, *series])


def _told(names: Iterable[str]) -> str:
    """3 files passed over: 2 .mgz, 1 .nii.bz2."""
    kinds = Counter(map(_kind, names))
    told = [f"{n} {kind}" for kind, n in kinds.most_common(MOST_KINDS)]
    more = ["others"] if len(kinds) > MOST_KINDS else []
    n = kinds.total()
    return f"{n} file{'s' * (n != 1)} passed over: {', '.join([*told, *more])}; name one to be told more"


def _kind(name: str) -> str:
    found = SUFFIX.search(name)
    if not found:
        return "without a suffix"
    whole = found[0]
    return whole if whole.endswith(PACKED) else whole[whole.rindex(".") :]
