"""Models by name: those that come with the package, and those in the user's own folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.translate.model import Model, read_model

SUFFIX = ".safetensors"


def own_folder() -> Path:
    """$SPINLOOM_MODELS, else ~/.local/share/spinloom/models (or $XDG_DATA_HOME)."""
    if told := os.environ.get("SPINLOOM_MODELS"):
        return Path(told)
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "spinloom" / "models"


def shipped_folder() -> Path:
    return Path(str(files("spinloom.translate") / "weights"))


def known() -> Mapping[str, Path]:
    """Name → file; the user's own before the package's."""
    found: dict[str, Path] = {}
    for folder in (shipped_folder(), own_folder()):
        if folder.is_dir():
            found |= {p.name.removesuffix(SUFFIX): p for p in sorted(folder.glob(f"*{SUFFIX}"))}
    return found


def located(name: str) -> Path:
    """The file of a name, a path, or a run's folder. Raises UsageError with the nearest name."""
    path = Path(name)
    if path.is_dir():
        if not (path / "model.safetensors").exists():
            raise InputError("holds no model.safetensors", file=path, remedy="Has the run ended?")
        return path / "model.safetensors"
    shelf = known()
    if os.sep in name or (path.suffix and (path.exists() or name not in shelf)):
        if not path.exists():
            raise InputError("there is no such file", file=path)
        return path
    if name not in shelf:
        raise UsageError(f"no model '{name}'", remedy=nearest(name, tuple(shelf)))
    return shelf[name]


def fetched(name: str) -> Model:
    """The model of a name, path or run folder, checked."""
    return read_model(located(name))


def stages(name: str) -> tuple[str, ...]:
    """Names of the models of a run folder with several stages, in order; of anything else the one name."""
    folders = sorted(p for p in Path(name).glob("stage-*") if p.is_dir()) if Path(name).is_dir() else []
    return tuple(map(str, folders)) or (name,)
