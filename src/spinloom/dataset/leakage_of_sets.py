"""Leakage between two sets on disk, or between the parts of a split."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.image import Quantity
from spinloom.dataset.leakage import THRESHOLD, Leakage, check_leakage
from spinloom.dataset.pairs import Pair
from spinloom.dataset.scans import Scan
from spinloom.dataset.split_cases import read_splits
from spinloom.dataset.thumbnails import Thumbnails, thumbnails_of, thumbnails_of_stack

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

    contrast  compare images of this one only; None: of every contrast, all with all

    Raises PartialFailure if an image of either cannot be read: what was not looked at may leak.
    """
    sides = [_side(side, contrast, tell) for side in (train, test)]
    unread = [*sides[0][0].faults, *sides[1][0].faults]
    if unread:
        raise PartialFailure(
            f"{len(unread)} images cannot be read, so leakage cannot be excluded; first: {unread[0][1]}"
        )
    return check_leakage(
        sides[0][0], sides[1][0], train_subjects=sides[0][1], test_subjects=sides[1][1], threshold=threshold
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


def _side(side: Members | Path, contrast: str | None, tell: Tell) -> tuple[Thumbnails, list[str]]:
    if isinstance(side, Path):
        return thumbnails_of_stack(side), []
    scans = [scan for member in side for scan in (member.scans.values() if isinstance(member, Pair) else (member,))]
    shown = [s for s in scans if s.quantity is not Quantity.LABEL and contrast in (None, s.contrast)]
    if not shown:
        raise InputError(f"no image{f' of contrast {contrast}' if contrast else ''} to compare")
    return thumbnails_of(shown, tell), [member.subject for member in side]
