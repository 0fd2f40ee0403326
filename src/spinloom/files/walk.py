"""The files below a folder, however deep it goes on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

DEEPEST = 100
"""Folders below the first that are entered: Python and most systems fail at a thousand."""


def walk(root: str | os.PathLike[str], *, hidden: bool = False) -> Iterator[tuple[Path, list[str]]]:
    """(folder, names in it that are no folders) of a folder and all below it, in order of name.

    Hidden folders are passed by, unless `hidden`, and links to folders are not followed. Warns of what is deeper than
    DEEPEST, which is not looked into.
    """
    for place, inner, names in os.walk(root):
        folder = Path(place)
        inner[:] = sorted(name for name in inner if hidden or not name.startswith("."))
        if inner and len(folder.relative_to(root).parts) >= DEEPEST:
            below = folder.relative_to(root).parts[0]
            warnings.warn(f"{Path(root) / below}: folders more than {DEEPEST} deep are not looked into", stacklevel=3)
            inner.clear()
        yield folder, sorted(names)


def files_below(root: str | os.PathLike[str]) -> Iterator[Path]:
    """All files below a folder, hidden ones, too: what a folder holds, not what somebody put there to be read."""
    for folder, names in walk(root, hidden=True):
        yield from (path for name in names if (path := folder / name).is_file())
