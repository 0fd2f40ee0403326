"""Training from shards: subjects are read when their turn comes, each once per epoch and by one process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.case import Case
from spinloom.dataset.shards_images import affine_of, voxels
from spinloom.models.translator import Batch
from spinloom.train.cases import volumes_of
from spinloom.train.examples import Examples, Scans, Volumes
from spinloom.train.shard_data import ShardSamples
from spinloom.translate.plan import Plan

SUBJECTS = 2
"""Subjects whose slices make one batch."""
KEPT = 16
"""Prepared subjects that stay in memory."""
HELD = 8
MEASURED = 12
"""Subjects scored at the end, and those whose grey values tell the range of the training."""


class FromShards(Examples):
    """Step s of rank r uses subjects (s R + r) S ... + S - 1 of the order of (seed, epoch), R ranks, S per batch.

    So the order is known from seed and step alone: a run that was killed goes on at its step.
    """

    def __init__(self, samples: ShardSamples, plan: Plan) -> None:
        if not len(samples):
            raise InputError("holds no subject to train on", file=samples.shards.folder)
        self.samples, self.plan, self.at = samples, plan, (0, 0, 1)
        self.volumes = lru_cache(maxsize=KEPT)(self._read)
        self._order = lru_cache(maxsize=2)(self._epoch)

    def seek(self, step: int, rank: int, ranks: int) -> None:
        self.at = (step, rank, ranks)

    def subjects(self) -> list[int]:
        """Numbers of the subjects of the step that was sought."""
        step, rank, ranks = self.at
        first = (step * ranks + rank) * SUBJECTS
        n = len(self.samples)
        return [int(self._order(p // n)[p % n]) for p in range(first, first + SUBJECTS)]

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        return Scans([self.volumes(i)[0] for i in self.subjects()], self.plan).draw(count, rng)

    def _epoch(self, epoch: int) -> np.ndarray:
        return np.asarray(self.samples.order(seed=self.plan.training.seed, epoch=epoch))

    def _read(self, i: int) -> tuple[Volumes, Any]:
        return volumes_of(case_of(self.samples, i, self.plan), self.plan)


def case_of(samples: ShardSamples, i: int, plan: Plan) -> Case:
    """Subject i as a case. Raises InputError for contrasts that it does not have, or that lie on several grids."""
    about = samples.about(i)
    sides = {"target": plan.target, "source": () if plan.thick else plan.source}
    images: dict[str, dict[str, Image]] = {"source": {}, "target": {}}
    for kind, side in ((kind, side) for kind, group in sides.items() for side in group):
        true = side.contrast in about["truth"] and side.contrast not in about["scans"]
        told = samples.listed(about, "truth" if true else "scans", side.contrast)
        file = told["file" if true else "image"]
        data = samples.shards.sample(int(samples.numbers[i]), {file})[file]
        name = f"{about['subject']}.{file}"
        images[kind][side.contrast] = Image(voxels(data, name), affine_of(data, name), Quantity[side.quantity])
    return Case(about["subject"], None, images["source"], images["target"])


def streams(
    folder: Path, plan: Plan, say: Callable[[str], None] = lambda name: None
) -> tuple[FromShards, list[Volumes], list[Any], dict[str, object]]:
    """What to learn from, subjects of the val split to be scored by, what limits.measured says of some, and whose."""
    source = FromShards(ShardSamples(folder, split="train"), plan)
    held = FromShards(val, plan) if len(val := ShardSamples(folder, split="val")) else None
    seen = []
    for i in range(min(MEASURED, len(source.samples))):
        say(source.samples.about(i)["subject"])
        seen.append(source.volumes(i)[1])
    volumes = [] if held is None else [held.volumes(i)[0] for i in range(min(HELD, len(val)))]
    told: dict[str, object] = {
        "data": f"{len(source.samples)} subjects of shards",
        "held out": [v.name for v in volumes],
    }
    return source, volumes, seen, told
