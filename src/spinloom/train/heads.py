"""Digital heads as tensors: what simulated samples are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import binary_dilation, binary_opening
from torch import Tensor

from spinloom.core.masks import Mask, filled, largest
from spinloom.core.rng import stream
from spinloom.io.templates import read_template
from spinloom.phantom.lesions import MultipleSclerosis
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.subject import from_fractions
from spinloom.train.examples import places

OUTSIDE_BRAIN = (
    "fat", "muscle", "skin", "cortical_bone", "marrow", "connective", "dura", "air", "eye", "mucosa", "optic_nerve",
    "cartilage", "spinal_cord", "vessels",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Head:
    """One phantom.

    fractions (t, x, y, z) uint8, 255 = the whole voxel;  texture (x, y, z) float16, relative deviation of T1 and T2
    PD, T1, T2 (t,) of the tissues [1, s, s];  names of the tissues
    whole, brain (x, y, z) bool: the head, and what is left when it is stripped
    """

    fractions: Tensor
    texture: Tensor
    PD: Tensor
    T1: Tensor
    T2: Tensor
    names: tuple[str, ...]
    whole: Tensor
    brain: Tensor

    @cached_property
    def places(self) -> tuple[Tensor, Tensor]:
        """Of the whole head and of the brain."""
        return places(self.whole), places(self.brain)


def draw_heads(count: int, seed: int, *, voxel_mm: float = 1.0, B0: float = 3.0) -> list[Head]:
    """People of one seed, every second one with the plaques of multiple sclerosis."""
    template = read_template("mni152")
    heads = []
    for n in range(count):
        rng = stream(seed, "training head", n)
        field = B0 * float(rng.choice([0.5, 1.0]))
        lesions = (MultipleSclerosis(int(rng.integers(5, 40))),) if n % 2 else ()
        name = f"train-{n}"
        phantom = from_fractions(template, B0=field, seed=seed, voxel_mm=voxel_mm, lesions=lesions, subject=name)
        heads.append(head_of(phantom))
    return heads


def stripped(matter: Mask) -> Mask:
    """What hangs together by more than threads: opened by 3 voxels, the largest part, grown back, holes filled."""
    core = largest(binary_opening(matter, iterations=3))
    return filled(binary_dilation(core, iterations=2) & matter)


def head_of(phantom: Phantom) -> Head:
    """A phantom with fractions, cut to the head."""
    assert phantom.fractions is not None
    assert phantom.tissues is not None
    fractions = phantom.fractions
    names = tuple(t.name for t in phantom.tissues)
    inner = [n not in OUTSIDE_BRAIN for n in names]
    matter = np.asarray(phantom.PD) > 0.02
    brain = stripped(fractions[inner].sum(0, dtype=np.int32) > 127)
    box = tuple(
        slice(int(s[0]), int(s[-1]) + 1)
        for s in (np.flatnonzero(matter.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3))
    )
    texture = np.zeros(matter.shape, np.float32) if phantom.texture is None else phantom.texture

    def tensor(values: object) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values))

    table = [[t.PD, max(t.T1, 1e-3), max(t.T2, 1e-4)] for t in phantom.tissues]
    PD, T1, T2 = torch.tensor(table, dtype=torch.float32).T
    return Head(
        tensor(fractions[(slice(None), *box)]),
        tensor(texture[box].astype(np.float16)),
        PD, T1, T2, names,
        tensor(filled(matter)[box]),
        tensor(brain[box]),
    )  # fmt: skip
