"""Folders of scans on the command line: how they are laid out, what is left out of them, where the work stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli.write import print_note

if TYPE_CHECKING:
    from spinloom.dataset.find import Layout
    from spinloom.dataset.scans import Found

LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="BIDS, SynthRAD2023, SynthRAD2025, IXI, BraTS, HCP, MRBrainS or plain. Default: recognised.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Leave out paths below the folder that match, e.g. '*run-2*'. May be repeated."),
]


def tell(name: str) -> None:
    """Where it stands, to whoever watches."""
    if sys.stderr.isatty():
        print_note(f"  {name}")


def scans_in(folder: Path, layout: str | None, exclude: list[str] | None) -> Found:
    """What a folder holds, by the layout of a name (None: recognised), without what matches `exclude`.

    How names were read that could be read otherwise, and how many files were passed over, is said on the way.
    """
    from spinloom.dataset.find import find_scans

    found = find_scans(folder, _layout(layout), exclude=exclude or ())
    for note in found.notes:
        print_note(f"{found.layout}: {note}")
    return found


def _layout(name: str | None) -> Layout | None:
    from spinloom.core.errors import UsageError, nearest
    from spinloom.dataset.find import LAYOUTS

    if name is None:
        return None
    known = {key.lower(): layout for key, layout in LAYOUTS.items()}
    if name.lower() not in known:
        raise UsageError(f"no layout '{name}'", remedy=nearest(name, [*LAYOUTS]))
    return known[name.lower()]
