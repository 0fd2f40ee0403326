"""Pairs to learn from: heads as the 0.055 T scanner shows them, through its k-space, and as they are at 3 T."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.grid import Grid
from spinloom.models.translator import Batch
from spinloom.study.low_field_scan import ACQUIRED_MM, B0, PIXEL_MM, SIZE, SLICE_MM, Scan, acquired, shown
from spinloom.train.acquisitions import Signal
from spinloom.train.examples import Examples, Volumes, below, clamped
from spinloom.train.heads import Head
from spinloom.train.simulated import shading
from spinloom.translate.limits import measured
from spinloom.translate.prepare import Prepared

STEP_MM = 3
"""Between the slices of a head that are kept."""
OFF = 0.08
"""Standard deviation of ln T1 and ln T2 of each tissue at 0.055 T about the table: few have measured them."""
GREY = 0.3
"""T1 of grey matter at 0.055 T, at most so much above the table's: with the table's it would be as bright in the
T1w as white matter, which in subjA is a tenth brighter."""
SKIN = 0.3
"""Weight in the loss of what is not brain."""
NOISE = (0.8, 3.0)
"""Of the scan's, drawn from: in the head of subjA it is 1.2 (T2w) to 1.6 times (T1w) that of its background."""


@dataclass(frozen=True, eq=False)
class Person:
    """A head's tissues, and its slices; the volume itself is let go."""

    head: Head
    planes: tuple[Plane, ...]


@dataclass(frozen=True, eq=False)
class Plane:
    """One axial slice of a head.

    thick, thin  (t, x, y) uint8 fractions over 10 and 5 mm;  texture (x, y);  brain (x, y) share of the voxel
    """

    thick: Tensor
    thin: Tensor
    texture: Tensor
    brain: Tensor


def through(z_mm: Tensor) -> Tensor:
    """Weight of what lies z from the middle of an acquired slice: a sinc, as phase encoding gives it, under a Hann."""
    q = z_mm / (2 * ACQUIRED_MM)
    return torch.sinc(z_mm / ACQUIRED_MM) * (0.5 + 0.5 * torch.cos(torch.pi * q)) * (q.abs() < 1)


def sliced(head: Head) -> Person:
    none = torch.empty(0)
    return Person(replace(head, fractions=none, texture=none, whole=none, brain=none), tuple(planes_of(head)))


def planes_of(head: Head) -> list[Plane]:
    """Slices from the middle of the brain to the vertex, STEP_MM apart; voxels of 1 mm."""
    per = head.brain.sum((0, 1))
    levels = torch.nonzero(per > 0.35 * per.max()).flatten().tolist()
    at = torch.arange(levels[0] + (levels[-1] - levels[0]) // 4, levels[-1], STEP_MM)
    z_mm = (torch.arange(head.whole.shape[2])[:, None] - at).float() * head.voxel_mm

    def over(weights: Tensor, values: Tensor) -> Tensor:
        return (values.float() @ (weights / weights.sum(0))).movedim(-1, 0)

    wide, box = through(z_mm), (z_mm.abs() < SLICE_MM / 2).float()
    # the lobes of the sinc would make some fractions slightly negative: they are cut at 0
    thick, thin = (
        torch.stack([over(w, f).round().clamp(0, 255).to(torch.uint8) for f in head.fractions], 1) for w in (wide, box)
    )
    texture, brain = over(box, head.texture), over(box, head.brain)
    return [Plane(*parts) for parts in zip(thick, thin, texture, brain, strict=True)]


@dataclass(frozen=True, eq=False)
class Drawn:
    """kspace (rows, columns) at 0.055 T;  high (SIZE, SIZE) at 3 T, RAS;  inside, brain (SIZE, SIZE) where they are."""

    kspace: Tensor
    high: Tensor
    inside: Tensor
    brain: Tensor


class LowField(Examples):
    """Slices at 0.055 T and 3 T. Of every sample are drawn: head and slice, place, turn and size, protocol, shading,
    noise, tissues at 0.055 T, and in every second one a lesion of anything between grey matter and CSF.

    source  as translate() sees the scanner's images: divided by the 99.5th percentile of the head
    target  in multiples of the brain's; weights SKIN outside the brain
    """

    def __init__(self, people: Sequence[Person], scan: Scan, patch: tuple[int, ...]) -> None:
        self.people, self.scan, self.patch = tuple(people), scan, patch

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        made = [self.one(rng) for _ in range(count)]
        return Batch(*(torch.stack([m[i] for m in made])[:, None] for i in range(3)))

    def one(self, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        who = self.people[below(len(self.people), rng)]
        source, target, weight = self.whole(who, who.planes[below(len(who.planes), rng)], rng)
        at = torch.nonzero(weight > 0)
        centre = at[below(len(at), rng)].tolist()
        box = [slice(c := clamped(m - p // 2, SIZE, p), c + p) for m, p in zip(centre, self.patch, strict=True)]
        return source[*box], target[*box], weight[*box]

    def whole(self, who: Person, plane: Plane, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """source, target, weight (SIZE, SIZE), RAS."""
        made = self.scanned(who.head, plane, rng)
        image = shown(made.kspace).T.flip(0)
        top = image[made.inside].quantile(0.995) if made.inside.any() else image.max()
        high = made.high / made.high[made.brain].quantile(0.98).clamp_min(1e-6) if made.brain.any() else made.high
        weight = SKIN * made.inside.float() + (1 - SKIN) * made.brain.float()
        return image / top * (1 + 0.07 * float(torch.randn((), generator=rng))), high, weight

    def scanned(self, head: Head, plane: Plane, rng: torch.Generator) -> Drawn:
        scan = self.scan
        T1, T2 = head.at(B0)
        grey = [n in ("grey_matter", "deep_grey_matter") for n in head.names]
        off = torch.exp(OFF * torch.randn((2, len(T1)), generator=rng))
        off[0, grey] *= 1 + GREY * rand(rng)
        off[0, [n == "csf" for n in head.names]] *= math.exp(-scan.inflow * rand(rng))
        S = [head.PD * scan.signal(rng)(T1 * off[0], T2 * off[1]), head.PD * scan.target(None)(*head.at(3.0))]
        if "skin" in head.names and "fat" in head.names:
            skin, fat, share = head.names.index("skin"), head.names.index("fat"), 0.3 + 0.7 * rand(rng)
            for each in S:
                each[skin] = (1 - share) * each[skin] + share * each[fat]
        low, high = mixed(S[0], plane.thick), mixed(S[1], plane.thin)
        texture = 1 + 0.5 * plane.texture
        low, high = low * texture, high * texture
        if below(2, rng):
            low, high = self._lesion(head, plane, low, high, rng)
        there = (plane.thin.sum(0, dtype=torch.int32) > 127).float()
        low, high, brain, there = placed([low, high, plane.brain, there], rng)
        low = low * shading(low[None], 0.15 * rand(rng), rng)[0]
        noise = scan.noise * NOISE[0] * (NOISE[1] / NOISE[0]) ** rand(rng)
        return Drawn(
            acquired(low.flip(0).T, scan, noise, rng, scan.blur * rand(rng), scan.veil * rand(rng)),
            high,
            there > 0.5,
            brain > 0.5,
        )

    def _lesion(
        self, head: Head, plane: Plane, low: Tensor, high: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        share = rand(rng)
        grey, csf = head.names.index("grey_matter"), head.names.index("csf")
        m = blob(plane.brain, rng)

        def signal(how: Signal, T1: Tensor, T2: Tensor) -> Tensor:
            between = [torch.exp((1 - share) * v[grey].log() + share * v[csf].log())[None] for v in (head.PD, T1, T2)]
            return between[0] * how(between[1], between[2])

        a, b = self.scan.signal(None), self.scan.target(None)
        return (
            (1 - m) * low + m * signal(a, *head.at(B0)),
            (1 - m) * high + m * signal(b, *head.at(3.0)),
        )


def rand(rng: torch.Generator) -> float:
    return float(torch.rand((), generator=rng))


def blob(brain: Tensor, rng: torch.Generator) -> Tensor:
    """(x, y) an irregular patch of 5 to 25 mm radius in the brain, soft at its edge."""
    at = torch.nonzero(brain > 0.5)
    centre = at[below(len(at), rng)]
    size = 5 + 20 * rand(rng) ** 2
    rough = F.interpolate(torch.randn((1, 1, 9, 9), generator=rng), size=brain.shape, mode="bicubic")[0, 0]
    x, y = torch.meshgrid(*(torch.arange(float(n)) for n in brain.shape), indexing="ij")
    r = torch.hypot(x - centre[0], y - centre[1]) * (1 + 0.25 * rough)
    return torch.sigmoid((size - r) / 1.0) * brain.clamp(0, 1)


def mixed(S: Tensor, fractions: Tensor) -> Tensor:
    return torch.tensordot(S / 255, fractions.float(), 1)


def placed(parts: Sequence[Tensor], rng: torch.Generator) -> list[Tensor]:
    """On the scanner's field of view, by one random similarity: mirrored or not, turned up to 12 degrees, 0.85 to 1.15
    times as large, up to 12 mm from the middle."""
    u = torch.rand(5, generator=rng).tolist()
    angle, scale = math.radians(12) * (2 * u[0] - 1), 0.85 + 0.3 * u[1]
    flip = -1.0 if u[2] < 0.5 else 1.0
    h, w = parts[0].shape
    c, s = math.cos(angle) / scale, math.sin(angle) / scale
    # affine_grid's order of axes: last first
    shift = [(v - 0.5) * 2 * 12 / (SIZE / 2) for v in u[3:]]
    A = torch.tensor([[c * SIZE / w, -s * SIZE / w, shift[0]], [flip * s * SIZE / h, flip * c * SIZE / h, shift[1]]])
    stack = torch.stack([p.float() for p in parts])[None]
    grid = F.affine_grid(A[None], [1, len(parts), SIZE, SIZE], align_corners=False)
    return list(F.grid_sample(stack, grid, mode="bilinear", align_corners=False)[0])


def held_out(examples: LowField, rng: torch.Generator, slices: int = 6) -> list[Volumes]:
    """Each head once as a stack of its slices."""
    made = []
    for who in examples.people:
        step = max(1, len(who.planes) // slices)
        parts = [examples.whole(who, p, rng) for p in who.planes[::step][:slices]]
        source, target, weight = (torch.stack(v, -1) for v in zip(*parts, strict=True))
        made.append(Volumes(who.head.name, source[None], target[None] * (weight > 0), weight > 0, None, voxel_mm()))
    return made


def voxel_mm() -> tuple[float, float, float]:
    return PIXEL_MM, PIXEL_MM, SLICE_MM


def seen(volumes: Sequence[Volumes]) -> list[dict]:
    """What `limits.measured` says of simulated scans."""
    told = []
    for v in volumes:
        assert v.source is not None
        grid = Grid(tuple(v.mask.shape), np.diag([*v.voxel_mm, 1.0]))
        told.append(measured(Prepared(v.source.numpy(), v.mask.numpy(), grid, (slice(None),) * 3, ())))
    return told
