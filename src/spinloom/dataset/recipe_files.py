"""The files that a recipe names: what they must be, and the hash of what is read of them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.dataset.fields import Recipe
from spinloom.files import gate, hashes


def require_phantoms(recipe: Recipe) -> None:
    """Raises InputError for a phantom that is not there, or is a folder where its kind is a file."""
    for named in recipe.phantom.files:
        if Path(named).is_dir() and recipe.phantom.kind != "maps":
            raise InputError(
                f'is a folder; a phantom of kind = "{recipe.phantom.kind}" is a file',
                file=named,
                remedy='Name the file in it, or set kind = "maps" for a folder of quantitative maps.',
            )
        _files(named)


def content_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, or of the names and hashes of the maps in a folder; nothing else of it is read."""
    if Path(path).is_dir():
        return hashes.sha256_json({file.name: hashes.sha256_file(file) for file in _files(path)})
    return hashes.sha256_file(gate.admit(path))


def _files(path: str | os.PathLike[str]) -> list[Path]:
    """What is read of a file or folder of maps, each of which may be read."""
    from spinloom.io.qmri import files_of_maps

    if not Path(path).is_dir():
        return [gate.admit(path)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever reads the maps says what was passed over
        return [gate.admit(file) for file in files_of_maps(path)]
