"""Slices in files of their own: whose each is and which number it has, so that a person is never counted by slices."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from spinloom.dataset.find_names import Said
from spinloom.dataset.scans import Scan

PERSON = re.compile(r"^(?:(?:subject|subj|sub|patient|pat|case|id)(?:-[a-z]{1,4})?-?\d|IXI\d{3})", re.IGNORECASE)
"""How names begin that say they are a person's."""
NUMBERED = re.compile(r"^(?P<stem>.*?)-?(?P<number>\d+)$")
NOBODY = re.compile(r"^(?:subject|subj|sub|patient|pat|case|id)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Whose:
    """Of one slice: subject, number (None if the name has none), and whether the subject is only the file's name."""

    subject: str
    number: int | None
    anonymous: bool


def is_person(name: str) -> bool:
    """Whether a name or folder says that it is a person's: patient_19, sub-A01, case7."""
    return bool(PERSON.match(re.sub(r"[\W_]+", "-", name)))


def apart(rest: str) -> tuple[str, int | None]:
    """patient19-040 → patient19, 40; sub-01 and case7 stay whole, for there the number is the person's."""
    match = NUMBERED.match(rest)
    if not match or (NOBODY.match(match["stem"]) and match["stem"]) or not _parted(rest, match):
        return rest, None
    return match["stem"], int(match["number"])


def whose_slices(
    said: Mapping[PurePosixPath, Said], owners: Mapping[PurePosixPath, str | None]
) -> dict[PurePosixPath, Whose]:
    """Who each slice is of.

    said    what the names say, with the number of a slice taken out where a word announces it (slice040)
    owners  the folder of a person above each; None where there is none

    A number at the end of a name is the slice's where the name before it is a person's (patient19_040), or where
    several names have several numbers each. The person is who the name says (patient19), else the folder, else what
    differs between the names of a folder. Otherwise nobody knows: the slice is anonymous and goes by its file's name.
    """
    parts = {item: (s.rest, s.slice) if s.slice is not None else apart(s.rest) for item, s in said.items()}
    numbers = defaultdict(set)
    for item, (stem, number) in parts.items():
        if not NOBODY.match(stem):
            numbers[item.parent, said[item].contrast, said[item].session, stem].add(number)
    several = any(len(n) > 1 for n in numbers.values()) and len({key[-1] for key in numbers}) > 1
    around = set(owners.values()) - {None} if len(set(owners.values())) == 1 else set()
    made = {}
    for item, (stem, number) in parts.items():
        owner, announced = owners[item], said[item].slice is not None
        if owner in around and not is_person(str(owner)):
            owner = None  # a folder around everything is nobody
        if number is not None and is_person(stem):
            made[item] = Whose(stem, number, False)
        elif is_person(said[item].rest):
            made[item] = Whose(said[item].rest, said[item].slice, False)
        elif owner:
            made[item] = Whose(owner, number, False)
        elif number is not None and not NOBODY.match(stem) and (several or announced):
            made[item] = Whose(stem, number, False)
        else:
            made[item] = Whose(item.name.rsplit(".", 1)[0], None, True)
    return made


def stacked(slices: Iterable[tuple[Scan, int | None]]) -> tuple[list[Scan], list[tuple[Path, str]]]:
    """Slices of one folder, person, visit and contrast as one scan, by number; and the faults: a number given twice."""
    groups: dict[tuple[Path, str, str | None, str], list[tuple[int, Scan]]] = defaultdict(list)
    made, faults = [], []
    for scan, number in slices:
        if number is None:
            made.append(scan)
        else:
            groups[scan.path.parent, scan.subject, scan.session, scan.contrast].append((number, scan))
    for group in groups.values():
        kept: dict[int, Path] = {}
        for number, scan in sorted(group, key=lambda pair: (pair[0], str(pair[1].path))):
            if number in kept:
                faults.append(
                    (scan.path, f"is slice {number} a second time, after {kept[number].name}. Leave one out.")
                )
            kept.setdefault(number, scan.path)
        first = next(iter(kept.values()))
        made.append(replace(group[0][1], path=first, slices=tuple(kept.items())))
    return made, faults


def told(scans: Sequence[Scan]) -> tuple[str, ...]:
    """One line on slices that became volumes, one on those of nobody."""
    stacks = [s for s in scans if len(s.slices) > 1]
    nobody = sum(s.anonymous for s in scans)
    lines = []
    if stacks:
        n = sum(len(s.slices) for s in stacks)
        lines.append(
            f"{n} slices make {len(stacks)} volumes of {len({s.subject for s in stacks})} people, by their names"
        )
    if nobody:
        lines.append(f"nothing says whose {nobody} pictures are: they can be paired by name, but make no split")
    return tuple(lines)


def _parted(rest: str, match: re.Match[str]) -> bool:
    """Whether the number stands by itself, as in a-040 and 040, not as in a040."""
    return not match["stem"] or rest[len(match["stem"])] == "-"
