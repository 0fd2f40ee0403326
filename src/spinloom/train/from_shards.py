"""Training from shards: subjects are read when their turn comes, each once per epoch and by one process."""

from __future__ import annotations

import json
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
BAD = 0.05
"""Share of subjects that may turn out unreadable before a run ends."""
HELD = 8
MEASURED = 12
"""Subjects scored at the end, and those whose grey values tell the range of the training."""


class FromShards(Examples):
    """Step s of rank r uses subjects (s R + r) S ... + S - 1 of the order of (seed, epoch), R ranks, S per batch.

    So the order is known from seed and step alone: a run that was killed goes on at its step. Who cannot be read is
    left out and noted: the step takes its other subject or, where there is none, the next of the order who can be read.
    Raises InputError if more than BAD of the subjects (at least one, never all) cannot be read.
    """

    def __init__(self, samples: ShardSamples, plan: Plan) -> None:
        if not len(samples):
            raise InputError("holds no subject to train on", file=samples.shards.folder)
        self.samples, self.plan, self.at = samples, plan, (0, 0, 1)
        self.most = min(len(samples) - 1, max(1, int(BAD * len(samples))))
        self.bad: dict[int, tuple[str, str]] = {}
        self.notes: Path | None = None
        self.volumes = lru_cache(maxsize=KEPT)(self._read)
        self._order = lru_cache(maxsize=2)(self._epoch)

    def seek(self, step: int, rank: int, ranks: int) -> None:
        self.at = (step, rank, ranks)

    def subjects(self) -> list[int]:
        """Numbers of the subjects of the step that was sought."""
        return [self._at(p) for p in range(self._first(), self._first() + SUBJECTS)]

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        found = [one for i in self.subjects() if (one := self.readable(i))]
        p = self._first() + SUBJECTS
        while not found:
            found, p = [one for one in (self.readable(self._at(p)),) if one], p + 1
        return Scans([volumes for volumes, _ in found], self.plan).draw(count, rng)

    def readable(self, i: int) -> tuple[Volumes, Any] | None:
        """Subject i, prepared, and what limits.measured says of it; None for one that is left out."""
        if i in self.bad:
            return None
        try:
            return self.volumes(i)
        except InputError as error:
            self.bad[i] = (name_of(self.samples, i), str(error))
            self._note(i)
        if len(self.bad) > self.most:
            name, why = self.bad[i]
            raise InputError(
                f"{len(self.bad)} of {len(self.samples)} subjects cannot be read, {self.most} may be left out. "
                f"The last, {name}: {why}",
                file=self.samples.shards.folder,
            )
        return None

    def note_in(self, file: Path) -> None:
        known = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        self.notes = file
        self.bad = {row["number"]: (row["subject"], row["why"]) for row in known} | (new := self.bad)
        for i in new.keys() - {row["number"] for row in known}:
            self._note(i)

    def left_out(self) -> dict[str, str]:
        return dict(self.bad.values())

    def _note(self, i: int) -> None:
        if self.notes is not None:
            name, why = self.bad[i]
            with self.notes.open("a") as out:
                out.write(json.dumps({"number": i, "subject": name, "why": why}) + "\n")

    def _first(self) -> int:
        """Position, over all epochs, of the first subject of the step that was sought."""
        step, rank, ranks = self.at
        return (step * ranks + rank) * SUBJECTS

    def _at(self, p: int) -> int:
        n = len(self.samples)
        return int(self._order(p // n)[p % n])

    def _epoch(self, epoch: int) -> np.ndarray:
        return np.asarray(self.samples.order(seed=self.plan.training.seed, epoch=epoch))

    def _read(self, i: int) -> tuple[Volumes, Any]:
        return volumes_of(case_of(self.samples, i, self.plan), self.plan)


def name_of(samples: ShardSamples, i: int) -> str:
    """Of subject i, also where its shard's index cannot be read."""
    try:
        return samples.shards.key(int(samples.numbers[i]))
    except InputError:
        return f"sample {samples.numbers[i]}"


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
    names = tuple(s.contrast for s in (*plan.source, *plan.target))
    source = FromShards(ShardSamples(folder, split="train", contrasts=names), plan)
    held = FromShards(v, plan) if len(v := ShardSamples(folder, split="val", contrasts=names)) else None
    seen = []
    for i in range(min(MEASURED, len(source.samples))):
        say(name_of(source.samples, i))
        if one := source.readable(i):
            seen.append(one[1])
    volumes = [one[0] for i in range(min(HELD, len(v))) if (one := held.readable(i))] if held else []
    told: dict[str, object] = {
        "data": f"{len(source.samples)} subjects of shards",
        "held out": [one.name for one in volumes],
        "left out": [] if held is None else [list(fault) for fault in held.left_out().items()],
    }
    return source, volumes, seen, told
