"""Files and folders of predictions and references → pairs, subject by subject; one bad subject stops no other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError, SpinloomError, UsageError
from spinloom.core.image import Quantity
from spinloom.evaluation.encoded import encoded
from spinloom.evaluation.encoder import Encoder
from spinloom.evaluation.known import protocols
from spinloom.evaluation.pair import Pair, pair_of
from spinloom.evaluation.scores import Report, Row, rows_of

PathLike = str | os.PathLike[str]
SUFFIXES = (".nii.gz", ".nii", ".mha")
ENTITIES = re.compile(r"(sub-[A-Za-z0-9]+)(?:.*?(ses-[A-Za-z0-9]+))?")


@dataclass(frozen=True)
class Files:
    """One case on disk."""

    name: str
    prediction: Path
    reference: Path
    mask: Path | None = None
    labels: Path | None = None


def match(
    prediction: PathLike, reference: PathLike, *, mask: PathLike | None = None, labels: PathLike | None = None,
    only: tuple[str, str] = ("*", "*"),
) -> tuple[tuple[Files, ...], tuple[tuple[str, str], ...]]:  # fmt: skip
    """Files that belong together, and (subject, what is wrong) of those without a partner.

    prediction, reference, mask, labels  a file each, or a folder each with one file per subject. The subject is sub-XX
                                         (with ses-YY) in the path; else the file's name; else, where files of all
                                         subjects are called the same, the folder's
    only                                 patterns of names that count in the folders, e.g. ("*", "*_T2w.nii.gz")

    Raises InputError for a path that is not there, a folder beside a file, or one without images.
    """
    ours, theirs = Path(prediction), Path(reference)
    if ours.is_dir() != theirs.is_dir():
        raise InputError(f"'{ours}' and '{theirs}' are a folder and a file", remedy="Give two files or two folders.")
    extras = {what: None if given is None else Path(given) for what, given in (("mask", mask), ("labels", labels))}
    if not ours.is_dir():
        for given in (ours, theirs, *extras.values()):
            if given is not None and not given.is_file():
                raise InputError("there is no such file", file=given)
        return (Files(subject_of(theirs, theirs.parent), ours, theirs, extras["mask"], extras["labels"]),), ()
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
    found = [Files(n, a[n], b[n], more["mask"].get(n), more["labels"].get(n)) for n in names]
    return tuple(found), tuple(sorted(faults.items()))


def load(files: Files, quantity: Quantity = Quantity.SIGNAL) -> Pair:
    """One case in memory. Raises InputError naming what is wrong with it."""
    from spinloom.io.images import read_any

    x, y = read_any(files.prediction, quantity=quantity), read_any(files.reference, quantity=quantity)
    mask = None if files.mask is None else read_any(files.mask, quantity=Quantity.LABEL)
    labels = None if files.labels is None else read_any(files.labels, quantity=Quantity.LABEL)
    return pair_of(x, y, mask=mask, labels=labels, name=files.name)


def evaluate_files(
    cases: Sequence[Files], protocol: Sequence[str] = ("honest",), quantity: Quantity = Quantity.SIGNAL,
    faults: Sequence[tuple[str, str]] = (), encoder: Encoder | None = None,
) -> Report:  # fmt: skip
    """Score cases one by one, those of match() say; what is wrong with one is in the report's failures.

    faults   what match() found, to stand among the failures
    encoder  whose distances are wanted too; the cases are read again for it, one by one

    Raises UsageError for a protocol that does not exist or does not suit the quantity, or an encoder of label maps.
    """
    if encoder is not None and quantity is Quantity.LABEL:
        raise UsageError("label maps are no pictures for an encoder", remedy="Leave out --encoder.")
    asked = protocols(tuple(protocol), quantity)
    rows: list[Row] = []
    done: list[str] = []
    failures = list(faults)
    for files in cases:
        try:
            rows += list(rows_of(load(files, quantity), asked))
            done.append(files.name)
        except SpinloomError as error:
            failures.append((files.name, str(error).removeprefix(f"{files.name}: ")))
    seen = () if encoder is None else (encoded((load(f, quantity) for f in cases if f.name in done), encoder),)
    return Report(tuple(rows), asked, quantity, tuple(done), tuple(failures), seen)


def subject_of(path: Path, root: Path) -> str:
    """sub-XX_ses-YY in the path below the root, else the name of the file without its suffix."""
    entities = ENTITIES.search(path.relative_to(root).as_posix())
    if entities:
        return "_".join(e for e in entities.groups() if e)
    return next((path.name[: -len(s)] for s in SUFFIXES if path.name.endswith(s)), path.stem)


def _by_subject(folder: Path, pattern: str, faults: dict[str, str]) -> dict[str, Path]:
    files = sorted(p for p in folder.rglob(pattern) if p.is_file() and p.name.endswith(SUFFIXES))
    if not files:
        raise InputError(f"holds no images ({', '.join(SUFFIXES)}) named {pattern}", file=folder)
    names = [subject_of(p, folder) for p in files]
    if len(set(names)) < len(names) and len({p.parent for p in files}) == len(files):
        names = [p.parent.relative_to(folder).as_posix().replace("/", "_") for p in files]
    found: dict[str, Path] = {}
    for name, path in zip(names, files, strict=True):
        if name in found:
            faults[name] = f"has several files in {folder}: {found[name].name} and {path.name}; say which by a pattern"
        found[name] = path
    return found


def _extra(path: Path, faults: dict[str, str], subjects: list[str]) -> dict[str, Path]:
    """Masks or labels: a folder by subject, or one file for all."""
    return _by_subject(path, "*", faults) if path.is_dir() else dict.fromkeys(subjects, path)
