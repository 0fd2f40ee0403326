"""Files and folders of predictions and references → pairs, subject by subject; one bad subject stops no other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Quantity
from spinloom.evaluation.about import About, whose
from spinloom.evaluation.case_unit import read_receipt, score_case, unit_of
from spinloom.evaluation.encoded import encoded
from spinloom.evaluation.encoder import Encoder
from spinloom.evaluation.known import protocols
from spinloom.evaluation.on_disk import images_in, is_one, subject_of
from spinloom.evaluation.pair import Pair, pair_of
from spinloom.evaluation.scores import Report, Row
from spinloom.io.slice_folder import SUFFIXES as PICTURES
from spinloom.jobs.serial import Serial
from spinloom.jobs.units import Executor

WHAT = ("prediction", "reference", "mask", "labels")
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Files:
    """One case on disk.

    spacing_mm  of slices that do not know it: columns, rows, slices [mm]
    """

    name: str
    prediction: Path
    reference: Path
    mask: Path | None = None
    labels: Path | None = None
    spacing_mm: tuple[float, float, float] | None = None

    @property
    def subject(self) -> str:
        return whose(self.name, picture=self.reference.suffix.lower() in PICTURES)


def match(
    prediction: PathLike, reference: PathLike, *, mask: PathLike | None = None, labels: PathLike | None = None,
    only: tuple[str, str] = ("*", "*"), spacing_mm: tuple[float, float, float] | None = None,
) -> tuple[tuple[Files, ...], tuple[tuple[str, str], ...]]:  # fmt: skip
    """Files that belong together, and (subject, what is wrong) of those without a partner.

    prediction, reference, mask, labels  an image each, or a folder each with one image per subject; an image is a file,
                                         a folder of slices or a DICOM series. The subject is sub-XX (with ses-YY) in
                                         the path; else its name; else, where all are called the same, the folder's
    spacing_mm                           of slices that do not know it
    only                                 patterns of names that count in the folders, e.g. ("*", "*_T2w.nii.gz")

    Raises InputError for a path that is not there, a folder beside a file, or one without images.
    """
    ours, theirs = Path(prediction), Path(reference)
    for given in (ours, theirs, mask, labels):
        if given is not None and not Path(given).exists():
            raise InputError("there is no such file or folder", file=given, remedy="Check the path.")
    if is_one(ours) != is_one(theirs):
        raise InputError(
            f"'{ours}' and '{theirs}' are a folder and a file: one is an image, the other holds several",
            remedy="Give two images or two folders of images.",
        )
    extras = {what: None if given is None else Path(given) for what, given in (("mask", mask), ("labels", labels))}
    if is_one(ours):
        name = subject_of(theirs, theirs.parent)
        return (Files(name, ours, theirs, extras["mask"], extras["labels"], spacing_mm),), ()
    faults: dict[str, str] = {}
    a, b = _by_subject(ours, only[0], faults), _by_subject(theirs, only[1], faults)
    more = {what: {} if path is None else _extra(path, faults, list(b)) for what, path in extras.items()}
    for name in sorted(set(a) ^ set(b)):
        side = ("prediction", theirs) if name in b else ("reference", ours)
        faults.setdefault(name, f"has no {side[0]}: only in {side[1]}")
    for what, path in extras.items():
        for name in sorted(set(a) & set(b)):
            if path is not None and name not in more[what]:
                faults.setdefault(name, f"has no {what} in {path}")
    names = [name for name in sorted(set(a) & set(b)) if name not in faults]
    found = [Files(n, a[n], b[n], more["mask"].get(n), more["labels"].get(n), spacing_mm) for n in names]
    return tuple(found), tuple(sorted(faults.items()))


def load(files: Files, quantity: Quantity = Quantity.SIGNAL) -> Pair:
    """One case in memory. Raises InputError naming what is wrong with it."""
    from spinloom.io.images import read_any

    mm = files.spacing_mm
    x, y = (read_any(path, quantity=quantity, spacing_mm=mm) for path in (files.prediction, files.reference))
    mask, labels = (
        None if path is None else read_any(path, quantity=Quantity.LABEL, spacing_mm=mm)
        for path in (files.mask, files.labels)
    )
    return pair_of(x, y, mask=mask, labels=labels, name=files.name)


def evaluate_files(
    cases: Sequence[Files], protocol: Sequence[str] = ("honest",), quantity: Quantity = Quantity.SIGNAL,
    faults: Sequence[tuple[str, str]] = (), encoder: Encoder | None = None, executor: Executor | None = None,
) -> Report:  # fmt: skip
    """Score cases one by one, those of match() say; what is wrong with one is in the report's failures.

    faults   what match() found, to stand among the failures
    encoder  whose distances are wanted too; the cases are read again for it, one by one
    executor who scores them; None: this process

    Raises UsageError for a protocol that does not exist or does not suit the quantity, or an encoder of label maps.
    """
    if encoder is not None and quantity is Quantity.LABEL:
        raise UsageError("label maps are no pictures for an encoder", remedy="Leave out --encoder.")
    asked = protocols(tuple(protocol), quantity)
    units = [unit_of(files, tuple(protocol), quantity) for files in cases]
    outcomes = {o.name: o for o in (executor or Serial()).run(score_case, units)}
    rows: list[Row] = []
    done: list[str] = []
    about: list[About] = []
    failures = list(faults)
    for files in cases:
        outcome = outcomes[files.name]
        if outcome.receipt is None:
            failures.append((files.name, str(outcome.error).removeprefix(f"{files.name}: ")))
            continue
        numbers, told = read_receipt(files.name, outcome.receipt)
        rows += numbers
        done.append(files.name)
        about.append(told)
    seen = () if encoder is None else (encoded((load(f, quantity) for f in cases if f.name in done), encoder),)
    return Report(tuple(rows), asked, quantity, tuple(done), tuple(failures), seen, tuple(about))


def _by_subject(folder: Path, pattern: str, faults: dict[str, str]) -> dict[str, Path]:
    files = images_in(folder, pattern)
    names = [subject_of(p, folder) for p in files]
    if len(set(names)) < len(names) and len({p.parent for p in files}) == len(files):
        names = [p.parent.relative_to(folder).as_posix().replace("/", "_") for p in files]
    found: dict[str, Path] = {}
    names = _slices_apart(names, files)
    for name, path in zip(names, files, strict=True):
        if name in found:
            faults[name] = f"has several files in {folder}: {found[name].name} and {path.name}; say which by a pattern"
        found[name] = path
    return found


def _slices_apart(names: list[str], files: list[Path]) -> list[str]:
    """Pictures of one subject whose file names differ only by a number are cases by themselves, of that subject."""
    apart = list(names)
    for name in {n for n in names if names.count(n) > 1}:
        mine = [i for i, n in enumerate(names) if n == name]
        stems = [files[i].stem for i in mine]
        pictures = all(files[i].suffix.lower() in PICTURES for i in mine)
        if pictures and len(set(stems)) == len(stems) and len({re.sub(r"\d+", "#", s) for s in stems}) == 1:
            for i, stem in zip(mine, stems, strict=True):
                apart[i] = stem
    return apart


def _extra(path: Path, faults: dict[str, str], subjects: list[str]) -> dict[str, Path]:
    """Masks or labels: a folder by subject, or one file for all."""
    return dict.fromkeys(subjects, path) if is_one(path) else _by_subject(path, "*", faults)
