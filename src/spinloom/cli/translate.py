"""`spinloom translate`: a scan, a DICOM series or a folder of scans → what it would look like as something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in, tell
from spinloom.cli.translated import nifti, written_images

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.translate.model import Model
    from spinloom.translate.translate import Translated


def translate(
    model: Annotated[
        list[str], typer.Argument(help="A shipped model's name, or a file or run folder; several are averaged.")
    ],
    given: Annotated[
        list[Path],
        typer.Option("--input", "-i", help="A scan (NIfTI, DICOM folder ...), once per source; or a folder of scans."),
    ],
    out: o.Out,
    then: Annotated[
        list[str] | None, typer.Option("--then", help="A model that is given what the one before made. Repeatable.")
    ] = None,
    backwards: Annotated[bool, typer.Option("--back", help="A CycleGAN the other way: target to source.")] = False,
    mask: Annotated[
        Path | None, typer.Option("--mask", help="Where the subject is. Default: found in the image.")
    ] = None,
    draws: Annotated[
        int, typer.Option("--draws", help="Samples to average, for families that sample.", min=1, max=1000)
    ] = 1,
    flips: Annotated[bool, typer.Option("--flips", help="Also the mirror image, mirrored back.")] = False,
    spread: Annotated[
        Path | None, typer.Option("--spread", help="Also the standard deviation per voxel over draws, flips, models.")
    ] = None,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write a DICOM series (a folder) instead of NIfTI.")] = False,
    identity: Annotated[str, typer.Option("--identity", help="Of the patient in DICOM: none or keep.")] = "none",
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    layout: LayoutName = None,
    exclude: Exclude = None,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Translate a scan onto its own grid, in the right unit. What lies outside the model's training is said.

    Example: spinloom translate t1w-to-t2w -i my_T1w.nii.gz -o my_T2w.nii.gz
    """
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError

    needs_learn()
    from spinloom.translate.cascade import back
    from spinloom.translate.devices import chosen
    from spinloom.translate.shelf import fetched, stages

    if identity not in ("none", "keep"):
        raise UsageError(f"--identity {identity}", remedy="none or keep.")
    if then and len(model) > 1:
        raise UsageError("several models are averaged, or follow on each other", remedy="Give one, then --then.")
    models = [*stages(model[0]), *(fetched(n) for n in then or ())] if len(model) == 1 else [fetched(n) for n in model]
    if backwards:
        models = [back(m) for m in models]
    options: dict[str, Any] = {"draws": draws, "flips": flips, "seed": seed, "device": chosen(device)}
    options["in_turn"] = len(model) == 1 and len(models) > 1
    if is_folder_of_scans(given):
        facts = many(models, given[0], out, layout, exclude, options)
    else:
        whose = cast(Literal["none", "keep"], identity)
        facts = one(models, given, out, mask, spread, options, dicom=dicom, identity=whose)
    print_facts(facts, as_json=json)


def run(images: Sequence[Image], models: list[Model], *, in_turn: bool, **options: Any) -> Translated:
    """The mean of models, or one after the other."""
    from spinloom.translate.cascade import cascade
    from spinloom.translate.translate import translate

    return cascade(images, models, **options) if in_turn else translate(images, models, **options)


def is_folder_of_scans(given: Sequence[Path]) -> bool:
    """A folder that holds folders or volumes, rather than the files of one series: many subjects."""
    if len(given) != 1 or not given[0].is_dir():
        return False
    return any(p.is_dir() or p.name.endswith((".nii", ".nii.gz", ".mha")) for p in given[0].iterdir())


def one(
    models: list[Model],
    given: Sequence[Path],
    out: Path,
    mask: Path | None,
    spread: Path | None,
    options: dict[str, Any],
    *,
    dicom: bool,
    identity: Literal["none", "keep"],
) -> dict[str, object]:
    """One case: files named on the command line."""
    from spinloom.cli.write import keep_inputs
    from spinloom.core.errors import InputError
    from spinloom.core.image import Quantity
    from spinloom.io.images import read_any

    plan = models[0].plan
    keep_inputs([*given, mask], [out, spread])
    if len(given) != len(plan.source):
        names = ", ".join(s.contrast for s in plan.source)
        raise InputError(f"{len(given)} images were given, {models[0].name} needs {len(plan.source)}: {names}")
    alone = len(models) == 1 or options["in_turn"]
    if spread is not None and options["draws"] == 1 and not options["flips"] and alone:
        raise InputError("one answer has no spread", remedy="Ask for --draws, --flips, or several models.")
    images = [read_any(p, quantity=Quantity[s.quantity]) for p, s in zip(given, plan.source, strict=True)]
    where = None if mask is None else read_any(mask, quantity=Quantity.LABEL)
    made = run(images, models, mask=where, **options)
    written = written_images(made, out, models, given, options, dicom=dicom, identity=identity)
    if spread is not None and made.spread is not None:
        written += nifti(made.spread, spread, lambda c: {"what": f"standard deviation of {c}"})
    for warning in made.warnings:
        typer.echo(f"spinloom: outside the training: {warning}", err=True)
    return {"written": [str(p) for p in written], "model": models[0].name, "outside the training": list(made.warnings)}


def many(
    models: list[Model], folder: Path, out: Path, layout: str | None, exclude: list[str] | None, options: dict[str, Any]
) -> dict[str, object]:
    """A folder of subjects → a BIDS derivative; one bad case stops no other."""
    from spinloom.cli.write import keep_inputs
    from spinloom.core.errors import InputError, PartialFailure, SpinloomError
    from spinloom.dataset.pairing import pair
    from spinloom.dataset.read_case import read_case
    from spinloom.translate.derivative import destination, write_description

    keep_inputs([folder], [out])
    plan = models[0].plan
    names = tuple(s.contrast for s in plan.source)
    if out.exists() and not out.is_dir():
        raise InputError("is a file; a folder of scans is answered by a folder", file=out)
    pairs = pair(scans_in(folder, layout, exclude), names, (), read=False)
    faults = [(str(f), why) for f, why in pairs.faults]
    written: list[Path] = []
    flagged: dict[str, list[str]] = {}
    write_description(out, models, folder.name)
    for each in pairs.pairs:
        tell(each.name)
        try:
            case = read_case(each)
            made = run([case.source[n] for n in names], models, mask=case.mask, **options)
            for contrast in made.images:
                path = destination(out, each.subject, each.session, contrast, models[0].name)
                files = [s.path for s in each.source.values()]
                written += written_images(made, path, models, files, options, only=contrast)
            if made.warnings:
                flagged[each.name] = list(made.warnings)
        except SpinloomError as error:
            faults.append((each.name, str(error)))
    for who, why in faults:
        typer.echo(f"spinloom: not translated: {who}: {why}", err=True)
    if faults:
        raise PartialFailure(f"{len(faults)} were not translated; {len(written)} images are in {out}")
    return {"written": [str(out)], "cases": len(pairs.pairs), "outside the training": flagged}
