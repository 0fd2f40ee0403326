"""Splits of cases by subject: shares, folds, one site at a time. No subject is ever on two sides."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError, UsageError
from spinloom.core.rng import stream
from spinloom.dataset.fields import SplitSection
from spinloom.dataset.find_names import identity
from spinloom.dataset.split import splits
from spinloom.dataset.split_people import Whose, kinship_of, people_of, with_val
from spinloom.files import atomic, gate

FORMAT = "spinloom split 1"
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """Which subject is in which part.

    name   of the split, e.g. fold 2 or the site left out
    parts  train, val, test → subjects, sorted
    how    what it was made by, for a reader
    """

    name: str
    parts: Mapping[str, tuple[str, ...]]
    how: str

    def part_of(self, subject: str) -> str | None:
        """The part a subject is in; None if in none."""
        return next((part for part, who in self.parts.items() if subject in who), None)


def split(cases: Iterable[Whose], parts: Sequence[float] = (0.7, 0.15, 0.15), *, seed: int = 0) -> Split:
    """Shares of the subjects for training, validation and testing.

    cases  pairs or scans; all visits of a subject, and all spellings of its name (sub-01, 01), stay together
    parts  three shares, scaled to sum 1; counts are rounded by largest remainder
    seed   same seed and subjects, same split, in whatever order the files came

    Raises UsageError for shares that make no sense, InputError if a part asked for gets nobody, and if there are
    pictures of which nothing says whose they are: slices of one person could come to stand on two sides.
    """
    cases = tuple(cases)
    if len(parts) != 3 or not all(0 <= p < float("inf") for p in parts) or sum(parts) <= 0:
        raise UsageError(f"shares {tuple(parts)} make no split", remedy="Give three, e.g. 0.7,0.15,0.15.")
    people = people_of(cases)
    whole = sum(parts)
    section = SplitSection(train=parts[0] / whole, val=parts[1] / whole, test=parts[2] / whole)
    chosen: dict[str, list[str]] = {part: [] for part in PARTS}
    for names, part in zip(people, splits(section, len(people), seed), strict=True):
        chosen[part] += names
    for part, share in zip(PARTS, parts, strict=True):
        if share > 0 and not chosen[part]:
            raise InputError(f"{len(people)} subjects leave nobody for '{part}'", remedy="Use other shares or folds.")
    shares = _words(parts)
    if abs(whole - 1) > 1e-6:
        shares += f", which sum to {whole:g} and were scaled to {_words([p / whole for p in parts])}"
    return _made("split", chosen, f"by subject, shares {shares}, seed {seed}{kinship_of(cases)}")


def folds(cases: Iterable[Whose], k: int = 5, *, seed: int = 0, val: float = 0.0) -> tuple[Split, ...]:
    """k splits; each subject is tested in exactly one. Fold sizes differ by at most one.

    val  share of the subjects not tested on that is kept for validation; 0: none
    """
    cases = tuple(cases)
    people = people_of(cases)
    if not 2 <= k <= len(people):
        raise UsageError(f"{len(people)} subjects make no {k} folds", remedy="2 to as many as there are subjects.")
    order = stream(seed, "folds").permutation(len(people))
    fold_of = {int(i): n % k for n, i in enumerate(order)}
    made = []
    for fold in range(k):
        chosen: dict[str, list[str]] = {"train": [], "val": [], "test": []}
        for i, names in enumerate(people):
            chosen["test" if fold_of[i] == fold else "train"] += names
        name = f"fold-{fold + 1}"
        how = with_val(chosen, val, seed, name)
        made.append(_made(name, chosen, f"fold {fold + 1} of {k} by subject, seed {seed}; {how}{kinship_of(cases)}"))
    return tuple(made)


def leave_one_site_out(cases: Iterable[Whose], *, val: float = 0.0, seed: int = 0) -> tuple[Split, ...]:
    """One split per site: tested there, trained at all others.

    val, seed  share of the others' subjects that is kept for validation, and what they are drawn by; 0: none

    Raises InputError if a case has no site, if there is one site only, or if a subject was scanned at two.
    """
    known = tuple(cases)
    people_of(known)
    homeless = sorted({case.subject for case in known if not case.site})
    if homeless:
        raise InputError(
            f"no site is known of {len(homeless)} subjects, e.g. {homeless[0]}",
            remedy="Say it in participants.tsv (column site).",
        )
    sites: dict[str, set[str]] = defaultdict(set)
    for case in known:
        sites[identity(case.subject)].add(str(case.site))
    travelled = next((who for who, where in sites.items() if len(where) > 1), None)
    if travelled:
        raise InputError(f"subject {travelled} was scanned at {', '.join(sorted(sites[travelled]))}: it would leak")
    everywhere = sorted({str(case.site) for case in known})
    if len(everywhere) < 2:
        raise InputError(f"all cases are of one site, {everywhere[0]}")
    made = []
    for site in everywhere:
        chosen = {
            "train": [case.subject for case in known if case.site != site],
            "val": [],
            "test": [case.subject for case in known if case.site == site],
        }
        how = with_val(chosen, val, seed, site)
        made.append(_made(f"without-{site}", chosen, f"site {site} left out; {how}{kinship_of(known)}"))
    return tuple(made)


def write_splits(made: Sequence[Split], path: str | os.PathLike[str]) -> None:
    """One JSON file: every split with its subjects by name."""
    told = [{"name": s.name, "how": s.how, "parts": {p: list(who) for p, who in s.parts.items()}} for s in made]
    atomic.write_json(path, {"format": FORMAT, "splits": told})


def read_splits(path: str | os.PathLike[str]) -> tuple[Split, ...]:
    """Raises InputError for a file that is none, or in which a subject is on two sides."""
    try:
        told = json.loads(gate.read_text(path))
        if told["format"] != FORMAT:
            raise InputError(f"is of format '{told['format']}', '{FORMAT}' was expected", file=path)
        made = tuple(
            Split(str(s["name"]), {p: tuple(map(str, s["parts"][p])) for p in PARTS}, str(s["how"]))
            for s in told["splits"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"is no split: {_lack(error)}", file=path, remedy="Make it with spinloom split.") from error
    for one in made:
        _require_apart(one, Path(path))
    return made


def _lack(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no entry {error}"
    return "it is no JSON" if isinstance(error, ValueError) else "it is laid out otherwise"


def _made(name: str, chosen: Mapping[str, Iterable[str]], how: str) -> Split:
    return Split(name, {part: tuple(sorted(set(who))) for part, who in chosen.items()}, how)


def _require_apart(one: Split, file: Path) -> None:
    seen: dict[str, str] = {}
    for part, who in one.parts.items():
        for subject in who:
            other = seen.setdefault(identity(subject), part)
            if other != part:
                raise InputError(f"split '{one.name}' has subject {subject} in {other} and in {part}", file=file)


def _words(parts: Sequence[float]) -> str:
    return ", ".join(f"{p:.4g}" for p in parts)
