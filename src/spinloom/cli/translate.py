"""`spinloom translate`: a scan, a DICOM series or a folder of scans → what it would look like as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in, tell
from spinloom.cli.translate_unit import LIST, case_of, listed, loaded, translate_case, unit_name
from spinloom.cli.translated import nifti, written_images
from spinloom.cli.trust import intervals_of, with_bounds

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.dataset.scans import Found
    from spinloom.jobs.share import Share
    from spinloom.jobs.units import Executor
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
    source_protocol: Annotated[
        str | None,
        typer.Option(
            "--source-protocol",
            help="How the scan was acquired, e.g. 'MPRAGE TR=2.3s TI=0.9s TE=3ms FA=9deg "
            "B0=3T'; what is left out its JSON sidecar tells. For models of any contrast.",
        ),
    ] = None,
    target_protocol: Annotated[
        str | None,
        typer.Option("--target-protocol", help="What to make, e.g. 'TSE TR=4s TE=90ms', or T1w, T2w, PDw, FLAIR."),
    ] = None,
    draws: Annotated[
        int, typer.Option("--draws", help="Samples to average, for families that sample.", min=1, max=1000)
    ] = 1,
    flips: Annotated[bool, typer.Option("--flips", help="Also the mirror image, mirrored back.")] = False,
    spread: Annotated[
        Path | None, typer.Option("--spread", help="Also the standard deviation per voxel over draws, flips, models.")
    ] = None,
    interval: Annotated[
        int | None, typer.Option("--interval", help="Also OUT_low, OUT_high: 50, 80, 90 or 95 % (spinloom calibrate).")
    ] = None,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write a DICOM series (a folder) instead of NIfTI.")] = False,
    identity: Annotated[str, typer.Option("--identity", help="Of the patient in DICOM: none or keep.")] = "none",
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Of a folder: cases at once; 0: in this process.", min=0)
    ] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    shard: e.ShardOf = None,
    join: e.Join = False,
    timeout: e.Timeout = None,
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
    from spinloom.translate.devices import chosen
    from spinloom.translate.shelf import stages

    if identity not in ("none", "keep"):
        raise UsageError(f"--identity {identity}", remedy="none or keep.")
    if then and len(model) > 1:
        raise UsageError("several models are averaged, or follow on each other", remedy="Give one, then --then.")
    names = [*stages(model[0]), *(then or ())] if len(model) == 1 else model
    models = loaded(tuple(names), back=backwards)
    options: dict[str, Any] = {"draws": draws, "flips": flips, "seed": seed, "device": chosen(device)}
    options["in_turn"] = len(model) == 1 and len(models) > 1
    if is_folder_of_scans(given):
        if models[0].plan.conditions is not None:
            raise UsageError(f"{models[0].name} is told the protocol of each scan", remedy="Translate scan by scan.")
        alone = {"--mask": mask is not None, "--spread": spread is not None, "--dicom": dicom}
        alone |= {"--interval": interval is not None}
        alone |= {"--source-protocol": source_protocol is not None, "--target-protocol": target_protocol is not None}
        if asked := [option for option, is_given in alone.items() if is_given]:
            raise UsageError(f"{given[0]} is a folder of scans: no {asked[0]}", remedy="Translate scans one by one.")
        crew = e.crew(engine, jobs, address, timeout)
        found = scans_in(given[0], layout, exclude)
        facts = many(models, found, given[0], out, {"models": names, "back": backwards, "options": options}, crew,
                     share=e.part(shard), join=join)  # fmt: skip
    else:
        for place in given:
            require_images(place)
        whose = cast(Literal["none", "keep"], identity)
        options |= acquired(models, given, source_protocol, target_protocol)
        known = None if interval is None else intervals_of(models, model[0], interval)
        options["bright"] = None if known is None else False  # what was calibrated is what the network says
        facts = one(models, given, out, mask, spread, options, dicom=dicom, identity=whose)
        if interval is not None and known is not None:
            facts["bounds"] = with_bounds(models[0], known, given, interval, out, mask, options["device"])
    print_facts(facts if json else readable(facts), as_json=json)


def readable(facts: dict[str, Any]) -> dict[str, Any]:
    """Without the flags of one case, which are on standard error already; those of many, line by line."""
    flags = facts["outside the training"]
    if isinstance(flags, dict):
        return facts | {"outside the training": [f"{who}: {what}" for who, said in flags.items() for what in said]}
    return {k: v for k, v in facts.items() if k != "outside the training" or not v}


def acquired(models: list[Model], given: Sequence[Path], source: str | None, target: str | None) -> dict[str, Any]:
    """The acquisitions, as an option of translate; none for models that are told none."""
    from spinloom.cli.acquisition import acquisitions
    from spinloom.translate.translate import require_told

    asks = models[0].plan.conditions is not None
    if not asks and (source or target):
        require_told(models[0].plan, models[0].name, (source, target))
    return {"acquisitions": acquisitions(source, target, given[0])} if asks else {}


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


def require_images(place: Path) -> None:
    """Raises InputError for a folder without any file that may be an image."""
    from spinloom.core.errors import InputError
    from spinloom.dataset.find_files import image_files

    if place.is_dir() and not image_files(place) and not any(p.suffix == ".tif" for p in place.iterdir()):
        raise InputError(
            "holds no image: nothing to translate",
            file=place,
            remedy="Name a scan (NIfTI, MetaImage), the folder of a DICOM series or of slices, or a folder of scans.",
        )


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
    from spinloom.cli.write import image_suffix, keep_inputs, print_note
    from spinloom.core.errors import InputError, UsageError
    from spinloom.core.image import Quantity
    from spinloom.io.blame import blame
    from spinloom.io.images import read_any
    from spinloom.translate.build import samples
    from spinloom.translate.names import named_otherwise
    from spinloom.translate.prepare import require_kind

    plan = models[0].plan
    keep_inputs([*given, mask], [out, spread])
    for file in ([] if dicom else [out]) + ([] if spread is None else [spread]):
        image_suffix(file)  # before the work, not after
    if spread is not None and spread.resolve() == out.resolve():
        raise UsageError(f"{out}: image and spread cannot be one file", remedy="Choose another name for --spread.")
    if len(given) != len(plan.source):
        names = ", ".join(s.contrast for s in plan.source)
        raise InputError(f"{len(given)} images were given, {models[0].name} needs {len(plan.source)}: {names}")
    alone = len(models) == 1 or options["in_turn"]
    last = models[-1:] if options["in_turn"] else models
    drawn = options["draws"] > 1 and any(samples(m.plan) for m in last)
    if spread is not None and alone and not drawn and not options["flips"]:
        raise InputError(
            "one answer has no spread", remedy="Ask for --flips, several models, or --draws of a family that samples."
        )
    images = [read_any(p, quantity=Quantity[s.quantity]) for p, s in zip(given, plan.source, strict=True)]
    for file, image, side in zip(given, images, plan.source, strict=True):
        with blame(file):
            require_kind(image, side)
    where = None if mask is None else read_any(mask, quantity=Quantity.LABEL)
    made = run(images, models, mask=where, **options)
    made = replace(made, warnings=(*named_otherwise(given, plan), *made.warnings))
    written = written_images(made, out, models, given, options, dicom=dicom, identity=identity)
    if spread is not None and made.spread is not None:
        written += nifti(made.spread, spread, lambda c: {"what": f"standard deviation of {c}"})
    for warning in made.warnings:
        print_note(f"spinloom: outside the training: {warning}")
    return {"written": [str(p) for p in written], "model": models[0].name, "outside the training": list(made.warnings)}


def many(
    models: list[Model], found: Found, folder: Path, out: Path, how: dict[str, Any], crew: Executor, *,
    share: Share, join: bool,
) -> dict[str, object]:  # fmt: skip
    """A folder of subjects → a BIDS derivative; one bad case stops no other. The same command again resumes it.

    how  models (names), back and options: what decides the bytes, beside the scans
    """
    from spinloom.cli.write import keep_inputs, print_note
    from spinloom.core.errors import InputError, PartialFailure
    from spinloom.dataset.pairing import pair
    from spinloom.dataset.pairs_file import write_pairs
    from spinloom.files.hashes import sha256_json
    from spinloom.jobs.run import Task, at_work
    from spinloom.jobs.signals import terminable
    from spinloom.translate.derivative import destination, write_description

    keep_inputs([folder], [out])
    names = tuple(s.contrast for s in models[0].plan.source)
    if out.exists() and not out.is_dir():
        raise InputError("is a file; a folder of scans is answered by a folder", file=out)
    pairs = pair(found, names, (), read=False)
    places = [destination(out, p.subject, p.session, names[0], models[0].name) for p in pairs.pairs]
    often = Counter(places)
    if twice := [p.name for p, where in zip(pairs.pairs, places, strict=True) if often[where] > 1]:
        raise InputError(f"{', '.join(twice)}: in BIDS they have one name", file=folder, remedy="Rename one of them.")
    faults = [(str(f), why) for f, why in pairs.faults]
    config = sha256_json({**how, "models": [m.sha256 for m in models]})
    absolute = {**how, "models": [str(Path(n).resolve()) if Path(n).exists() else n for n in how["models"]]}

    def spec(index: int, name: str) -> dict[str, Any]:
        return {"out": str(out.resolve()), "config": config, "name": name, **absolute}

    def begin() -> None:
        write_pairs(pairs, (out / LIST).parent, progress=lambda name: None)
        listed.cache_clear()
        write_description(out, models, folder.name)

    def ended(name: str, what: str) -> None:
        tell(f"{case_of(name)} {what}")

    task = Task(out, config, [unit_name(p) for p in pairs.pairs], spec, translate_case)
    with terminable(), at_work(task, crew, share=share, join=join, ended=ended, begin=begin) as done:
        faults += [(case_of(o.name), str(o.error)) for o in done.outcomes if o.error]
        receipts = {case_of(name): done.ledger.read(name) for name in task.names}
    flags = {n: r["facts"]["outside the training"] for n, r in receipts.items() if r}
    for who, why in faults:
        print_note(f"spinloom: not translated: {who}: {why}")
    if faults and not flags:
        raise InputError(
            f"none of {len(faults)} could be translated, for the reasons above; the first: {faults[0][1]}", file=folder
        )
    if faults:
        raise PartialFailure(f"{len(faults)} were not translated; {len(flags)} cases are in {out}")
    return {
        "written": [str(out)],
        "cases": len(flags),
        "found": len(done.found),
        "outside the training": {n: w for n, w in flags.items() if w},
    }
