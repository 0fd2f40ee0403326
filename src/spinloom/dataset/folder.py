"""The output folder: whose it is, and the few files of a run that no layout owns."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.core.version import __version__
from spinloom.dataset.fields import Recipe
from spinloom.dataset.recipe import to_plain, to_toml
from spinloom.files import atomic
from spinloom.jobs.units import Outcome

RECIPE, RUN, CROISSANT, FAILURES = "recipe.toml", "run.json", "croissant.json", "failures.tsv"
OWNER = ".spinloom/config.json"


def claim(root: Path, recipe: Recipe, config: str) -> None:
    """Refuse a folder that belongs to another recipe or to somebody else, before anything is written."""
    owner = _owner(root)
    if owner is None and root.exists():
        if not root.is_dir():
            raise InputError("is a file, a folder was expected", file=root, remedy="Choose another name.")
        strange = sorted(p.name for p in root.iterdir() if not p.name.startswith("."))
        if strange:
            raise InputError(
                f"holds files that no run made ({', '.join(strange[:3])})",
                file=root,
                remedy="Choose an empty or a new folder.",
            )
    if owner is not None and owner.get("config") != config:
        raise InputError(
            f"this folder was made with another recipe ({_difference(root, recipe, owner)})",
            file=root,
            remedy="Choose another folder, use its own recipe.toml, or delete it first.",
        )


def mark(root: Path, recipe: Recipe, config: str) -> None:
    """Say whose the folder is, now that nobody else can."""
    claim(root, recipe, config)
    if _owner(root) is None:
        atomic.write_text(root / RECIPE, to_toml(recipe))
        atomic.write_json(root / OWNER, {"config": config, "version": __version__})


def write_failures(root: Path, outcomes: list[Outcome]) -> None:
    """failures.tsv and the tracebacks behind it; gone when nothing failed."""
    failed = sorted((o for o in outcomes if o.error), key=lambda o: o.name)
    if not failed:
        (root / FAILURES).unlink(missing_ok=True)
        return
    rows = ["subject\tattempts\twhy"]
    rows += [f"{o.name}\t{o.attempts}\t{' '.join(str(o.error).split())}" for o in failed]
    atomic.write_text(root / FAILURES, "\n".join(rows) + "\n")
    for outcome in failed:
        if outcome.log:
            atomic.write_text(root / ".spinloom" / "log" / f"{outcome.name}.txt", outcome.log)


def _owner(root: Path) -> dict[str, Any] | None:
    try:
        value = json.loads((root / OWNER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _difference(root: Path, recipe: Recipe, owner: dict[str, Any]) -> str:
    """The first keys in which two recipes differ, for a message."""
    if owner.get("version") != __version__:
        return f"by Spinloom {owner.get('version')}, this is {__version__}"
    try:
        before = _flat(tomllib.loads((root / RECIPE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return "its recipe.toml is gone"
    now = _flat(to_plain(recipe))
    keys = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    if not keys:
        return "same keys, other input files"
    return ", ".join(f"{key} was {before.get(key)!r}, now {now.get(key)!r}" for key in keys[:3])


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
        pairs = {str(i): v for i, v in enumerate(value)}.items()
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, inner in pairs:
        flat |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return flat
