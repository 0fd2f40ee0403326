"""A trained generator of heads in one file: weights as safetensors, the plan and whose labels it saw in its header."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import torch
from safetensors.torch import save

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.files import atomic, gate, hashes
from spinloom.models.translator import Translator
from spinloom.phantom.classes import CLASSES
from spinloom.translate.brain_build import build_base, build_finer
from spinloom.translate.brain_plan import BrainPlan, brain_plan_of
from spinloom.translate.model import fit, opened, require_fit, used_by
from spinloom.translate.shelf import SUFFIX

FORMAT = "spinloom brain model 1"
LARGEST = 2 * 2**30
FETCH = "Train or fetch it again."


@dataclass(frozen=True, eq=False)
class BrainModel:
    """plan;  base and finer networks with their weights;  about: data, attribution, licence, scores;  sha256 of the
    file, None for one that was never written."""

    plan: BrainPlan
    base: Translator
    finer: tuple[Translator, ...]
    about: Mapping[str, object]
    sha256: str | None = None


def write_brain_model(model: BrainModel, path: str | os.PathLike[str], *, half: bool = False) -> Path:
    """One safetensors file, atomically.  half: weights of 16 bits."""
    tensors: dict[str, torch.Tensor] = {}
    for prefix, part in _parts(model.base, model.finer).items():
        for name, value in used_by(part).items():
            value = value.detach().cpu().contiguous()
            tensors[f"{prefix}/{name}"] = value.half() if half and value.is_floating_point() else value
    said = {
        "format": FORMAT,
        "classes": list(CLASSES),
        "plan": model.plan.model_dump(mode="json"),
        "about": dict(model.about),
    }
    target = Path(path)
    atomic.write_bytes(target, save(tensors, {"spinloom": json.dumps(said, sort_keys=True)}))
    return target


def read_brain_model(path: str | os.PathLike[str]) -> BrainModel:
    """The generator of a file.

    Raises InputError for files that are no safetensors (pickles are never opened), of another kind, of other classes,
    or whose weights do not fit their plan.
    """
    file = gate.admit(path, cap_bytes=LARGEST)
    digest = hashes.sha256_file(file)
    header, tensors = opened(file)
    try:
        said = json.loads(header or "")
        form, classes, plan_said, about = said["format"], said["classes"], said["plan"], dict(said["about"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("is no generator of heads", file=file, remedy="spinloom train-brains makes one.") from error
    if form != FORMAT or classes != list(CLASSES):
        raise InputError(f"is of format '{form}', '{FORMAT}' with its classes is known", file=file, remedy=FETCH)
    plan = brain_plan_of(plan_said, file)
    sorted_in: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        prefix, _, rest = name.partition("/")
        sorted_in.setdefault(prefix, {})[rest] = value
    with torch.device("meta"):
        wanted = _parts(build_base(plan), finer_of(plan))
        if strange := sorted_in.keys() - wanted.keys():
            raise InputError(f"holds weights of no network of its plan: {min(strange)}", file=file, remedy=FETCH)
        for prefix, part in wanted.items():
            require_fit(part, sorted_in.get(prefix, {}), file)
    base, finer = build_base(plan), finer_of(plan)
    for prefix, part in _parts(base, finer).items():
        fit(part, sorted_in[prefix], file)
        part.eval()
    return BrainModel(plan, base, finer, about, digest)


def finer_of(plan: BrainPlan) -> tuple[Translator, ...]:
    """All finer networks, with fresh weights."""
    return tuple(build_finer(plan, n) for n in range(1, plan.finer + 1))


def _parts(base: Translator, finer: tuple[Translator, ...]) -> dict[str, Translator]:
    return {"base": base, **{f"finer-{n}": part for n, part in enumerate(finer, 1)}}


def brain_shelf() -> Mapping[str, Path]:
    """Name → file of the generators that come with the package."""
    folder = Path(str(files("spinloom.translate") / "brains"))
    return {p.name.removesuffix(SUFFIX): p for p in sorted(folder.glob(f"*{SUFFIX}"))} if folder.is_dir() else {}


def fetched_brains(name: str) -> BrainModel:
    """The generator of a name, a file, or a run's folder. Raises UsageError with the nearest name."""
    path = Path(name)
    if path.is_dir():
        if not (path / "model.safetensors").exists():
            raise InputError("holds no model.safetensors", file=path, remedy="Has the run ended?")
        return read_brain_model(path / "model.safetensors")
    shelf = brain_shelf()
    if name in shelf:
        return read_brain_model(shelf[name])
    if os.sep in name or path.suffix:
        return read_brain_model(path)
    raise UsageError(f"no generator '{name}'", remedy=nearest(name, tuple(shelf)))
