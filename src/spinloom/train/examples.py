"""Cases → samples: volumes in memory, cut into slices or patches at random places, the same for one seed and step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spinloom.core.errors import InputError
from spinloom.models.translator import Batch
from spinloom.train.augment import augmented
from spinloom.translate.plan import Network, Plan


class Examples(ABC):
    """Where samples come from."""

    def seek(self, step: int, rank: int, ranks: int) -> None:  # noqa: B027
        """Told before every draw which step it is, and which process of how many; random draws need not know."""

    def note_in(self, file: Path) -> None:  # noqa: B027
        """Told which file of the run's folder keeps who was left out, from one start to the next."""

    def left_out(self) -> Mapping[str, str]:
        """Who could not be read so far, and why."""
        return {}

    @abstractmethod
    def draw(self, count: int, rng: torch.Generator) -> Batch:
        """count samples, determined by the state of rng."""


@dataclass(frozen=True, eq=False)
class Volumes:
    """One subject, prepared.  source (c, x, y, z), target (d, x, y, z) float32, mask (x, y, z); name for the log.

    Unpaired: a subject has a source or a target; the other is None. labels (x, y, z): tissues, where they are known.
    voxel_mm: of x, y, z [mm]. told (k,): what the network is told of it, None: nothing.
    """

    name: str
    source: Tensor | None
    target: Tensor | None
    mask: Tensor
    labels: Tensor | None = None
    voxel_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    told: Tensor | None = None

    @cached_property
    def places(self) -> Tensor:
        return places(self.mask)


class Scans(Examples):
    """Random slices (with neighbours) or patches of prepared subjects, each voxel of the foreground about as often."""

    def __init__(self, volumes: Sequence[Volumes], plan: Plan) -> None:
        self.volumes, self.plan = tuple(volumes), plan
        self.sources = [v for v in self.volumes if v.source is not None]
        self.targets = [v for v in self.volumes if v.target is not None]
        for found, sides in ((self.sources, plan.source), (self.targets, plan.target)):
            if not found:
                names = ", ".join(s.contrast for s in sides)
                raise InputError(f"nobody to train on has {names}", remedy="Say with --split who is held out.")

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        samples = [self._one(rng) for _ in range(count)]
        batch = Batch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))
        return augmented(batch, self.plan, rng) if self.plan.training.augment else batch

    def _one(self, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        net = self.plan.network
        view = net.views[below(len(net.views), rng)]
        a = b = self.sources[below(len(self.sources), rng)]
        if not self.plan.paired:
            b = self.targets[below(len(self.targets), rng)]
        here = Place.drawn(a.places, a.mask.shape, net, view, rng)
        there = here if a is b else Place.drawn(b.places, b.mask.shape, net, view, rng)
        assert a.source is not None
        assert b.target is not None
        return here.cut(a.source, net, neighbours=True), there.cut(b.target, net), there.cut(b.mask[None].float(), net)


class Mixed(Examples):
    """Each sample from the second source with some probability, else from the first."""

    def __init__(self, first: Examples, second: Examples, share: float) -> None:
        self.first, self.second, self.share = first, second, share

    def seek(self, step: int, rank: int, ranks: int) -> None:
        self.first.seek(step, rank, ranks)
        self.second.seek(step, rank, ranks)

    def note_in(self, file: Path) -> None:
        self.first.note_in(file)

    def left_out(self) -> Mapping[str, str]:
        return self.first.left_out()

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        n = int((torch.rand(count, generator=rng) < self.share).sum())
        parts = [e.draw(k, rng) for e, k in ((self.first, count - n), (self.second, n)) if k]
        where = parts[-1].source.device
        return Batch(*(torch.cat([getattr(p, f).to(where) for p in parts]) for f in ("source", "target", "mask")))


@dataclass(frozen=True)
class Place:
    """Where a sample is taken: the slice `index` across `view` (two dimensions) and the corner of its window."""

    view: int
    index: int
    corner: tuple[int, ...]

    @staticmethod
    def drawn(among: Tensor, shape: Sequence[int], net: Network, view: int, rng: torch.Generator) -> Place:
        """About one of the places (n, 3), up to a quarter of the window away from it."""
        centre = among[below(len(among), rng)].tolist()
        axes = [a for a in range(3) if a != view] if net.dims == 2 else [0, 1, 2]
        corner = []
        for a, size in zip(axes, net.patch, strict=True):
            start = centre[a] - size // 2 + below(max(1, size // 2), rng) - size // 4
            corner.append(clamped(start, shape[a], size))
        return Place(view, centre[view], tuple(corner))

    def cut(self, volume: Tensor, net: Network, *, neighbours: bool = False) -> Tensor:
        """Of (c, x, y, z): (c, h, w), with neighbours (c * slices, h, w); in three dimensions (c, x, y, z)."""
        size = list(net.patch)
        if net.dims == 3:
            return window(volume, self.corner, size)
        half = net.slices // 2 if neighbours else 0
        index = (torch.arange(-half, half + 1) + self.index).clamp(0, volume.shape[1 + self.view] - 1)
        planes = [window(volume.select(1 + self.view, int(i)), self.corner, size) for i in index]
        return torch.stack(planes, 1).flatten(0, 1)


def places(mask: Tensor, most: int = 8192) -> Tensor:
    """(n, 3) voxels of a mask (x, y, z), at most so many, evenly chosen."""
    at = torch.nonzero(mask)
    return at[:: max(1, len(at) // most)]


def window(volume: Tensor, corner: Sequence[int], size: Sequence[int]) -> Tensor:
    """(c, *size) of (c, ...), 0 beyond its edges."""
    out = volume.new_zeros((volume.shape[0], *size))
    here, there = [slice(None)], [slice(None)]
    for c, s, n in zip(corner, size, volume.shape[1:], strict=True):
        low, high = max(c, 0), min(c + s, n)
        here.append(slice(low, max(high, low)))
        there.append(slice(low - c, max(high, low) - c))
    out[tuple(there)] = volume[tuple(here)]
    return out


def clamped(corner: int, length: int, size: int) -> int:
    """Inside the volume where it is long enough, centred on it where it is not."""
    return (length - size) // 2 if length <= size else min(max(corner, 0), length - size)


def below(n: int, rng: torch.Generator) -> int:
    """A whole number 0 ... n - 1."""
    return int(torch.randint(n, (), generator=rng))


def tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
