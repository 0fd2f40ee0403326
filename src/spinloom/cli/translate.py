"""`spinloom translate`: a scan, a DICOM series or a folder of scans → what it would look like as something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in
from spinloom.cli.translate_many import many
from spinloom.cli.translate_one import acquired, one, require_images
from spinloom.cli.translate_unit import loaded
from spinloom.cli.trust import intervals_of, with_bounds


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


def is_folder_of_scans(given: Sequence[Path]) -> bool:
    """A folder that holds folders or volumes, rather than the files of one series: many subjects."""
    if len(given) != 1 or not given[0].is_dir():
        return False
    return any(p.is_dir() or p.name.endswith((".nii", ".nii.gz", ".mha")) for p in given[0].iterdir())
