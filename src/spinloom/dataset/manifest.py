"""The manifest: SHA-256 of every file that the seed decides. Times and reports are not in it."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

from spinloom.core.errors import InputError
from spinloom.core.version import __version__
from spinloom.files import atomic, gate

NAME = "manifest.json"


def write_manifest(out: Path, config: str, files: dict[str, str]) -> None:
    """
    config  hash of everything that decides the bytes
    files   path relative to `out` → SHA-256
    """
    atomic.write_json(out / NAME, {"software": f"Spinloom {__version__}", "config": config, "files": files})


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest of a data set; InputError if there is none or it is damaged."""
    file = out / NAME
    if not file.exists():
        raise InputError(
            f"holds no {NAME}: it is no data set, or not finished",
            file=out,
            remedy="Run `spinloom generate` with the same recipe to finish it.",
        )
    try:
        value = json.loads(gate.read_text(file))
        assert isinstance(value["files"], dict)
    except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
        raise InputError("is damaged", file=file, remedy="Run `spinloom generate` again to write it anew.") from None
    for name, digest in value["files"].items():
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts or not isinstance(digest, str):
            raise InputError(
                f"lists '{name[:80]}', which is no file of this folder", file=file, remedy="Make it again."
            )
    return dict(value)
