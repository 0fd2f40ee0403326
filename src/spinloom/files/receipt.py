"""A folder's receipt: how what lies in it was made, and the SHA-256 of each file: what is whole is told at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from spinloom.core.errors import SpinloomError
from spinloom.files import atomic, gate
from spinloom.files.hashes import sha256_file

NAME = "receipt.json"


def write_receipt(folder: Path, made: Mapping[str, object]) -> None:
    """Say how all files of a folder were made, once they are there.

    made  JSON values: whatever the bytes of the files depend on
    """
    found = {p.name: sha256_file(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name != NAME}
    atomic.write_json(folder / NAME, {"made": dict(made), "sha256": found})


def is_whole(folder: Path, made: Mapping[str, object]) -> bool:
    """Whether a folder has a receipt that tells the same, and each file of it is there with its bytes.

    Other files in the folder do not matter.
    """
    try:
        told = json.loads(gate.read_text(folder / NAME))
        if told["made"] != dict(made) or not told["sha256"]:
            return False
        return all(sha256_file(gate.admit(folder / name)) == digest for name, digest in told["sha256"].items())
    except (SpinloomError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def put_in_place(part: Path, folder: Path) -> None:
    """A finished folder under its final name; in a folder that is there, its files replace their namesakes.

    Other people's files stay. The receipt comes last, so that a folder in which this was stopped is not whole.
    Raises MachineError.
    """
    with atomic.explained(folder):
        if not folder.exists():
            part.rename(folder)
            return
        (folder / NAME).unlink(missing_ok=True)
        for file in sorted(part.iterdir(), key=lambda p: p.name == NAME):
            file.replace(folder / file.name)
        shutil.rmtree(part)
