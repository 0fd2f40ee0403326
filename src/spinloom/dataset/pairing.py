"""From scans to pairs: what goes in and what should come out, of one subject at one visit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from spinloom.core.errors import InputError, SpinloomError, UsageError
from spinloom.dataset.case import Case
from spinloom.dataset.find_names import identity
from spinloom.dataset.pairs import Pair, Pairs
from spinloom.dataset.read_case import read_case
from spinloom.dataset.scans import Found, Scan


def pair(
    found: Found,
    source: Sequence[str] = ("T1w",),
    target: Sequence[str] = ("T2w",),
    *,
    unpaired: bool = False,
    mask: str | None = "mask",
    resample: bool = False,
    read: bool = True,
    progress: Callable[[str], None] = lambda name: None,
) -> Pairs:
    """Match scans by subject and session.

    found           the scans
    source, target  contrasts; a case needs all of them
    unpaired        every scan with a source or a target contrast by itself: two lists
    mask            contrast that says where it counts, taken where there is one; None: take none
    resample        put every image on its first target's grid (the affines are believed); otherwise unequal grids are
                    a fault
    read            read every image now, so that constant, NaN and damaged ones are faults now; False: later

    One subject's fault never stops the others. Raises UsageError for a contrast the folder does not hold, InputError if
    nothing is left.
    """
    _require_known(found, (*source, *target))
    faults = list(found.faults)
    made = _sides(found, source, target) if unpaired else _matched(found, source, target, mask, faults)
    pairs = []
    doubts: list[tuple[Path, str]] = []
    for one in made:
        try:
            if read:
                progress(one.name)
                doubts += _doubts(one, read_case(one, resample=resample))
            pairs.append(one)
        except SpinloomError as error:
            where = Path(error.file) if error.file else next(iter(one.scans.values())).path
            faults.append((where, f"{one.name} is left out: {_sentence(error)}"))
    if not pairs:
        why = f" First of {len(faults)}: {faults[0][0]}: {faults[0][1]}" if faults else ""
        raise InputError(f"no pair {'+'.join(source)} → {'+'.join(target)} is left.{why}")
    return Pairs(
        tuple(pairs), tuple(source), tuple(target), tuple(faults), found.layout, found.rights, not unpaired, resample,
        tuple(doubts),
    )  # fmt: skip


def _doubts(pair: Pair, case: Case) -> list[tuple[Path, str]]:
    told = {key: case.origin.get(" ".join(key)) for key in pair.scans}
    return [(pair.scans[k].path, str(t["doubt"])) for k, t in told.items() if isinstance(t, dict) and "doubt" in t]


def _matched(
    found: Found, source: Sequence[str], target: Sequence[str], mask: str | None, faults: list[tuple[Path, str]]
) -> Iterable[Pair]:
    groups: dict[tuple[str, str | None], dict[str, list[Scan]]] = defaultdict(lambda: defaultdict(list))
    for scan in found.scans:
        groups[scan.subject, scan.session][scan.contrast].append(scan)
    spelled = defaultdict(set)
    for subject, _ in groups:
        spelled[identity(subject)].add(subject)
    for (subject, session), scans in groups.items():
        wanted = [c for c in (*source, *target) if c in scans]
        if not wanted:
            continue
        name = subject if session is None else f"{subject}_{session}"
        twice = [c for c in (*wanted, *([mask] if mask in scans else [])) if c and len(scans[c]) > 1]
        missing = [c for c in (*source, *target) if c not in scans]
        if twice:
            for contrast in twice:
                names = ", ".join(str(s.path) for s in scans[contrast][1:])
                faults.append((scans[contrast][0].path, f"{name} has several {contrast}: also {names}. {DUPLICATE}"))
        elif missing:
            others = sorted(spelled[identity(subject)] - {subject})
            hint = f" The same subject also seems to be spelled {', '.join(others)}: name it alike." if others else ""
            faults.append((scans[wanted[0]][0].path, f"{name} has no {', '.join(missing)}.{hint or MISSING}"))
        else:
            chosen = {c: scans[c][0] for c in (*source, *target)}
            masked = scans[mask][0] if mask in scans and mask not in chosen else None
            chosen, masked = _same_slices(name, chosen, masked, faults)
            site = next((s.site for s in chosen.values() if s.site), None)
            yield Pair(subject, session, {c: chosen[c] for c in source}, {c: chosen[c] for c in target}, masked, site)


def _same_slices(
    name: str, chosen: dict[str, Scan], masked: Scan | None, faults: list[tuple[Path, str]]
) -> tuple[dict[str, Scan], Scan | None]:
    """Of scans that are slices in files, the numbers that all of them have; the others are faults."""
    if not all(scan.slices for scan in chosen.values()):
        return chosen, masked
    all_of = [*chosen.values(), *([masked] if masked and masked.slices else [])]
    common = set.intersection(*({n for n, _ in scan.slices} for scan in all_of))
    lone = [(scan, n, file) for scan in all_of for n, file in scan.slices if n not in common]
    if lone and common:
        scan, n, file = lone[0]
        faults.append(
            (file, f"{name}: {len(lone)} slices lack a partner, first {n} of {scan.contrast}. {MISSING.strip()}")
        )

    def kept(scan: Scan) -> Scan:
        slices = tuple((n, file) for n, file in scan.slices if n in common) if common else scan.slices
        return replace(scan, slices=slices, path=slices[0][1])

    return {c: kept(scan) for c, scan in chosen.items()}, kept(masked) if masked and masked.slices else masked


DUPLICATE = "Leave all but one out with --exclude."
MISSING = " Add it, or it stays left out."


def _sides(found: Found, source: Sequence[str], target: Sequence[str]) -> Iterable[Pair]:
    """Every scan by itself: the sources, then the targets."""
    for contrasts, is_source in ((source, True), (target, False)):
        for scan in found.scans:
            if scan.contrast in contrasts:
                one = {scan.contrast: scan}
                yield Pair(
                    scan.subject, scan.session, one if is_source else {}, {} if is_source else one, None, scan.site
                )


def _require_known(found: Found, contrasts: Sequence[str]) -> None:
    have = sorted({scan.contrast for scan in found.scans})
    for contrast in contrasts:
        if contrast not in have:
            raise UsageError(f"no scan shows '{contrast}'", remedy=f"Here are: {', '.join(have)}.")
    if len(set(contrasts)) < len(contrasts):
        raise UsageError("a contrast cannot be source and target at once", remedy="Name different ones.")


def _sentence(error: SpinloomError) -> str:
    return str(type(error)(error.fault, remedy=error.remedy))
