"""Leakage between two sets on disk, or between the parts of a split."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.image import Quantity
from spinloom.dataset.leakage import THRESHOLD, Leakage, check_leakage, merged
from spinloom.dataset.pairs import Pair
from spinloom.dataset.scans import Scan
from spinloom.dataset.split_cases import read_splits
from spinloom.dataset.thumbnails import Thumbnails, joined, thumbnails_of, thumbnails_of_stack

Members = Sequence[Pair | Scan]
Tell = Callable[[str], None]


def leakage_between(
    train: Members | Path,
    test: Members | Path,
    contrast: str | None = None,
    threshold: float = THRESHOLD,
    tell: Tell = lambda name: None,
) -> Leakage:
    """Of two sets: cases or scans, or NumPy stacks of slices (whose people nobody knows).

    contrast  compare images of this one only; None: of every contrast both have, each with its like. A stack is
              compared with all, for nobody knows its contrast

    Raises PartialFailure if an image of either cannot be read: what was not looked at may leak.
    """
    stacks = any(isinstance(side, Path) for side in (train, test))
    sides = [_pictures(side, contrast, tell, stacks) for side in (train, test)]
    faults = [fault for side in sides for made in side.values() for fault in made.faults]
    if faults:
        raise PartialFailure(
            f"{len(faults)} images cannot be read, so leakage cannot be excluded; first: {faults[0][1]}"
        )
    people = [[] if isinstance(side, Path) else [member.subject for member in side] for side in (train, test)]
    if stacks:
        sides = [{"": joined(side.values())} for side in sides]
    groups = [(sides[0][c], sides[1][c]) for c in sides[0] if c in sides[1]] or [(joined([]), joined([]))]
    return merged(
        [
            check_leakage(a, b, train_subjects=people[0], test_subjects=people[1], threshold=threshold)
            for a, b in groups
        ],
        missed=tuple(sorted(set(sides[0]) ^ set(sides[1]))),
    )


def leakage_of_split(
    members: Members,
    split: str | os.PathLike[str],
    contrast: str | None = None,
    threshold: float = THRESHOLD,
    tell: Tell = lambda name: None,
) -> dict[str, Leakage]:
    """Between every two parts of every split in a file.

    Raises InputError if a subject of the split is not among the members, and what `leakage_between` raises.
    """
    results = {}
    known = {member.subject for member in members}
    for one in read_splits(split):
        lost = sorted({who for part in one.parts.values() for who in part} - known)
        if lost:
            raise InputError(f"names subjects that are not here, e.g. {lost[0]}", file=split)
        parts = {
            part: [member for member in members if member.subject in who] for part, who in one.parts.items() if who
        }
        for first, second in combinations(parts, 2):
            name = f"{one.name}: {first}, {second}"
            results[name] = leakage_between(parts[first], parts[second], contrast, threshold, tell)
    return results


def _pictures(side: Members | Path, contrast: str | None, tell: Tell, square: bool) -> dict[str, Thumbnails]:
    """Slices by contrast; of a stack, whose contrast nobody knows, under an empty name."""
    if isinstance(side, Path):
        return {"": thumbnails_of_stack(side)}
    scans = [scan for member in side for scan in (member.scans.values() if isinstance(member, Pair) else (member,))]
    shown = [s for s in scans if s.quantity is not Quantity.LABEL and contrast in (None, s.contrast)]
    if not shown:
        raise InputError(f"no image{f' of contrast {contrast}' if contrast else ''} to compare")
    found = sorted({s.contrast for s in shown})
    return {c: thumbnails_of([s for s in shown if s.contrast == c], tell, square) for c in found}
