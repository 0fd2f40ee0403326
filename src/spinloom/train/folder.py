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
STATE, PEOPLE, LEFT_OUT = "state.safetensors", "subjects.json", "left_out.jsonl"


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


def same_people(root: Path, people: Mapping[str, list[str]]) -> None:
    """Keep who is learned from and who is held out; once there is a state to go on from, they may not change.

    Raises InputError for others: whoever was trained on would be scored, or the other way round.
    """
    file = root / PEOPLE
    if not file.exists() or not (root / STATE).exists():
        atomic.write_json(file, dict(people))
        return
    try:
        before = dict(json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise InputError(f"is damaged: {error}", file=file, remedy="Delete the folder, and train again.") from error
    if before == people:
        return
    moved = sorted({n for k in people for n in {*before.get(k, ())} ^ {*people[k]}})
    raise InputError(
        f"was begun with other subjects: {', '.join(moved[:5])}{' ...' if len(moved) > 5 else ''}",
        file=root,
        remedy="Choose another folder, or say with --split who is held out.",
    )


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
