"""`spinloom trust` and `spinloom calibrate`: how far an image, and a model, can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spinloom.translate.interval import Intervals
    from spinloom.translate.model import Model

MaskFile = Annotated[Path | None, typer.Option("--mask", help="The brain. Default: the foreground (stripped images).")]


def trust(
    image: Annotated[Path, typer.Argument(help="The image to judge: made by a network, or a scan.")],
    source: Annotated[list[Path], typer.Option("--source", help="What it was made from, e.g. the T1w image.")],
    out: o.Out,
    auditor: Annotated[
        str, typer.Option("--auditor", help="A network that makes maps of the source, calibrated by study trust.")
    ] = "auditor",
    contrast: Annotated[str, typer.Option("--contrast", help="Of the image: T2w, FLAIR or PDw.")] = "T2w",
    misfit: Annotated[Path | None, typer.Option("--misfit", help="Also the misfit, in standard deviations.")] = None,
    expected: Annotated[Path | None, typer.Option("--expected", help="Also what the source explains.")] = None,
    mask: MaskFile = None,
    json: o.Json = False,
) -> None:
    """Write a map from 0 to 1: the share of voxels, in images where nothing is wrong, that fit their source as badly.

    Low trust: the image shows what its source cannot explain, or lacks what its source shows. What the source does not
    show cannot be judged.

    Example: spinloom trust made_T2w.nii.gz --source T1w.nii.gz -o trust.nii.gz
    """
    from spinloom.cli.keep import image_suffix, keep_inputs
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.translated import nifti
    from spinloom.cli.write import print_facts, print_note
    from spinloom.core.image import Quantity
    from spinloom.io.images import read_any

    needs_learn()
    from spinloom.translate.audit import DOUBT, audit
    from spinloom.translate.shelf import fetched

    outs = [p for p in (out, misfit, expected) if p is not None]
    keep_inputs([image, *source, mask], outs)
    for path in outs:
        image_suffix(path)
    judge = fetched(auditor)
    sources = [read_any(p, quantity=Quantity.SIGNAL) for p in source]
    where = None if mask is None else read_any(mask, quantity=Quantity.LABEL)
    found = audit(read_any(image, quantity=Quantity.SIGNAL), sources, judge, contrast, where)
    about = {
        "auditor": {"name": judge.name, "sha256": judge.sha256},
        "judged": image.name,
        "sources": [p.name for p in source],
        "protocol found": found.protocol,
        "outside the training": list(found.warnings),
    }
    written = []
    for file, made, what in (
        (out, found.trust, "trust: share of voxels, in images where nothing is wrong, that misfit as much; 1 outside"),
        (misfit, found.misfit, "misfit in standard deviations of images where nothing is wrong, averaged over 2 mm"),
        (expected, found.expected, "what the source explains, in multiples of the foreground's 99.5th percentile"),
    ):
        if file is not None:
            written += nifti({contrast: made}, file, lambda c, what=what: {"what": what, **about})
    for warning in found.warnings:
        print_note(f"spinloom: outside the training: {warning}")
    doubted = f"{100 * found.doubted:.1f} % of the brain ({100 * DOUBT:g} % where nothing is wrong)"
    facts = {"protocol found": found.protocol, f"trust of at most {DOUBT:g}": doubted}
    print_facts({"written": [str(p) for p in written], **facts}, as_json=json)


def calibrate(
    run: Annotated[Path, typer.Argument(help="A run's folder, of spinloom train --dims 2.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="Label maps of brains it was not trained on. Default: the template's, other ones."
        ),
    ] = None,
    subjects: Annotated[int, typer.Option("--subjects", help="Simulated people to calibrate with.", min=19)] = 100,
    steps: Annotated[int, typer.Option("--steps", help="That the second network learns.", min=1)] = 1000,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Make a run's intervals, for `spinloom translate RUN --interval 90`: interval.safetensors in its folder.

    They hold for scans like those calibrated with: simulated, stripped, of the plan's contrasts.

    Example: spinloom calibrate run_maps --labels head_label_maps
    """
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts

    needs_learn()
    from spinloom.study.calibrate_run import calibrate_run
    from spinloom.translate.shelf import located

    found = calibrate_run(located(str(run)), maps_of(labels), subjects, steps, seed, say=tell)
    print_facts({"written": [str(found[0])], "subjects": subjects, **found[1]}, as_json=json)


def intervals_of(models: Sequence[Model], name: str, level: int) -> Intervals:
    """What --interval needs, before the work.

    Raises UsageError for several models, models that can have none, and other levels, InputError for a model without
    intervals.
    """
    from spinloom.core.errors import InputError, UsageError
    from spinloom.translate.interval import FILE, network, read_intervals, require_level
    from spinloom.translate.shelf import located

    require_level(level)
    if len(models) != 1:
        raise UsageError("intervals are those of one model", remedy="Translate with one.")
    network(models[0].plan)
    file = located(name).with_name(FILE)
    if not file.exists():
        raise InputError(
            f"{models[0].name} has no intervals", file=file, remedy=f"spinloom calibrate {name} makes them."
        )
    return read_intervals(file, models[0].plan)


def with_bounds(
    model: Model, known: Intervals, given: Sequence[Path], level: int, out: Path, mask: Path | None, device: str
) -> list[str]:
    """Write the lower and the upper end of an interval beside an answer: OUT_low, OUT_high."""
    from spinloom.cli.keep import image_suffix
    from spinloom.cli.translated import nifti
    from spinloom.cli.write import print_note
    from spinloom.core.image import Quantity
    from spinloom.io.images import read_any
    from spinloom.translate.interval import bounds

    images = [read_any(p, quantity=Quantity[s.quantity]) for p, s in zip(given, model.plan.source, strict=True)]
    where = None if mask is None else read_any(mask, quantity=Quantity.LABEL)
    found = bounds(images, model, known, level, where, device)
    suffix = image_suffix(out)
    stem = out.name[: -len(suffix)]
    written = []
    for n, end in enumerate(("low", "high")):
        about = {
            "what": f"{end} end of {level} % intervals",
            "model": model.sha256,
            "subjects": known.subjects,
            "holds for": f"subjects exchangeable with: {known.told}",
            "use": "Research, teaching and testing; not for diagnosis.",
        }
        path = out.with_name(f"{stem}_{end}{suffix}")
        written += nifti({c: ends[n] for c, ends in found.items()}, path, lambda c, about=about: about)
    print_note(f"spinloom: {level} % intervals hold for scans like these alone: {known.told}")
    return [str(p) for p in written]


def maps_of(labels: Path | None) -> list[Path]:
    from spinloom.train.gather import maps_in

    return [] if labels is None else maps_in(labels)


def tell(what: str) -> None:
    from spinloom.cli.write import print_note

    print_note(f"spinloom: {what}")
