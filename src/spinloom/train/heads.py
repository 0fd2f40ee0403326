"""Digital heads as tensors: what simulated samples are drawn from."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import binary_dilation, binary_opening
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.errors import InputError
from spinloom.core.masks import Mask, filled, largest
from spinloom.core.rng import stream
from spinloom.io.label_map import read_label_map
from spinloom.io.templates import read_template
from spinloom.phantom.ct import ct
from spinloom.phantom.ct_numbers import AIR_HU
from spinloom.phantom.lesions import MultipleSclerosis
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.subject import from_fractions
from spinloom.phantom.tissue_table import tissue_names, tissue_table
from spinloom.train.examples import places

OUTSIDE_BRAIN = (
    "fat", "muscle", "skin", "cortical_bone", "marrow", "connective", "dura", "air", "eye", "mucosa", "optic_nerve",
    "cartilage", "spinal_cord", "vessels",
)  # fmt: skip


COARSE = (..., *(slice(None, None, 4),) * 3)


@dataclass(frozen=True, eq=False)
class Head:
    """One phantom.

    fractions (t, x, y, z) uint8, 255 = the whole voxel;  texture (x, y, z) float16, relative deviation of T1 and T2
    PD, T1, T2 (t,) of the tissues [1, s, s];  names of the tissues
    whole, brain (x, y, z) bool: the head, and what is left when it is stripped
    CT (x, y, z) int16: one CT of this person, as HU + 1000 so that 0 is air; None: not made
    name, voxel_mm of it;  B0 of its T1 and T2 [T]
    """

    fractions: Tensor
    texture: Tensor
    PD: Tensor
    T1: Tensor
    T2: Tensor
    names: tuple[str, ...]
    whole: Tensor
    brain: Tensor
    CT: Tensor | None = None
    name: str = "head"
    voxel_mm: float = 1.0
    B0: float = 3.0

    def to(self, device: str | torch.device) -> Head:
        """The same person on another device."""
        moved = {f.name: v.to(device) for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor)}
        return replace(self, **moved)

    def at(self, B0: float | None) -> tuple[Tensor, Tensor]:
        """T1 and T2 (t,) [s] of this person at another field (None: its own): they differ from the literature's there
        by the same factor. Tissues that it does not hold keep theirs."""
        if B0 is None or B0 == self.B0:
            return self.T1, self.T2
        factor = ratios(self.names, B0, self.B0).to(self.T1)
        return self.T1 * factor[0], self.T2 * factor[1]

    @cached_property
    def coarse(self) -> Tensor:
        """(t, x, y, z) uint8, fractions of every fourth voxel along each axis."""
        return self.fractions[COARSE].contiguous()

    @cached_property
    def places(self) -> tuple[Tensor, Tensor]:
        """Of the whole head and of the brain."""
        return places(self.whole), places(self.brain)


@cache
def ratios(names: tuple[str, ...], B0: float, own: float) -> Tensor:
    """(2, t) the literature's T1 and T2 at B0 over those at `own` [T]; 1 of tissues it does not hold."""
    known = set(tissue_names())
    there, here = (tissue_table(field, [n for n in names if n in known]) for field in (B0, own))
    found = {a.name: (a.T1 / max(b.T1, 1e-9), a.T2 / max(b.T2, 1e-9)) for a, b in zip(there, here, strict=True)}
    return torch.tensor([found.get(n, (1.0, 1.0)) for n in names]).T


def draw_heads(count: int, seed: int, *, voxel_mm: float = 1.0, B0: float = 3.0, with_CT: bool = False) -> list[Head]:
    """People of one seed, every second one with the plaques of multiple sclerosis."""
    template = read_template("mni152")
    heads = []
    for n in range(count):
        rng = stream(seed, "training head", n)
        field = B0 * float(rng.choice([0.5, 1.0]))
        lesions = (MultipleSclerosis(int(rng.integers(5, 40))),) if n % 2 else ()
        name = f"train-{n}"
        phantom = from_fractions(template, B0=field, seed=seed, voxel_mm=voxel_mm, lesions=lesions, subject=name)
        heads.append(head_of(phantom, stream(seed, "CT", name) if with_CT else None))
    return heads


def heads_from_labels(
    paths: Sequence[str | os.PathLike[str]],
    seed: int,
    *,
    voxel_mm: float | None = None,
    B0: float = 3.0,
    with_CT: bool = False,
    say: Callable[[str], None] = lambda name: None,
) -> list[Head]:
    """One head per label map; tissue values, texture and field (B0 or half of it) are drawn from seed and file name.

    voxel_mm  None: the maps' own; else a whole multiple of it, fractions being means over blocks

    Raises InputError for files that are no label maps, and for voxels that fit no whole number of times.
    """
    heads = []
    for path in paths:
        name = stem(path)
        say(name)
        rng = stream(seed, "label head", name)
        phantom = read_label_map(path, B0=B0 * float(rng.choice([0.5, 1.0])), seed=int(rng.integers(2**31)))
        own = float(phantom.grid.voxel_mm.mean())
        if np.ptp(phantom.grid.voxel_mm) > 0.05 * own:
            raise InputError("has voxels that are no cubes", file=path, remedy="Resample it to cubes first.")
        times = 1 if voxel_mm is None else max(1, round(voxel_mm / own))
        if voxel_mm is not None and abs(times * own / voxel_mm - 1) > 0.05:
            raise InputError(
                f"has voxels of {own:g} mm: none of {voxel_mm:g} mm can be made of them",
                file=path,
                remedy="Choose a whole multiple.",
            )
        head = coarser(head_of(phantom, stream(seed, "CT", name) if with_CT else None), times)
        heads.append(replace(head, name=name))
    return heads


def stem(path: str | os.PathLike[str]) -> str:
    """A file's name without .nii and .gz."""
    return Path(path).name.removesuffix(".gz").removesuffix(".nii")


def coarser(head: Head, times: int) -> Head:
    """The head on voxels so many times as large: means over blocks; what is left over at the far edges is cut off."""
    if times == 1:
        return head

    def mean(values: Tensor) -> Tensor:
        flat = values.float().reshape(-1, 1, *values.shape[-3:])
        parts = [F.avg_pool3d(v[None], times)[0] for v in flat]
        small = torch.stack(parts).reshape(*values.shape[:-3], *parts[0].shape[-3:])
        return small.round().to(values.dtype) if not values.is_floating_point() else small.to(values.dtype)

    return replace(
        head,
        fractions=torch.stack([mean(f) for f in head.fractions]),
        texture=mean(head.texture),
        whole=mean(head.whole.to(torch.float16)) > 0.5,
        brain=mean(head.brain.to(torch.float16)) > 0.5,
        CT=None if head.CT is None else mean(head.CT),
        voxel_mm=head.voxel_mm * times,
    )


def stripped(matter: Mask) -> Mask:
    """What hangs together by more than threads: opened by 3 voxels, the largest part, grown back, holes filled."""
    core = largest(binary_opening(matter, iterations=3))
    return filled(binary_dilation(core, iterations=2) & matter)


def head_of(phantom: Phantom, rng: np.random.Generator | None = None) -> Head:
    """A phantom with fractions, cut to the head.

    rng  of a CT of it (noise of 4 to 12 HU); None: it gets none
    """
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
        tensor(filled(filled(matter)[box], axis=2)),
        tensor(brain[box]),
        None if rng is None else tensor(above_air(phantom, rng)[box]),
        phantom.name,
        float(np.mean(phantom.grid.voxel_mm)),
        phantom.B0 or 3.0,
    )  # fmt: skip


def above_air(phantom: Phantom, rng: np.random.Generator) -> np.ndarray:
    """(x, y, z) int16 a CT, as HU + 1000."""
    image = ct(phantom, rng, noise_HU=float(rng.uniform(4, 12)))
    return np.rint(np.asarray(image.data) - AIR_HU).astype(np.int16)
