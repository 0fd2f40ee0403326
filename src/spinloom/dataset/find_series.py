"""Series over inversion or echo times in a BIDS data set: files that differ by inv- or echo- alone, and their times."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.dataset.find_bids import NAME
from spinloom.dataset.find_files import image_files, stem_of, suffix_of
from spinloom.dataset.sidecar_facts import facts_beside

TIMED = {"IRT1": ("inv", "TI"), "MESE": ("echo", "TE"), "MEGRE": ("echo", "TE")}
"""Suffix → the entity that counts, and the time that changes. BIDS 1.8, appendix on quantitative MRI."""


@dataclass(frozen=True)
class Series:
    """Images of one head that differ by one time.

    subject, session  whose, which visit
    suffix            IRT1 (T1 by inversion recovery), MESE (T2 by spin echoes) or MEGRE (T2* by gradient echoes)
    files, times_s    in order of time [s]
    """

    subject: str
    session: str | None
    suffix: str
    files: tuple[Path, ...]
    times_s: tuple[float, ...]


def find_series(folder: str | os.PathLike[str]) -> tuple[tuple[Series, ...], tuple[tuple[Path, str], ...]]:
    """The series of a folder in order of name, and the faults: of files without a time, and with one time twice.

    A series whose times are not all known and different is left out. Magnitudes only: part-phase, -real and -imag are
    passed over.
    """
    root = Path(folder)
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in image_files(root):
        match = NAME.match(stem_of(file.name))
        if not match or match["suffix"] not in TIMED or suffix_of(file.name) not in (".nii", ".nii.gz"):
            continue
        entity = TIMED[match["suffix"]][0]
        if re.search(rf"_{entity}-\d+(?=_)", file.name) and not re.search(r"_part-(?!mag)", file.name):
            groups[re.sub(rf"_{entity}-\d+(?=_)", "", str(file.with_name(stem_of(file.name))))].append(root / file)
    made, faults = [], []
    for _, files in sorted(groups.items()):
        try:
            made.append(_timed(files))
        except InputError as error:
            faults.append((Path(error.file or files[0]), f"{error.fault}. {error.remedy or ''}".strip()))
    return tuple(made), tuple(faults)


def read_found(series: Series) -> tuple[Image, ...]:
    """Its images in order of time, as `measure_T1` and `measure_T2` take them. Raises InputError as the reader does."""
    from spinloom.io import read_image

    return tuple(read_image(file) for file in series.files)


def _timed(files: list[Path]) -> Series:
    match = NAME.match(stem_of(files[0].name))
    assert match is not None
    name = TIMED[match["suffix"]][1]
    key = {"TI": "InversionTime", "TE": "EchoTime"}[name]
    by_time: dict[float, Path] = {}
    for file in files:
        time = facts_beside(file).get(name)
        if time is None:
            raise InputError("is of a series, and no sidecar says its time", file=file, remedy=f"Add {key} in seconds.")
        if time in by_time:
            raise InputError(f"has the {key} of {by_time[time].name}, {time:g} s", file=file, remedy="Leave one out.")
        by_time[time] = file
    times = tuple(sorted(by_time))
    subject = f"sub-{match['subject']}"
    return Series(subject, match["session"], match["suffix"], tuple(by_time[t] for t in times), times)
