"""`spinloom translate` of one case: files named on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spinloom.cli.translated import nifti, written_images

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.translate.model import Model
    from spinloom.translate.translate import Translated


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
    from spinloom.cli.keep import image_suffix, keep_inputs
    from spinloom.cli.write import print_note
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


def run(images: Sequence[Image], models: list[Model], *, in_turn: bool, **options: Any) -> Translated:
    """The mean of models, or one after the other."""
    from spinloom.translate.cascade import cascade
    from spinloom.translate.translate import translate

    return cascade(images, models, **options) if in_turn else translate(images, models, **options)


def acquired(models: list[Model], given: Sequence[Path], source: str | None, target: str | None) -> dict[str, Any]:
    """The acquisitions, as an option of translate; none for models that are told none."""
    from spinloom.cli.acquisition import acquisitions
    from spinloom.translate.translate import require_told

    asks = models[0].plan.conditions is not None
    if not asks and (source or target):
        require_told(models[0].plan, models[0].name, (source, target))
    return {"acquisitions": acquisitions(source, target, given[0])} if asks else {}


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
