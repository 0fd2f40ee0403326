"""People and pairs of protocols that a network of any contrast is tried on: simulated, of known tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import radians
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from spinloom.core.rng import stream
from spinloom.models.translator import Translator
from spinloom.simulation.acquisition import Acquisition
from spinloom.train.any_contrast import told
from spinloom.train.examples import Volumes
from spinloom.train.heads import Head
from spinloom.train.score import answer
from spinloom.train.simulated import ANY, CLEAN, Cut, Scanning, image_of
from spinloom.translate.plan import Plan
from spinloom.translate.prepare import box

T1W = Acquisition("MPRAGE", TR=2.3, TE=3e-3, TI=0.95, FA=radians(9))
T2W = Acquisition("SE", TR=5.0, TE=0.1)
PDW = Acquisition("SE", TR=4.0, TE=0.015)
FLAIR = Acquisition("IR", TR=9.0, TE=0.11, TI=2.5)
GRE = Acquisition("GRE", TR=0.03, TE=4e-3, FA=radians(30))
CONTRASTS: Mapping[str, Acquisition] = MappingProxyType(
    {"T1w": T1W, "T2w": T2W, "PDw": PDW, "FLAIR": FLAIR, "T1w GRE": GRE}
)
PAIRS: Mapping[str, tuple[Acquisition, Acquisition]] = MappingProxyType(
    {
        "T1w to T2w": (T1W, T2W),
        "T2w to T1w": (T2W, T1W),
        "T1w to FLAIR": (T1W, FLAIR),
        "FLAIR to T1w": (FLAIR, T1W),
        "PDw to T2w": (PDW, T2W),
        "T2w to T1w GRE": (T2W, GRE),
        "T1w at 0.5 T to T2w at 3 T": (replace(T1W, B0=0.5), T2W),
    }
)
SLICES = 20
"""Axial ones that are translated and scored, through the middle of the brain."""


@dataclass(frozen=True, eq=False)
class Person:
    """A head and the part of it that is scanned: the brain's box, some axial slices."""

    head: Head
    cut: Cut

    @property
    def name(self) -> str:
        return self.head.name

    @property
    def mask(self) -> Tensor:
        return self.cut.mask > 0.5

    def pure(self, *tissues: str) -> Tensor:
        """(x, y, z) where nearly the whole voxel is of these tissues."""
        rows = [self.head.names.index(t) for t in tissues if t in self.head.names]
        return (self.cut.f[rows].sum(0) >= 250) & self.mask


def person(head: Head, slices: int = SLICES) -> Person:
    """Its brain, stripped."""
    found = list(box(head.brain.numpy(), 0))
    middle = (found[2].start + found[2].stop) // 2
    found[2] = slice(max(0, middle - slices // 2), middle - slices // 2 + slices)
    at = tuple(found)
    mask = head.brain[at].float()
    return Person(head, Cut(head.fractions[(slice(None), *at)].float() * mask, head.texture[at].float(), mask, None))


def scan(who: Person, what: Acquisition, plan: Plan, how: Scanning, seed: int) -> Tensor:
    """(x, y, z) one scan of a person, scaled as the plan says; noise of the seed, name and acquisition."""
    rng = torch.Generator().manual_seed(int(stream(seed, "scan", who.name, str(what)).integers(2**62)))
    return image_of(plan.target[0], who.head, who.head.brain, who.cut, rng, how, what)


def volumes(who: Person, pair: tuple[Acquisition, Acquisition], plan: Plan, seed: int) -> Volumes:
    """Source as of some scanner, target clean, and what a network is told of them."""
    source, target = scan(who, pair[0], plan, ANY, seed), scan(who, pair[1], plan, CLEAN, seed)
    size = (who.head.voxel_mm,) * 3
    return Volumes(who.name, source[None], (target * who.cut.mask)[None], who.mask, None, size, told(*pair))


def made_by(translator: Translator, given: Sequence[Volumes], plan: Plan) -> list[np.ndarray]:
    """What a network answers, each (1, x, y, z), axial slices alone."""
    net = plan.network.model_copy(update={"views": (2,)} if plan.network.dims == 2 else {})
    return [answer(translator, v, plan.model_copy(update={"network": net})) for v in given]
