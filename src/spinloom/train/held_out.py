"""Who is held out, so that a run can be scored: subjects with both ends of the arrow."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from spinloom.dataset.find_names import identity
from spinloom.dataset.pairs import Pair, Pairs
from spinloom.dataset.scans import Scan
from spinloom.dataset.split_cases import Split, split

HELD = 0.15
"""Share of subjects held out where no split is given, but at least one subject."""
NOBODY = "nobody is held out, and the run has no score"


def parts_of(pairs: Pairs, split_by: Split | None, seed: int) -> tuple[dict[str, set[str]], tuple[str, ...]]:
    """Subjects to train on and those held out, by name; sentences on who could not be.

    Without pairs only subjects whom every source and target shows can be held out, if both sides keep somebody else.
    """
    people = {p.subject for p in pairs.pairs}
    if split_by is not None:
        held = {*split_by.parts["val"], *split_by.parts["test"]} & people
        lone = sorted(held - {p.subject for p in both_sides(pairs).pairs})
        said = (f"{', '.join(lone)}: held out, but shown by one side alone, which cannot be scored",) if lone else ()
        return {"train": set(split_by.parts["train"]) & people, "held": held}, said
    whole = both_sides(pairs).pairs
    known = {identity(p.subject) for p in whole}
    if len(people) < 2 or (pairs.paired and len(known) < 2):
        return {"train": people, "held": set()}, ()
    goes, comes = ("+".join(side) for side in (pairs.source, pairs.target))
    if not known:
        return {"train": people, "held": set()}, (f"nobody has {goes} and {comes} of one visit: {NOBODY}",)
    share = max(HELD, 1 / len(known))
    out = {p.subject for p in whole} if share == 1 else {*split(whole, (1 - share, share, 0), seed=seed).parts["val"]}
    away = {identity(s) for s in out}
    kept = [p for p in pairs.pairs if identity(p.subject) not in away]
    if not pairs.paired and not (any(p.source for p in kept) and any(p.target for p in kept)):
        said = (f"without {', '.join(sorted(out))} nobody has {goes}, or {comes}, to train on: {NOBODY}",)
        return {"train": people, "held": set()}, said
    return {"train": {p.subject for p in kept}, "held": out}, ()


def both_sides(pairs: Pairs) -> Pairs:
    """Pairs; of scans listed one by one, those of one visit that has each source and target once."""
    if pairs.paired:
        return pairs
    visits: dict[tuple[str, str | None], tuple[dict[str, list[Scan]], dict[str, list[Scan]]]] = defaultdict(
        lambda: (defaultdict(list), defaultdict(list))
    )
    for pair in pairs.pairs:
        for side, scans in zip(visits[pair.subject, pair.session], (pair.source, pair.target), strict=True):
            for contrast, scan in scans.items():
                side[contrast].append(scan)
    made = []
    for (subject, session), (source, target) in visits.items():
        wanted = [source.get(c, []) for c in pairs.source] + [target.get(c, []) for c in pairs.target]
        if all(len(scans) == 1 for scans in wanted):
            one = {c: source[c][0] for c in pairs.source}, {c: target[c][0] for c in pairs.target}
            made.append(Pair(subject, session, *one, None, next(iter(one[1].values())).site))
    return replace(pairs, pairs=tuple(made), paired=True, resample=True)
