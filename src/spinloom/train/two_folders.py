"""Sources in one folder, targets in another: pairs of one contrast, e.g. T1w at 0.055 T and at 3 T."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.dataset.find_names import identity
from spinloom.dataset.pairing import pair
from spinloom.dataset.pairs import Pair, Pairs
from spinloom.dataset.scans import Found


def pair_folders(
    low: Found, high: Found, source: Sequence[str], target: Sequence[str], *, unpaired: bool = False
) -> Pairs:
    """Match the sources of one folder with the targets of another, by subject and session; where a subject has one
    visit in each, by subject alone. Sources are put on the target's grid, by their affines.

    unpaired  all scans by themselves: two lists

    Who is in one folder alone is a fault. Raises UsageError for a contrast that a folder does not hold, InputError if
    nothing is left.
    """
    if unpaired:
        goes = pair(low, source, (), unpaired=True, read=False)
        comes = pair(high, (), target, unpaired=True, read=False)
        return replace(
            goes, pairs=(*goes.pairs, *comes.pairs), target=tuple(target), faults=(*goes.faults, *comes.faults)
        )
    goes, comes = pair(low, source, (), read=False), pair(high, (), target, read=False)
    before, after = _visits(goes), _visits(comes)
    made, faults = [], [*goes.faults, *comes.faults]
    for who in [*after, *(w for w in before if w not in after)]:
        a, b = before.get(who, {}), after.get(who, {})
        if len(a) == len(b) == 1:
            a = dict.fromkeys(b, *a.values())
        for session in [*b, *(s for s in a if s not in b)]:
            if session in a and session in b:
                made.append(replace(b[session], source=a[session].source))
            else:
                (one, lacks) = (b[session], "source") if session in b else (a[session], "target")
                path = next(iter(one.scans.values())).path
                faults.append((path, f"{one.name} has no {lacks} in the other folder. Name it there likewise."))
    if not made:
        first: tuple[Path, str] = faults[0]
        raise InputError(
            f"no subject is in both folders; the first of one alone: {first[1]}",
            file=first[0],
            remedy="Name subjects alike, e.g. sub-01_T1w.nii.gz in both.",
        )
    return replace(
        comes, pairs=tuple(made), source=tuple(source), faults=tuple(faults), resample=True,
        licence=comes.licence if comes.licence == goes.licence else None,
    )  # fmt: skip


def _visits(pairs: Pairs) -> dict[str, dict[str | None, Pair]]:
    """By subject, however spelled, and session."""
    found: dict[str, dict[str | None, Pair]] = defaultdict(dict)
    for one in pairs.pairs:
        found[identity(one.subject)][one.session] = one
    return dict(found)
