"""What a run learns from and is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from spinloom.core.errors import InputError
from spinloom.train.examples import Examples, Mixed, Scans, Volumes
from spinloom.train.heads import Head
from spinloom.train.simulated import Simulated
from spinloom.translate.plan import Plan


@dataclass(frozen=True, eq=False)
class Data:
    """What a run learns from and is judged by.

    train, held   prepared subjects; nobody is in both
    heads         phantoms for simulated samples
    made          heads simulated as whole volumes instead, where super-resolution learns from scans too
    seen          what limits.measured says of the training images
    seen_back     the same of the targets, for a family that goes back
    told          origins, licence, attribution, split: for the model's card and provenance
    reference     heads simulated as a whole, for floors to be fitted to where there is no scan
    stream        where samples come from instead of `train`: sets too large for memory
    """

    train: Sequence[Volumes] = ()
    held: Sequence[Volumes] = ()
    heads: Sequence[Head] = ()
    seen: Sequence[Mapping[str, Any]] = ()
    seen_back: Sequence[Mapping[str, Any]] = field(default=(), kw_only=True)
    told: Mapping[str, Any] = field(default_factory=dict)
    reference: Sequence[Volumes] = ()
    stream: Examples | None = None
    made: Sequence[Volumes] = ()


def examples_of(data: Data, plan: Plan, device: str | torch.device = "cpu") -> Examples:
    """Scans, simulated samples, or both in the plan's share. Raises InputError if there is nothing to learn from."""
    share = plan.training.simulated
    both = {v.name for v in data.train} & {v.name for v in data.held}
    if both:
        raise InputError(f"{', '.join(sorted(both))}: in training and held out at once", remedy="Split by subject.")
    scans = data.stream or (Scans(data.train, plan) if data.train else None)
    simulates = bool(data.heads or data.made)
    if scans is not None and (not simulates or share <= 0):
        return scans
    if not simulates:
        raise InputError("there is nothing to learn from", remedy="Give scans, or simulated heads.")
    simulated = Scans(data.made, plan) if data.made else Simulated(data.heads, plan, device)
    return simulated if scans is None or share >= 1 else Mixed(scans, simulated, share)


def people_of(data: Data) -> dict[str, list[str]]:
    """Who is learned from and who is held out, by name."""
    train = [v.name for v in (*data.train, *data.made)] + [h.name for h in data.heads]
    return {"train": sorted(train), "held out": sorted(v.name for v in data.held)}
