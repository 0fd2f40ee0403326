"""What commands print and put on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spinloom.cli.keep import beside, image_suffix, keep_others
from spinloom.core.errors import UsageError
from spinloom.core.version import __version__

if TYPE_CHECKING:
    from spinloom.core.image import Image


PYTHON = re.compile(r" \(in Python: (?:[^()]|\([^()]*\))*\)")
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What a terminal obeys or reorders instead of showing, and bytes of a file's name that are no text."""


def visible(text: str) -> str:
    """One line in which other people's names and headers cannot move the cursor, set a title or turn the text round.

    Control and direction characters are written as Python writes them: \\x1b, \\n, \\u202e.
    """
    return HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def typed(text: str) -> str:
    """A message as one visible line, without what only those who call functions can do."""
    return visible(PYTHON.sub("", text))


def print_note(text: str) -> None:
    """One line of standard error."""
    typer.echo(typed(text), err=True)


def print_line(text: object) -> None:
    """One line of standard output."""
    typer.echo(visible(str(text)))


def print_json(value: object) -> None:
    """The value, with what is hidden in its texts as \\uXXXX, which JSON reads back as it was."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    typer.echo("\n".join(HIDDEN.sub(lambda c: f"\\u{ord(c[0]):04x}", line) for line in text.split("\n")))


def count(n: int, noun: str) -> str:
    """1 scan, 2 scans."""
    return f"{n} {noun}{'s' * (n != 1)}"


def print_table(rows: Sequence[Mapping[str, str]], *, as_json: bool) -> None:
    """Rows with the same keys, as aligned columns or as JSON."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        return
    keys = list(rows[0])
    shown = [{key: typed(str(row[key])) for key in keys} for row in rows]
    width = {key: max(len(key), *(len(row[key]) for row in shown)) for key in keys}
    width[keys[-1]] = 0
    typer.echo("  ".join(key.ljust(width[key]) for key in keys).rstrip())
    for row in shown:
        typer.echo("  ".join(row[key].ljust(width[key]) for key in keys).rstrip())


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(dict(facts))
        return
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        lines = [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
        for n, line in enumerate(lines or ["none"]):
            typer.echo(f"{key if n == 0 else '':<{width}}  {typed(line)}")


def write_images(
    images: Sequence[Image],
    out: Path,
    sidecar: Callable[[Image], Mapping[str, object]] | None = None,
    *,
    inputs: Sequence[str | Path | None] = (),
) -> list[Path]:
    """Each image as NIfTI with a JSON sidecar and a PNG of its middle slices; several get _echo-1, _echo-2 ...

    sidecar  what to say of an image; None: that it was simulated, and how
    inputs   files that these were made from

    Raises UsageError, before anything is written, for what `keep_others` refuses.
    """
    from spinloom.cli.pictures import image_picture
    from spinloom.dataset.sidecar import image_sidecar
    from spinloom.files.atomic import write_bytes, write_json
    from spinloom.io import write_image

    suffix = image_suffix(out)
    stem = out.name[: -len(suffix)]
    many = len(images) > 1
    written = [out.with_name(f"{stem}_echo-{n}{suffix}" if many else out.name) for n in range(1, len(images) + 1)]
    for path in written:
        keep_others(path, inputs)
    for path, image in zip(written, images, strict=True):
        json_beside, picture = beside(path)
        write_image(image, path)
        write_json(json_beside, {"Software": f"Spinloom {__version__}", **(sidecar or image_sidecar)(image)})
        write_bytes(picture, image_picture(image))
    return written


def require_page(report: Path | None) -> None:
    """Raises UsageError for a report that is not to be a page."""
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report must end in .html, got '{report}'")
