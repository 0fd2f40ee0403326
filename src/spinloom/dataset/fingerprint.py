"""A data set in numbers, as a planner needs them: geometry, intensities, noise, and what lies on what."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path

from spinloom.core.errors import InputError, SpinloomError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.dataset.fingerprint_agreement import Agreement, agreement
from spinloom.dataset.fingerprint_contrast import ContrastFacts, of_contrast
from spinloom.dataset.fingerprint_image import ImageFacts, measure
from spinloom.dataset.preprocess.foreground import foreground
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Scan, in_order
from spinloom.files import atomic, gate

FORMAT = "spinloom fingerprint 1"

Visit = Callable[[Scan, Image, Mask], None]


@dataclass(frozen=True)
class GridFacts:
    """A grid that images lie on: shape, (4, 4) affine to RAS [mm], and how many images have it."""

    shape: tuple[int, int, int]
    affine: tuple[tuple[float, float, float, float], ...]
    images: int


@dataclass(frozen=True)
class Fingerprint:
    """What a data set is, without its images.

    subjects, sessions  how many people, and visits of them
    contrasts           summary of every contrast's images
    images              every image, by subject, session and contrast
    grids               the different grids; one only if all images share it
    one_grid            share of the visits whose images all lie on one grid
    agreements          of every two contrasts of a visit
    faults              (path, whose it is and what is wrong) of scans that could not be measured
    """

    subjects: int
    sessions: int
    contrasts: tuple[ContrastFacts, ...]
    images: tuple[ImageFacts, ...]
    grids: tuple[GridFacts, ...]
    one_grid: float
    agreements: tuple[Agreement, ...]
    faults: tuple[tuple[str, str], ...] = ()
    format: str = FORMAT


def fingerprint(
    scans: Iterable[Scan],
    *,
    read: Callable[[Scan], Image] = read_scan,
    visit: Visit | None = None,
    progress: Callable[[str], None] | None = None,
) -> Fingerprint:
    """Measure scans; those that cannot be read are named in the faults and stop no other.

    scans     as `find_scans` gives them
    read      how a scan becomes an image
    visit     called with every image and the mask of its subject, for whoever wants to look at it too
    progress  called with the name of every visit

    Raises InputError if no scan could be measured.
    """
    images: list[ImageFacts] = []
    agreements: list[Agreement] = []
    faults: list[tuple[str, str]] = []
    grids: list[tuple[Grid, int]] = []
    whole = []
    for (subject, session), group in groupby(in_order(scans), key=lambda s: (s.subject, s.session)):
        if progress is not None:
            progress(subject if session is None else f"{subject} {session}")
        seen: list[tuple[Scan, Image, Mask]] = []
        numbers = []
        for scan in group:
            try:
                image = read(scan)
                mask = foreground(image)
            except SpinloomError as error:
                whose = " ".join(part for part in (subject, session, scan.contrast) if part)
                faults.append((str(scan.path), f"{whose}: {error.fault}. {error.remedy or ''}".strip()))
                continue
            numbers.append(_number(grids, image.grid))
            images.append(measure(scan, image, mask, numbers[-1]))
            if visit is not None:
                visit(scan, image, mask)
            seen.append((scan, image, mask))
        agreements += _agreements([one for one in seen if one[1].quantity is not Quantity.LABEL])
        whole += [len(set(numbers)) == 1] if numbers else []
    if not images:
        file, why = faults[0] if faults else (None, "there is none")
        first = f" the first of {len(faults)}," if len(faults) > 1 else ""
        raise InputError(f"no scan could be measured:{first} {why}", file=file)
    return Fingerprint(
        subjects=len({i.subject for i in images}),
        sessions=len({(i.subject, i.session) for i in images}),
        contrasts=tuple(
            of_contrast(c, [i for i in images if i.contrast == c]) for c in sorted({i.contrast for i in images})
        ),
        images=tuple(images),
        grids=tuple(GridFacts(g.shape, _rows(g), n) for g, n in grids),
        one_grid=round(sum(whole) / len(whole), 4),
        agreements=tuple(agreements),
        faults=tuple(faults),
    )


def write_fingerprint(found: Fingerprint, path: str | os.PathLike[str]) -> None:
    """As JSON: two spaces, sorted keys, the same bytes for the same data."""
    from pydantic import TypeAdapter

    atomic.write_json(path, TypeAdapter(Fingerprint).dump_python(found, mode="json"))


def read_fingerprint(path: str | os.PathLike[str]) -> Fingerprint:
    """A fingerprint as written. Raises InputError for anything else."""
    from pydantic import TypeAdapter, ValidationError

    file = Path(path)
    try:
        found = TypeAdapter(Fingerprint).validate_json(gate.read_text(file))
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"is no fingerprint: {where}: {first['msg']}", file=file) from error
    if found.format != FORMAT:
        raise InputError(f"is of format '{found.format}', '{FORMAT}' was expected", file=file)
    return found


def _agreements(seen: list[tuple[Scan, Image, Mask]]) -> list[Agreement]:
    out = []
    for (scan, image, mask), (other_scan, other, other_mask) in combinations(seen, 2):
        same = image.grid.same_place(other.grid)
        pair = Agreement(scan.subject, scan.session, scan.contrast, other_scan.contrast, same)
        out.append(agreement(pair, image, other, (mask, other_mask)))
    return out


def _number(grids: list[tuple[Grid, int]], grid: Grid) -> int:
    """Index of a grid in the list, which it joins if it is new."""
    for n, (known, images) in enumerate(grids):
        if known.same_place(grid):
            grids[n] = known, images + 1
            return n
    grids.append((grid, 1))
    return len(grids) - 1


def _rows(grid: Grid) -> tuple[tuple[float, float, float, float], ...]:
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in grid.affine)
