"""`spinloom split` and `leakage`: who is learnt from, who is tested on, and whether anybody is on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in, tell

if TYPE_CHECKING:
    from spinloom.dataset.pairs import Pair
    from spinloom.dataset.scans import Scan


def split(
    cases: Annotated[Path, typer.Argument(help="pairs.json, its folder, or a folder of scans.")],
    out: o.Out,
    shares: Annotated[str, typer.Option("--shares", help="Of train, val and test.")] = "0.7,0.15,0.15",
    val: Annotated[
        float, typer.Option("--val", help="With --folds or --by-site: share of the others kept for val.", min=0, max=1)
    ] = 0.0,
    folds: Annotated[int | None, typer.Option("--folds", help="Instead: this many folds.", min=2)] = None,
    by_site: Annotated[bool, typer.Option("--by-site", help="Instead: leave one site out at a time.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare the pictures of the parts too (leakage).")] = False,
    seed: o.Seed = 0,
    layout: LayoutName = None,
    exclude: Exclude = None,
    json: o.Json = False,
) -> None:
    """Split by subject, never by slice: all visits and spellings of one person stay together.

    Names are compared always, pictures with --check (exit code 4 if something leaks).
    Example: spinloom split pairs -o split.json
    """
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError
    from spinloom.dataset import split_cases as by
    from spinloom.dataset.leakage_of_sets import leakage_of_split
    from spinloom.dataset.same_files import same_files

    if folds and by_site:
        raise UsageError("--folds and --by-site exclude each other")
    if val and not (folds or by_site):
        raise UsageError("--val goes with --folds or --by-site", remedy="In shares it is the second: 0.7,0.15,0.15.")
    members = _members(cases, layout, exclude)
    if by_site:
        made = by.leave_one_site_out(members, val=val, seed=seed)
    elif folds:
        made = by.folds(members, folds, seed=seed, val=val)
    else:
        made = (by.split(members, _numbers(shares), seed=seed),)
    by.write_splits(made, out)
    sizes = [f"{s.name}: " + ", ".join(f"{part} {len(who)}" for part, who in s.parts.items()) for s in made]
    results = leakage_of_split(members, out, tell=tell) if check else {}
    seen = {name: result.facts() for name, result in results.items()}
    other = f"not compared; spinloom leakage {cases} --split {out} does, as does --check"
    twice = [f"{file} {what}" for file, what in same_files(members)]
    facts = {"written": str(out), "subjects": sizes, "how": made[0].how, "pictures": seen or other}
    facts |= {"beware": twice} if twice else {}
    print_facts(facts, as_json=json)
    for result in results.values():
        result.raise_if_found()


def leakage(
    train: Annotated[Path, typer.Argument(help="Training set: folder, pairs.json or .npy stack (slice, y, x).")],
    test: Annotated[Path | None, typer.Argument(help="Test set, likewise; not with --split.")] = None,
    split: Annotated[Path | None, typer.Option("--split", help="Compare the parts of this split of TRAIN.")] = None,
    contrast: Annotated[str | None, typer.Option("--contrast", help="Compare this one only, e.g. T1w.")] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Correlation of detail from which slices are alike.", min=0.5, max=1.0)
    ] = 0.8,
    json: o.Json = False,
) -> None:
    """Find people on both sides, however spelled, and slices of the test set that resemble a training slice.

    However padded, cropped, turned up to 10 degrees, mirrored or scaled. Exit code 4 if something leaks or if nothing
    can be compared, e.g. T1w with T2w. Example: spinloom leakage train_input.npy val_input.npy
    """
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError
    from spinloom.dataset.leakage_of_sets import leakage_between, leakage_of_split

    if (test is None) == (split is None):
        raise UsageError("a test set is missing", remedy="Give TRAIN and TEST, or TRAIN with --split.")
    if split is not None:
        results = leakage_of_split(_members(train, None, None), split, contrast, threshold, tell)
    else:
        sides = [p if p.suffix == ".npy" else _members(p, None, None) for p in (train, test) if p]
        results = {"train, test": leakage_between(sides[0], sides[1], contrast, threshold, tell)}
    if json:
        print_facts({name: result.facts() for name, result in results.items()}, as_json=True)
    for name, result in () if json else results.items():
        print_facts({"between": name, **result.facts()}, as_json=False)
    for result in results.values():
        result.raise_if_found()


def _members(path: Path, layout: str | None, exclude: list[str] | None) -> tuple[Pair, ...] | tuple[Scan, ...]:
    """The cases of a list of pairs, or the scans of a folder."""
    from spinloom.dataset.pairs_file import read_pairs

    if path.suffix == ".json" or (path / "pairs.json").is_file():
        return read_pairs(path).pairs
    return scans_in(path, layout, exclude).scans


def _numbers(shares: str) -> tuple[float, ...]:
    from spinloom.core.errors import UsageError

    try:
        return tuple(float(word) for word in shares.split(","))
    except ValueError:
        raise UsageError(f"--shares {shares} are no numbers", remedy="E.g. 0.7,0.15,0.15.") from None
