"""Any phantom file → Phantom: the format is told by what the file holds, not by its name."""

from __future__ import annotations

import os
from pathlib import Path

from spinloom.io.jemris import read_jemris, write_jemris
from spinloom.phantom.phantom import Phantom


def read_phantom(path: str | os.PathLike[str], *, B0: float | None = None) -> Phantom:
    """A phantom from a file."""
    return read_jemris(path, B0=B0)


def write_phantom(phantom: Phantom, path: str | os.PathLike[str]) -> None:
    write_jemris(phantom, Path(path))
