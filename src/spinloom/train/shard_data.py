"""Shards for torch.utils.data.DataLoader.

    samples = ShardSamples("shards", split="train", contrasts=("T1w",))
    order = EpochOrder(samples, seed=0, epoch=3, position=128)
    loader = DataLoader(samples, batch_size=2, num_workers=2, sampler=order)

The order is made in the process that trains, so the number of workers never changes it; `position` is how many samples
of the epoch have been used by all ranks together, the only thing to keep for going on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from spinloom.core.errors import InputError, nearest
from spinloom.dataset.read_shards import Shards
from spinloom.dataset.shards_images import voxels
from spinloom.dataset.shards_order import Order, rest, shuffled

Item = dict[str, Any]


class ShardSamples(Dataset[Item]):
    """Subjects of one split as tensors, by number.

    folder     shards of `spinloom pack` or `generate --layout shards`
    split      train, val or test; None: all
    contrasts  names of the wanted images, e.g. ("T1w", "T2w"); None: those of the first subject
    truth      maps to give too, e.g. ("T1map",)
    verify     compare the SHA-256 of what is read

    Item i is a dict: "subject", one float32 tensor (1, x, y, z) per contrast and map, and for each contrast with labels
    "<contrast>_labels", int64 (x, y, z). Intensities are as simulated.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        split: str | None = None,
        contrasts: tuple[str, ...] | None = None,
        truth: tuple[str, ...] = (),
        verify: bool = True,
    ) -> None:
        self.shards = Shards(folder, verify=verify)
        self.numbers = np.arange(len(self.shards)) if split is None else self.shards.of_split(split)
        self.truth = truth
        self.contrasts = contrasts or (tuple(sorted(self.about(0)["scans"])) if len(self) else ())

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, i: int) -> Item:
        about = self.about(i)
        wanted = {name: self.listed(about, "scans", name)["image"] for name in self.contrasts}
        wanted |= {name: self.listed(about, "truth", name)["file"] for name in self.truth}
        labels = {f"{n}_labels": about["scans"][n].get("labels") for n in self.contrasts}
        labels = {name: file for name, file in labels.items() if file}
        data = self.shards.sample(int(self.numbers[i]), {*wanted.values(), *labels.values()})
        item: Item = {"subject": about["subject"]}
        for name, file in {**wanted, **labels}.items():
            array = voxels(data[file], f"{about['subject']}.{file}")
            whole = name in labels
            tensor = torch.from_numpy(np.ascontiguousarray(array, np.int64 if whole else np.float32))
            item[name] = tensor if whole else tensor[None]
        return item

    def order(self, *, seed: int, epoch: int = 0, window: int | None = None) -> Order:
        """A permutation of this split's samples; arguments as in shards_order.shuffled."""
        ends = np.cumsum(self.shards.counts)
        counts = np.bincount(np.searchsorted(ends, self.numbers, side="right"), minlength=len(ends))
        return shuffled(counts.tolist(), seed=seed, epoch=epoch, window=window)

    def about(self, i: int) -> Item:
        """What its KEY.json says of subject i."""
        value: Item = json.loads(self.shards.sample(int(self.numbers[i]), ("json",))["json"])
        return value

    def listed(self, about: Item, kind: str, name: str) -> Item:
        """An entry of its scans or truth. Raises InputError for one that it does not have."""
        if name not in about[kind]:
            remedy = nearest(name, sorted(about[kind]))
            raise InputError(f"{about['subject']} has no {name}", file=self.shards.folder, remedy=remedy)
        found: Item = about[kind][name]
        return found


class EpochOrder(Sampler[int]):
    """Numbers of the samples that one rank has still to see in an epoch; arguments as in shards_order."""

    def __init__(
        self,
        samples: ShardSamples,
        *,
        seed: int,
        epoch: int = 0,
        position: int = 0,
        rank: int = 0,
        ranks: int = 1,
        window: int | None = None,
    ) -> None:
        self.left = rest(samples.order(seed=seed, epoch=epoch, window=window), position, rank=rank, ranks=ranks)

    def __len__(self) -> int:
        return len(self.left)

    def __iter__(self) -> Iterator[int]:
        return iter(self.left.tolist())


class ShardStream(IterableDataset[Item]):
    """The same samples in the same order as a stream.

    batch_size  of the DataLoader: workers are dealt that many consecutive samples in turn, so that batches come in the
                order of the epoch however many workers there are
    order       e.g. EpochOrder(...)
    """

    def __init__(self, samples: ShardSamples, order: EpochOrder, *, batch_size: int = 1) -> None:
        self.samples, self.left, self.batch_size = samples, order.left, batch_size

    def __len__(self) -> int:
        return len(self.left)

    def __iter__(self) -> Iterator[Item]:
        worker = get_worker_info()
        of, me = (1, 0) if worker is None else (worker.num_workers, worker.id)
        for i in rest(self.left, rank=me, ranks=of, chunk=self.batch_size):
            yield self.samples[int(i)]
