"""A run's folder: plan, log, state, model, pictures, scores, page. It explains itself to who finds it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch

from spinloom.core.errors import InputError
from spinloom.core.version import __version__
from spinloom.files import atomic
from spinloom.translate.plan import Plan, read_plan, write_plan

MODEL, PLAN, LOG = "model.safetensors", "plan.json", "log.jsonl"


def opened(folder: str | os.PathLike[str], plan: Plan) -> Path:
    """The folder, new or one of the same plan.

    Raises InputError if it holds a run of another plan (the fields that differ are named), or something else.
    """
    root = Path(folder)
    if (root / PLAN).exists():
        own = read_plan(root / PLAN)
        if own != plan:
            a, b = own.model_dump(mode="json"), plan.model_dump(mode="json")
            fields = ", ".join(k for k in a if a[k] != b[k])
            raise InputError(
                f"holds a run of another plan: {fields} differ",
                file=root,
                remedy="Choose another folder, or delete it.",
            )
    elif root.exists() and any(root.iterdir()):
        raise InputError("is not empty and holds no run", file=root, remedy="Choose another folder.")
    try:
        (root / "panels").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", file=root, remedy="Choose another folder.") from error
    write_plan(plan, root / PLAN)
    return root


def losses(root: Path) -> list[dict[str, float]]:
    """Rows of log.jsonl."""
    return [json.loads(line) for line in (root / LOG).read_text().splitlines()] if (root / LOG).exists() else []


def write_provenance(root: Path, told: Mapping[str, object]) -> None:
    """What made this run, and of what."""
    about = {
        "spinloom": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }
    atomic.write_json(root / "provenance.json", {**about, **told})
