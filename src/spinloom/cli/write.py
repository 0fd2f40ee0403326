"""What commands print and put on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

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


def beside(out: Path) -> tuple[Path, Path]:
    """The JSON sidecar and the picture of an image file."""
    stem = out.name[: -len(image_suffix(out))]
    return out.with_name(stem + ".json"), out.with_name(stem + ".png")


REPORTS = (".html", ".csv", ".json")
"""What is no image: a report may be written again beside the images that it is about."""


def keep_inputs(inputs: Sequence[str | Path | None], outputs: Sequence[Path | None]) -> None:
    """Raises UsageError if an output is an input by any name, the JSON beside one, or an image in an input folder."""
    named = [Path(p) for p in inputs if p is not None]
    told = [beside(p)[0] for p in named if p.name.endswith((".nii", ".nii.gz")) and p.is_file()]
    given = [p for p in (*named, *told) if p.exists()]
    for path in (p for p in outputs if p is not None and p.exists()):
        for one in given:
            inside = one.is_dir() and path.is_file() and one.resolve() in path.resolve().parents
            if path.samefile(one) or (inside and path.suffix not in REPORTS):
                raise UsageError(f"{path} is an input: it would be overwritten", remedy="Choose another name.")


def keep_others(out: Path, inputs: Sequence[str | Path | None] = (), *, also: Sequence[Path | None] = ()) -> None:
    """Raises UsageError if writing an image, with the JSON and the picture beside it, would destroy what is not ours.

    That is an input, or a JSON or a picture beside `out` that Spinloom did not write.

    also  other files that will be written
    """
    text, picture = beside(out)
    keep_inputs(inputs, (out, text, picture, *also))
    keep_text(text, [picture])


def keep_text(text: Path, companions: Sequence[Path] = ()) -> None:
    """Raises UsageError if a JSON exists that Spinloom did not write, or, where there is no JSON, a companion does."""
    if text.exists() and not _ours(text):
        _refuse(text)
    for path in companions:
        if path.exists() and not text.exists():
            _refuse(path)


OURS = (
    {"Simulation", "SyntheticData"},
    {"recipe", "done", "seed"},
    {"floor", "is_oracle"},
    {"kind", "quality", "by"},
    {"made", "models"},
    {"summaries", "rows"},
)
"""Keys of sidecars that earlier versions wrote without their name."""


def _ours(path: Path) -> bool:
    from spinloom.core.errors import SpinloomError
    from spinloom.files import gate

    try:
        told = json.loads(gate.read_text(path))
    except (SpinloomError, ValueError, RecursionError):
        return False
    if not isinstance(told, dict):
        return False
    signed = str(told.get("Software", "")).startswith("Spinloom") or "Reconstruction" in told
    return signed or any(keys <= set(told) for keys in OURS)


def _refuse(path: Path) -> None:
    raise UsageError(
        f"{path} is there already, and Spinloom did not write it", remedy="Choose another name for the output."
    )


def image_suffix(out: Path) -> str:
    """.nii.gz or .nii; UsageError for anything else, before any work is done."""
    for suffix in (".nii.gz", ".nii"):
        if out.name.endswith(suffix) and out.name != suffix:
            return suffix
    raise UsageError(f"--out must end in .nii.gz or .nii, got '{out}'")
