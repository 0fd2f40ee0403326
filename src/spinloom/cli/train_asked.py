"""What `spinloom train` is asked: a time, a split, scans in pairs; and what of it does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spinloom.cli.folders import scans_in

if TYPE_CHECKING:
    from spinloom.dataset.pairs import Pairs
    from spinloom.dataset.split_cases import Split
    from spinloom.translate.plan import Plan


def sound_any(
    data: Path | None, named: list[str], heads: object, family: str, factor: int | None, plan: Path | None
) -> None:
    """Raises UsageError for what does not go with --any-contrast."""
    from spinloom.core.errors import UsageError

    if plan is not None:
        raise UsageError("--plan says what is learned", remedy="Leave out --any-contrast: the plan's conditions do it.")
    if data is not None or not heads:
        raise UsageError("--any-contrast learns from simulated pairs alone", remedy="E.g. --simulated 12, no folder.")
    if named:
        raise UsageError(f"--any-contrast makes any of any, not {', '.join(named)}", remedy="Say it to translate.")
    if factor is not None or family != "regression":
        raise UsageError("--any-contrast is for family regression, without --super-resolution")


def root_of(factor: int | None, stages: int) -> int:
    """The factor of each of several stages. Raises UsageError if there is no whole one."""
    from spinloom.core.errors import UsageError

    each = round((factor or 0) ** (1 / stages))
    if factor is None or each**stages != factor:
        raise UsageError(
            f"{stages} stages make no --super-resolution {factor}", remedy="E.g. --super-resolution 4 --stages 2."
        )
    return each


def same_question(kept: Plan, asked: Plan, out: Path) -> None:
    """Raises InputError if a folder's run learns something else than the command line asks for."""
    from spinloom.core.errors import InputError

    def ends(plan: Plan) -> dict[str, object]:
        goes, comes = ([s.contrast for s in side] for side in (plan.source, plan.target))
        thick = None if plan.thick is None else plan.thick.factor
        fields = [s.B0 for s in (*plan.source, *plan.target)]
        return {
            "family": plan.family, "source": goes, "target": comes, "super-resolution": thick, "B0": fields,
            "settings": dict(plan.settings), "seed": plan.training.seed,
            "any contrast": plan.conditions is not None,
        }  # fmt: skip

    for what, now in ends(asked).items():
        if ends(kept)[what] != now:
            raise InputError(
                f"holds a run of another plan: its {what} is {ends(kept)[what]}, not {now}",
                file=out,
                remedy=f"Choose another folder, delete it, or go on with --plan {out / 'plan.json'}.",
            )


def only(splits: tuple[Split, ...], file: Path) -> Split:
    """The one split of a file. Raises UsageError for several folds."""
    from spinloom.core.errors import UsageError

    if len(splits) > 1:
        raise UsageError(f"{file} holds {len(splits)} splits", remedy="Make a file for each fold; train once for each.")
    return splits[0]


def pairs_of(
    plan: Plan, data: Path, layout: str | None, exclude: list[str] | None, source_data: Path | None = None
) -> Pairs:
    """A list of pairs that exists, or what a folder of scans gives; unequal grids go onto the target's."""
    from spinloom.core.errors import InputError, UsageError
    from spinloom.dataset.pairing import pair
    from spinloom.dataset.pairs_file import read_pairs
    from spinloom.train.two_folders import pair_folders

    if data.is_file() and data.suffix != ".json":
        raise InputError(
            "is neither a folder of scans nor a list of pairs", file=data, remedy="Name the folder that it lies in."
        )
    if data.is_file() or (data / "pairs.json").exists():
        return read_pairs(data)
    target = tuple(s.contrast for s in plan.target)
    source = () if plan.thick else tuple(s.contrast for s in plan.source)
    if source_data is not None:
        low, high = (scans_in(folder, layout, exclude) for folder in (source_data, data))
        return pair_folders(low, high, source, target, unpaired=not plan.paired)
    if both := sorted({*source} & {*target}):
        raise UsageError(
            f"{', '.join(both)} is source and target: one folder does not say which scan is which",
            remedy="Put the sources into a folder of their own and name it with --source-data; to make slices thinner, "
            "take --super-resolution.",
        )
    found = scans_in(data, layout, exclude)
    return pair(found, source, target, unpaired=not plan.paired, resample=plan.paired, read=False)


def seconds(text: str) -> float:
    """90, 90s, 30m, 2h [s]"""
    from spinloom.core.errors import UsageError

    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text and text[-1] in units else (text, 1.0)
    try:
        value = float(number) * unit
    except ValueError:
        value = float("nan")
    if not 1 <= value < 1e7:
        raise UsageError(f"'{text}' is no time", remedy="E.g. 90s, 30m, 2h.")
    return value
