"""What a command may write over: nothing that it reads, and no JSON or picture that Spinloom did not write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from spinloom.core.errors import UsageError


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
