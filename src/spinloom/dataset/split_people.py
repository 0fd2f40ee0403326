"""Who there is to split: people by all their spellings, those of nobody refused, relatives told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from spinloom.core.errors import InputError, UsageError
from spinloom.core.rng import stream
from spinloom.dataset.find_names import identity
from spinloom.dataset.pairs import Pair
from spinloom.dataset.scans import Scan

Whose = Pair | Scan


def people_of(cases: Iterable[Whose]) -> list[list[str]]:
    """Names by person, in an order that does not depend on the order of files. InputError for nobody's pictures."""
    people: dict[str, set[str]] = defaultdict(set)
    cases = tuple(cases)
    if nobody := [case for case in cases if case.anonymous]:
        raise InputError(
            f"nothing says whose {len(nobody)} single pictures are, e.g. {nobody[0].subject}: slices of one person "
            "would stand on two sides",
            remedy="Make a folder per person (sub-01/T1w/001.png), or name them by person (sub-01_slice001_T1w.png).",
        )
    for case in cases:
        people[identity(case.subject)].add(case.subject)
    if not people:
        raise InputError("there is no case to split")
    return [sorted(people[key]) for key in sorted(people)]


def with_val(chosen: dict[str, list[str]], val: float, seed: int, name: str) -> str:
    """Move a share of the training part's people to val; what was done, for a reader."""
    if not 0 <= val < 1:
        raise UsageError(
            f"a share of {val:g} for validation makes no split", remedy="Give 0 to less than 1, e.g. 0.15."
        )
    if val == 0:
        return "val is empty: keep a share of train for it if you choose anything by it"
    spellings: dict[str, list[str]] = defaultdict(list)
    for who in sorted(set(chosen["train"])):
        spellings[identity(who)].append(who)
    n = round(val * len(spellings))
    if not 0 < n < len(spellings):
        raise InputError(
            f"{val:g} of {len(spellings)} training subjects of '{name}' leave nobody for train or val",
            remedy="Give another share, or 0.",
        )
    people = sorted(spellings)
    kept = {people[int(i)] for i in stream(seed, "val", name).permutation(len(people))[:n]}
    chosen["val"] = [who for one in sorted(kept) for who in spellings[one]]
    chosen["train"] = [who for one in people if one not in kept for who in spellings[one]]
    return f"val: {val:g} of the others"


def kinship_of(cases: Iterable[Whose]) -> str:
    """What to know of relatives among the people, as the end of a sentence."""
    return "".join(f". Beware: {said}" for said in sorted({case.kinship for case in cases if case.kinship}))
