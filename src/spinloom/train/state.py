"""A run's state on disk, so that it goes on after a kill as if nothing had been: safetensors and JSON, no pickle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from spinloom.core.errors import InputError
from spinloom.files import atomic
from spinloom.models.average import Average
from spinloom.models.translator import Translator

FORMAT = "spinloom state 1"


def write_state(
    path: Path, translator: Translator, average: Average, optimisers: list[torch.optim.Optimizer], told: dict[str, Any]
) -> None:
    """Everything that the next step depends on, in one file under its final name or not at all."""
    tensors: dict[str, Tensor] = {}
    _put(tensors, "now", translator.state_dict())
    _put(tensors, "average", average.module.state_dict())
    for n, optimiser in enumerate(optimisers):
        for key, values in optimiser.state_dict()["state"].items():
            _put(tensors, f"optimiser.{n}.{key}", values)
    header = {"spinloom": json.dumps({"format": FORMAT, "count": average.count, **told})}
    atomic.write_bytes(path, save(tensors, header))


def read_state(
    path: str | os.PathLike[str], translator: Translator, average: Average, optimisers: list[torch.optim.Optimizer]
) -> dict[str, Any]:
    """Put a state back where it was; returns what was told with it.

    Raises InputError for files that are damaged or belong to another plan.
    """
    try:
        with safe_open(path, "pt") as opened:
            told: dict[str, Any] = json.loads((opened.metadata() or {})["spinloom"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        translator.load_state_dict(_get(tensors, "now"))
        average.module.load_state_dict(_get(tensors, "average"))
        average.count = int(told["count"])
        for n, optimiser in enumerate(optimisers):
            state = optimiser.state_dict()
            keys = {int(k.split(".")[2]) for k in tensors if k.startswith(f"optimiser.{n}.")}
            state["state"] = {key: _get(tensors, f"optimiser.{n}.{key}") for key in sorted(keys)}
            optimiser.load_state_dict(state)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"cannot be gone on from ({reason})", file=path, remedy="Delete it to start the run anew."
        ) from error
    return told


def _put(into: dict[str, Tensor], prefix: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Tensor):
            into[f"{prefix}.{name}"] = value.detach().cpu().contiguous().clone()


def _get(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix + "."): v for k, v in tensors.items() if k.startswith(prefix + ".")}
