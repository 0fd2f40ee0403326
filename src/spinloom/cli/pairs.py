"""`spinloom pair` and `register`: from a folder of scans to cases that a model may learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in, tell

if TYPE_CHECKING:
    from spinloom.dataset.pairs import Pairs
    from spinloom.dataset.scans import Found


def pair(
    folder: Annotated[Path, typer.Argument(help="A folder of scans; see `--layout`.")],
    out: o.Out,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="What goes in, e.g. T1w. May be repeated. With --target; neither: T1w."),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="What should come out, e.g. CT. Neither: T2w.")
    ] = None,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Two lists, whoever the images are of.")] = False,
    mask: Annotated[str, typer.Option("--mask", help="Contrast of the mask, taken where there is one; none.")] = "mask",
    resample: Annotated[
        bool, typer.Option("--resample", help="Put each case on its target's grid, by the affines; writes copies.")
    ] = False,
    copy: Annotated[bool, typer.Option("--copy", help="Write every image as NIfTI beside the list.")] = False,
    verify_checksums: Annotated[
        bool,
        typer.Option("--verify-checksums", help="First compare with SHA256SUMS or MD5SUMS in the folder."),
    ] = False,
    layout: LayoutName = None,
    exclude: Exclude = None,
    json: o.Json = False,
) -> None:
    """Match scans by subject and session and list them: pairs.json and pairs.csv. Faults are named, the rest goes on.

    Example: spinloom pair scans --source T1w --target T2w -o pairs
    """
    from spinloom.cli.write import count, print_facts
    from spinloom.core.errors import PartialFailure, UsageError
    from spinloom.dataset.checksums import verified
    from spinloom.dataset.pairing import pair as match
    from spinloom.dataset.pairs_file import write_pairs
    from spinloom.dataset.same_files import same_files

    if bool(source) != bool(target):
        missing = "--target" if source else "--source"
        raise UsageError(f"{missing} is missing", remedy="Name both, or neither for T1w to T2w.")
    found = scans_in(folder, layout, exclude)
    checked: dict[str, object] = {}
    if verify_checksums:
        found, n = verified(found, folder)
        checked = {"checksums": f"{n} files are as listed"}
    made = match(
        found,
        tuple(source or ("T1w",)),
        tuple(target or ("T2w",)),
        unpaired=unpaired,
        mask=None if mask == "none" else mask,
        resample=resample,
        progress=tell,
    )
    made = replace(made, doubts=made.doubts + same_files(made.pairs))
    written = write_pairs(made, out, copy=copy, progress=tell)
    facts: dict[str, object] = {
        "written": [str(written), str(written.with_suffix(".csv"))],
        "layout": made.layout,
        "licence": made.licence or "not said: ask whoever gave you the data",
        **{key: found.about[key] for key in ("terms", "cite") if key in found.about},
        **({"passed over": f"{found.left} image files that are none of the layout's scans"} if found.left else {}),
        **checked,
        "cases" if made.paired else "images": _counts(made, found),
        "faults": [f"{file}: {fault}" for file, fault in made.faults],
        **({"doubts": [f"{file}: {doubt}" for file, doubt in made.doubts]} if made.doubts else {}),
    }
    print_facts(facts, as_json=json)
    if made.faults:
        raise PartialFailure(f"{count(len(made.faults), 'fault')}; everything else is in {written}")


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
    from spinloom.cli.keep import beside, keep_others
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError, nearest
    from spinloom.core.image import Quantity
    from spinloom.core.version import __version__
    from spinloom.dataset.read_scan import read_scan
    from spinloom.dataset.register import register as run
    from spinloom.dataset.register_kinds import KINDS
    from spinloom.dataset.register_picture import chequered
    from spinloom.dataset.scans import Scan
    from spinloom.files import atomic, hashes
    from spinloom.io import write_image

    keep_others(out, [moving, fixed, mask])
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
    json_beside, picture = beside(out)
    used = {"moving": moving, "fixed": fixed, **({"mask": mask} if mask else {})}
    sources = {
        name: {"file": p.name, "sha256": hashes.sha256_file(p) if p.is_file() else None} for name, p in used.items()
    }
    write_image(made.image, out)
    atomic.write_json(json_beside, {"Software": f"Spinloom {__version__}", **made.facts, "Sources": sources})
    atomic.write_bytes(picture, chequered(made.image, images["fixed"]))
    shown = {key: made.facts[key] for key in ("kind", "rotation [deg]", "shift of the middle [mm]")}
    print_facts({"written": str(out), **shown, **made.quality.facts()}, as_json=json)


def _counts(made: Pairs, found: Found) -> str:
    """Cases and people, never slices, and people of whom no case is made; who is spelled in two ways is one."""
    from spinloom.dataset.find_names import identity

    if made.paired:
        nobody = sum(one.anonymous for one in made.pairs)
        people = len({identity(one.subject) for one in made.pairs if not one.anonymous})
        if nobody:
            return f"{len(made.pairs)}; nothing says whose {nobody} of them are" + f", {people} subjects" * bool(people)
        there = len({identity(scan.subject) for scan in found.scans if not scan.anonymous})
        none = f"; {there - people} of the {there} subjects in the folder have none" if there > people else ""
        return f"{len(made.pairs)} of {people} subject{'s' * (people != 1)}{none}"
    n = sum(bool(one.source) for one in made.pairs)
    known = [one for one in made.pairs if not one.anonymous]
    both = {identity(p.subject) for p in known if p.source} & {identity(p.subject) for p in known if p.target}
    return f"{n} sources, {len(made.pairs) - n} targets; {len(both)} subjects have both"
