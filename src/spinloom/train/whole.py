"""A head simulated once as a whole: what a simulated run is scored on, and what its floors are fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from spinloom.core.rng import stream
from spinloom.phantom.tissue_table import tissue_names
from spinloom.train.examples import Volumes
from spinloom.train.heads import Head
from spinloom.train.simulated import CLEAN, Cut, asked_of, images_of, needs_CT, scanner_of
from spinloom.translate.limits import measured_of
from spinloom.translate.plan import Plan

COARSE = 3
"""Every so many-th voxel is enough for the range of grey values."""
PROTOCOLS = 4


def whole(head: Head, plan: Plan, seed: int) -> Volumes:
    """The head as of some scanner (sources; without pairs, of the one) and clean (targets), with labels.

    What is drawn is of the seed and the head's name.
    """
    rng = torch.Generator().manual_seed(int(stream(seed, "whole", head.name).integers(2**62)))
    cut = Cut(head.fractions, head.texture.float(), head.whole.float(), head.CT, bare=False)
    asked, told = asked_of(plan, rng)
    images, k = images_of(plan, head, head.whole, cut, rng, (scanner_of(plan), CLEAN), asked), len(plan.source)
    target = torch.stack(images[k:])
    if not needs_CT(plan):
        target *= cut.mask
    size = (head.voxel_mm,) * 3
    return Volumes(head.name, torch.stack(images[:k]), target, head.whole, labels_of(head), size, told)


def labels_of(head: Head) -> Tensor:
    """(x, y, z) uint8 what fills most of each voxel: 0 nothing, n the n-th tissue of the table."""
    names = tissue_names()
    ids = torch.tensor([0, *(names.index(n) + 1 for n in head.names)], dtype=torch.uint8)
    best = torch.full(head.whole.shape, 255, dtype=torch.int16) - sum(f.to(torch.int16) for f in head.fractions)
    where = torch.zeros(head.whole.shape, dtype=torch.uint8)
    for n, f in enumerate(head.fractions, 1):
        more = f.to(torch.int16) > best
        best[more] = f[more].to(torch.int16)
        where[more] = n
    return ids[where.long()]


def seen(heads: Sequence[Head], plan: Plan, seed: int, *, back: bool = False) -> Iterator[Mapping[str, Any]]:
    """Of some protocols of each head: what `limits.measured` says of a scan that is trained on; back: of the target."""
    step = (..., *(slice(None, None, COARSE),) * 3)
    for head in heads:
        small = replace(
            head,
            fractions=head.fractions[step],
            texture=head.texture[step],
            whole=head.whole[step],
            brain=head.brain[step],
            CT=None if head.CT is None else head.CT[step],
        )
        for n in range(PROTOCOLS):
            made = whole(replace(small, name=f"{head.name} {n}"), plan, seed)
            images = made.target if back else made.source
            assert images is not None
            told = measured_of(images.numpy(), made.mask.numpy(), [head.voxel_mm * COARSE] * 3)
            yield {**told, "voxel_mm": [head.voxel_mm] * 3}
