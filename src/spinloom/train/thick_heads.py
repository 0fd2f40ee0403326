"""Simulated heads for super-resolution: whole volumes under several protocols, each thickened as a scan would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spinloom.core.image import Image
from spinloom.dataset.case import Case
from spinloom.train.cases import turns, volumes_of
from spinloom.train.examples import Volumes
from spinloom.train.heads import Head
from spinloom.train.whole import whole
from spinloom.translate.plan import Plan

PROTOCOLS = 3
"""Volumes made of each head: a volume is held in memory, so there are few."""


def thick_volumes(
    heads: Sequence[Head], plan: Plan, *, turned: bool = False
) -> tuple[list[Volumes], list[Mapping[str, Any]]]:
    """Volumes to train on, and what `limits.measured` says of each.

    turned  whether each protocol of a head shows it along another axis
    """
    flat = plan.model_copy(update={"thick": None})
    contrast = plan.target[0].contrast
    made, seen = [], []
    for head in heads:
        for n in range(PROTOCOLS):
            name = f"{head.name} {n}"
            fine = whole(replace(head, name=name), flat, plan.training.seed).source
            assert fine is not None
            image = Image(fine[0].numpy(), np.diag([*[head.voxel_mm] * 3, 1.0]))
            case = Case(name, None, {}, {contrast: image})
            one, told = volumes_of([case, *turns(case)][n] if turned else case, plan)
            made.append(one)
            seen.append(told)
    return made, seen
