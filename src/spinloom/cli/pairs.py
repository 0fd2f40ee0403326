"""`spinloom pair`, `register`, `split` and `leakage`: from a folder of scans to a set that a model may learn from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o

if TYPE_CHECKING:
    from spinloom.dataset.find import Layout
    from spinloom.dataset.pairs import Pair, Pairs
    from spinloom.dataset.scans import Found, Scan

LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="BIDS, SynthRAD2023, SynthRAD2025, IXI, BraTS, HCP, MRBrainS or plain. Default: recognised.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Leave out paths below the folder that match, e.g. '*run-2*'. May be repeated."),
]


def pair(
    folder: Annotated[Path, typer.Argument(help="A folder of scans; see `--layout`.")],
    out: o.Out,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="What goes in, e.g. T1w. May be repeated.")
    ] = None,
    target: Annotated[list[str] | None, typer.Option("--target", help="What should come out, e.g. T2w, CT.")] = None,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Two lists, whoever the images are of.")] = False,
    mask: Annotated[str, typer.Option("--mask", help="Contrast of the mask, taken where there is one; none.")] = "mask",
    resample: Annotated[
        bool, typer.Option("--resample", help="Put each case on its target's grid, by the affines; writes copies.")
    ] = False,
    copy: Annotated[bool, typer.Option("--copy", help="Write every image as NIfTI beside the list.")] = False,
    layout: LayoutName = None,
    exclude: Exclude = None,
    json: o.Json = False,
) -> None:
    """Match scans by subject and session and list them: pairs.json and pairs.csv. Faults are named, the rest goes on.

    Example: spinloom pair scans --source T1w --target T2w -o pairs
    """
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import PartialFailure
    from spinloom.dataset.pairing import pair as match
    from spinloom.dataset.pairs_file import write_pairs

    found = _found(folder, layout, exclude)
    made = match(
        found,
        tuple(source or ("T1w",)),
        tuple(target or ("T2w",)),
        unpaired=unpaired,
        mask=None if mask == "none" else mask,
        resample=resample,
        progress=_tell,
    )
    written = write_pairs(made, out, copy=copy, progress=_tell)
    facts: dict[str, object] = {
        "written": [str(written), str(written.with_suffix(".csv"))],
        "layout": made.layout,
        "licence": made.licence or "not said: ask whoever gave you the data",
        **{key: found.about[key] for key in ("terms", "cite") if key in found.about},
        "cases" if made.paired else "images": _counts(made),
        "faults": [f"{file}: {fault}" for file, fault in made.faults],
    }
    print_facts(facts, as_json=json)
    if made.faults:
        raise PartialFailure(f"{len(made.faults)} faults; everything else is in {written}")


def register(
    moving: Annotated[Path, typer.Argument(help="The image to move.")],
    fixed: Annotated[Path, typer.Argument(help="The image that stays; the result lies on its grid.")],
    out: o.Out,
    kind: Annotated[str, typer.Option("--kind", help="rigid, affine or deformable.")] = "rigid",
    mask: Annotated[Path | None, typer.Option("--mask", help="Where agreement counts, on the fixed grid.")] = None,
    ct: Annotated[bool, typer.Option("--ct", help="The moving image holds CT numbers: air beyond its edge.")] = False,
    json: o.Json = False,
) -> None:
    """Move one image onto another by mutual information: image, a JSON of what was done and how well, a chequered PNG.

    A registration that made the agreement worse, ran away or folds space is refused. Needs the extra `register`.

    Example: spinloom register t1.nii.gz t2.nii.gz -o t1_on_t2.nii.gz --kind rigid
    """
    from spinloom.cli.write import image_suffix, print_facts
    from spinloom.core.errors import UsageError, nearest
    from spinloom.core.image import Quantity
    from spinloom.dataset.read_scan import read_scan
    from spinloom.dataset.register import register as run
    from spinloom.dataset.register_kinds import KINDS
    from spinloom.dataset.register_picture import chequered
    from spinloom.dataset.scans import Scan
    from spinloom.files import atomic, hashes
    from spinloom.io import write_image

    suffix = image_suffix(out)
    if kind not in KINDS:
        raise UsageError(f"no registration '{kind}'", remedy=nearest(kind, [*KINDS]))
    images = {
        name: read_scan(Scan(path, name, None, name, quantity))
        for name, path, quantity in (
            ("moving", moving, Quantity.HU if ct else Quantity.SIGNAL),
            ("fixed", fixed, Quantity.SIGNAL),
            *((("mask", mask, Quantity.LABEL),) if mask else ()),
        )
    }
    made = run(images["moving"], images["fixed"], KINDS[kind](), images.get("mask"))
    stem = out.name[: -len(suffix)]
    used = {"moving": moving, "fixed": fixed, **({"mask": mask} if mask else {})}
    sources = {
        name: {"file": p.name, "sha256": hashes.sha256_file(p) if p.is_file() else None} for name, p in used.items()
    }
    write_image(made.image, out)
    atomic.write_json(out.with_name(f"{stem}.json"), {**made.facts, "Sources": sources})
    atomic.write_bytes(out.with_name(f"{stem}.png"), chequered(made.image, images["fixed"]))
    shown = {key: made.facts[key] for key in ("kind", "rotation [deg]", "shift of the middle [mm]")}
    print_facts({"written": str(out), **shown, **made.quality.facts()}, as_json=json)


def split(
    cases: Annotated[Path, typer.Argument(help="pairs.json, its folder, or a folder of scans.")],
    out: o.Out,
    shares: Annotated[str, typer.Option("--shares", help="Of train, val and test.")] = "0.7,0.15,0.15",
    folds: Annotated[int | None, typer.Option("--folds", help="Instead: this many folds.", min=2)] = None,
    by_site: Annotated[bool, typer.Option("--by-site", help="Instead: leave one site out at a time.")] = False,
    seed: o.Seed = 0,
    layout: LayoutName = None,
    exclude: Exclude = None,
    json: o.Json = False,
) -> None:
    """Split by subject, never by slice: all visits and spellings of one person stay together.

    Example: spinloom split pairs -o split.json
    """
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError
    from spinloom.dataset import split_cases as by

    if folds and by_site:
        raise UsageError("--folds and --by-site exclude each other")
    members = _members(cases, layout, exclude)
    if by_site:
        made = by.leave_one_site_out(members)
    elif folds:
        made = by.folds(members, folds, seed=seed)
    else:
        made = (by.split(members, _numbers(shares), seed=seed),)
    by.write_splits(made, out)
    sizes = [f"{s.name}: " + ", ".join(f"{part} {len(who)}" for part, who in s.parts.items()) for s in made]
    print_facts({"written": str(out), "subjects": sizes, "how": made[0].how}, as_json=json)


def leakage(
    train: Annotated[Path, typer.Argument(help="Training set: folder, pairs.json or .npy stack (slice, y, x).")],
    test: Annotated[Path | None, typer.Argument(help="Test set, likewise; not with --split.")] = None,
    split: Annotated[Path | None, typer.Option("--split", help="Compare the parts of this split of TRAIN.")] = None,
    contrast: Annotated[str | None, typer.Option("--contrast", help="Compare this one only, e.g. T1w.")] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Correlation from which slices are alike.", min=0.5, max=1.0)
    ] = 0.98,
    json: o.Json = False,
) -> None:
    """Find people on both sides, however spelled, and slices of the test set that resemble a training slice.

    Exit code 4 if something leaks. Example: spinloom leakage train_input.npy val_input.npy
    """
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError
    from spinloom.dataset.leakage_of_sets import leakage_between, leakage_of_split

    if (test is None) == (split is None):
        raise UsageError("a test set is missing", remedy="Give TRAIN and TEST, or TRAIN with --split.")
    if split is not None:
        results = leakage_of_split(_members(train, None, None), split, contrast, threshold, _tell)
    else:
        sides = [p if p.suffix == ".npy" else _members(p, None, None) for p in (train, test) if p]
        results = {"train, test": leakage_between(sides[0], sides[1], contrast, threshold, _tell)}
    if json:
        print_facts({name: result.facts() for name, result in results.items()}, as_json=True)
    for name, result in () if json else results.items():
        print_facts({"between": name, **result.facts()}, as_json=False)
    for result in results.values():
        result.raise_if_found()


def _tell(name: str) -> None:
    """Where it stands, to whoever watches."""
    if sys.stderr.isatty():
        typer.echo(f"  {name}", err=True)


def _found(folder: Path, layout: str | None, exclude: list[str] | None) -> Found:
    from spinloom.dataset.find import find_scans

    return find_scans(folder, _layout(layout), exclude=exclude or ())


def _layout(name: str | None) -> Layout | None:
    from spinloom.core.errors import UsageError, nearest
    from spinloom.dataset.find import LAYOUTS

    if name is None:
        return None
    known = {key.lower(): layout for key, layout in LAYOUTS.items()}
    if name.lower() not in known:
        raise UsageError(f"no layout '{name}'", remedy=nearest(name, [*LAYOUTS]))
    return known[name.lower()]


def _counts(made: Pairs) -> str:
    if made.paired:
        return f"{len(made.pairs)} of {len({one.subject for one in made.pairs})} subjects"
    n = sum(bool(one.source) for one in made.pairs)
    both = {one.subject for one in made.pairs if one.source} & {one.subject for one in made.pairs if one.target}
    return f"{n} sources, {len(made.pairs) - n} targets; {len(both)} subjects have both"


def _members(path: Path, layout: str | None, exclude: list[str] | None) -> tuple[Pair, ...] | tuple[Scan, ...]:
    """The cases of a list of pairs, or the scans of a folder."""
    from spinloom.dataset.pairs_file import read_pairs

    if path.suffix == ".json" or (path / "pairs.json").is_file():
        return read_pairs(path).pairs
    return _found(path, layout, exclude).scans


def _numbers(shares: str) -> tuple[float, ...]:
    from spinloom.core.errors import UsageError

    try:
        return tuple(float(word) for word in shares.split(","))
    except ValueError:
        raise UsageError(f"--shares {shares} are no numbers", remedy="E.g. 0.7,0.15,0.15.") from None
