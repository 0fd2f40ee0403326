"""What commands print and put on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spinloom.core.errors import UsageError

if TYPE_CHECKING:
    from spinloom.core.image import Image


def print_table(rows: Sequence[Mapping[str, str]], *, as_json: bool) -> None:
    """Rows with the same keys, as aligned columns or as JSON."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
        return
    if not rows:
        return
    keys = list(rows[0])
    width = {key: max(len(key), *(len(str(row[key])) for row in rows)) for key in keys}
    width[keys[-1]] = 0
    typer.echo("  ".join(key.ljust(width[key]) for key in keys).rstrip())
    for row in rows:
        typer.echo("  ".join(str(row[key]).ljust(width[key]) for key in keys).rstrip())


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(dict(facts), indent=2, ensure_ascii=False, default=str))
        return
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        lines = [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
        for n, line in enumerate(lines or ["none"]):
            typer.echo(f"{key if n == 0 else '':<{width}}  {line}")


def write_images(
    images: Sequence[Image], out: Path, sidecar: Callable[[Image], Mapping[str, object]] | None = None
) -> list[Path]:
    """Each image as NIfTI with a JSON sidecar and a PNG of its middle slices; several get _echo-1, _echo-2 ...

    sidecar  what to say of an image; None: that it was simulated, and how
    """
    from spinloom.cli.pictures import image_picture
    from spinloom.dataset.sidecar import image_sidecar
    from spinloom.files.atomic import write_bytes, write_json
    from spinloom.io import write_image

    suffix = image_suffix(out)
    stem = out.name[: -len(suffix)]
    written = []
    for n, image in enumerate(images, start=1):
        name = stem if len(images) == 1 else f"{stem}_echo-{n}"
        path = out.with_name(name + suffix)
        write_image(image, path)
        write_json(out.with_name(name + ".json"), dict((sidecar or image_sidecar)(image)))
        write_bytes(out.with_name(name + ".png"), image_picture(image))
        written.append(path)
    return written


def image_suffix(out: Path) -> str:
    """.nii.gz or .nii; UsageError for anything else, before any work is done."""
    for suffix in (".nii.gz", ".nii"):
        if out.name.endswith(suffix) and out.name != suffix:
            return suffix
    raise UsageError(f"--out must end in .nii.gz or .nii, got '{out}'")
