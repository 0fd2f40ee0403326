"""Simulated samples on the fly: phantom → random acquisitions → images, with no patient's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.errors import UsageError, nearest
from spinloom.models.translator import Batch
from spinloom.phantom.ct_numbers import AIR_HU
from spinloom.simulation.acquisition import Acquisition
from spinloom.train.acquisitions import CONTRASTS, within
from spinloom.train.any_contrast import drawn, scanned, told
from spinloom.train.augment import augmented
from spinloom.train.examples import Examples, Place, below
from spinloom.train.heads import COARSE, Head
from spinloom.translate.plan import Plan, Side

MAPS = ("T1", "T2", "PD")
STEP = 0.05
"""Relative change of T1 and T2 by which the effect of texture is measured."""


@dataclass(frozen=True)
class Scanning:
    """How a signal is acquired; pairs are ranges that are drawn from.

    drawn    whether the protocol is drawn anew, else it is the usual one
    blur     standard deviation of a Gaussian [voxel];  shading  of a smooth field;  snr  None: no noise
    floor    share of the range that every second image loses at the dark end, as by a mask's threshold or a window
    """

    drawn: bool = False
    blur: tuple[float, float] = (0.0, 0.0)
    shading: tuple[float, float] = (0.0, 0.0)
    snr: tuple[float, float] | None = None
    floor: tuple[float, float] | None = None


ANY = Scanning(True, (0.0, 0.5), (0.0, 0.15), (15.0, 80.0))
"""Some scanner: what a translator has to cope with."""
WINDOWED = replace(ANY, floor=(0.0, 0.12))
"""The same, but fluid can be as dark as air: where the conditions are told, they do not say so."""
CLEAN = Scanning()
"""What it should answer."""
LOW = Scanning(True, (0.6, 1.6), (0.0, 0.25), (6.0, 30.0))
"""A scanner below LOW_FIELD."""
LOW_FIELD = 0.3
ONE = Scanning(False, (0.0, 0.3), (0.0, 0.05), (40.0, 80.0))
"""One scanner's scans, as a folder without pairs holds them on either side, or of one protocol that is known."""


@dataclass(frozen=True, eq=False)
class Cut:
    """Part of a head, all of one shape (slices, h, w) or (x, y, z).

    f     (t, ...) fractions, 0 to 255;  texture, mask  float;  CT  above air [HU + 1000], None: not made
    bare  whether the background of sources is 0, as of stripped scans, or noise
    """

    f: Tensor
    texture: Tensor
    mask: Tensor
    CT: Tensor | None
    bare: bool = True


class Simulated(Examples):
    """Slices or patches of heads; sources as of ANY scanner, their protocol drawn for every sample, targets CLEAN.

        image = sum_t f_t PD_t (S_t + x dS_t/dx),   x the texture of T1 and T2, to first order

    then a slight blur, coil shading, and noise (Rician); scaled as scans are, by the foreground. Every second sample is
    stripped to the brain; of the others every second has noise around the head. Maps are the amount-weighted means of
    rates, without noise. CT numbers are cut from the one CT of each head, with its texture and noise; then no sample is
    stripped. They are made where the network is trained; what is drawn is drawn on the processor, so that all devices
    draw alike. Without pairs the first half of the heads gives sources, the other targets, each side as of ONE scanner.
    With conditions the acquisitions of both are drawn from them, and told.

    Raises UsageError for contrasts that no closed form makes, and for super-resolution (see thick_heads).
    """

    def __init__(self, heads: Sequence[Head], plan: Plan, device: str | torch.device = "cpu") -> None:
        self.heads, self.plan = tuple(h.to(device) for h in heads), plan
        if plan.thick is not None:
            raise UsageError("super-resolution learns from whole volumes", remedy="Leave out --simulated.")
        for side in (*plan.source, *plan.target):
            known = (*CONTRASTS, *MAPS, "CT")
            if plan.conditions is None and side.contrast not in CONTRASTS and side.quantity not in (*MAPS, "HU"):
                raise UsageError(f"'{side.contrast}' cannot be simulated", remedy=nearest(side.contrast, known))
        if needs_CT(plan) and any(h.CT is None for h in self.heads):
            raise UsageError("the heads were made without CT", remedy="Make them with_CT=True.")

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        samples = [self._one(rng) for _ in range(count)]
        batch = Batch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))
        return augmented(batch, self.plan, rng) if self.plan.training.augment else batch

    def _one(self, rng: torch.Generator) -> tuple[Tensor, ...]:
        if self.plan.paired:
            return self._of(self.heads, rng)
        half = len(self.heads) // 2
        source = self._of(self.heads[:half] or self.heads, rng)[0]
        _, target, mask = self._of(self.heads[half:], rng)
        return source, target, mask

    def _of(self, heads: Sequence[Head], rng: torch.Generator) -> tuple[Tensor, ...]:
        head = heads[below(len(heads), rng)]
        stripped = 0 if needs_CT(self.plan) else below(2, rng)
        inside = head.brain if stripped else head.whole
        net = self.plan.network
        place = Place.drawn(head.places[stripped], inside.shape, net, net.views[below(len(net.views), rng)], rng)
        size = (net.slices, *net.patch) if net.dims == 2 else net.patch

        def cut(volume: Tensor) -> Tensor:
            return place.cut(volume[None], net, neighbours=True).reshape(size).float()

        mask = cut(inside)
        f = place.cut(head.fractions, net, neighbours=True).reshape(-1, *size).float() * mask
        part = Cut(
            f, cut(head.texture), mask, None if head.CT is None else cut(head.CT), bool(stripped or below(2, rng))
        )
        how = (scanner_of(self.plan), CLEAN if self.plan.paired else ONE)
        asked, heard = asked_of(self.plan, rng)
        images, k = images_of(self.plan, head, inside, part, rng, how, asked), len(self.plan.source)
        more = () if heard is None else (heard,)
        if net.dims == 2:
            middle = net.slices // 2
            target = torch.stack([i[middle] for i in images[k:]])
            return torch.cat(images[:k]), target, mask[middle][None], *more
        return torch.stack(images[:k]), torch.stack(images[k:]), mask[None], *more


def scanner_of(plan: Plan) -> Scanning:
    """How its sources are scanned."""
    if plan.conditions is not None:
        return WINDOWED
    return ANY if plan.paired and plan.training.protocols == "any" else ONE


def asked_of(plan: Plan, rng: torch.Generator) -> tuple[tuple[Acquisition, ...], Tensor | None]:
    """Acquisitions of source and target drawn from the plan's conditions, and what the network is told of them; none
    where the plan has no conditions."""
    if plan.conditions is None:
        return (), None
    source, target = drawn(plan.conditions, rng), drawn(plan.conditions, rng)
    return (source, target), told(source, target)


def needs_CT(plan: Plan) -> bool:
    return any(s.quantity == "HU" for s in (*plan.source, *plan.target))


def images_of(
    plan: Plan, head: Head, inside: Tensor, cut: Cut, rng: torch.Generator, how: tuple[Scanning, Scanning],
    asked: Sequence[Acquisition] = (),
) -> list[Tensor]:  # fmt: skip
    """Sources, then targets, each of the cut's shape and scaled as the plan says.

    inside  (x, y, z) where the foreground of the whole head is: it sets the scale of signals
    how     sources and targets are scanned
    asked   acquisition of each; none: what its contrast usually is
    """
    low = {s for s in plan.source if s.B0 is not None and s.B0 < LOW_FIELD}
    sides = [*((s, LOW if s in low else how[0]) for s in plan.source), *((t, how[1]) for t in plan.target)]
    each = asked or (None,) * len(sides)
    return [image_of(side, head, inside, cut, rng, w, a) for (side, w), a in zip(sides, each, strict=True)]


def image_of(
    side: Side, head: Head, inside: Tensor, cut: Cut, rng: torch.Generator, how: Scanning,
    asked: Acquisition | None = None,
) -> Tensor:  # fmt: skip
    if side.quantity == "HU":
        assert cut.CT is not None
        return side.scaled(cut.CT.float() + AIR_HU)
    if side.quantity in MAPS:
        return side.scaled(map_of(side.quantity, head, cut, side.B0))
    chance = rng if how.drawn else None
    signal = CONTRASTS[side.contrast](chance) if asked is None else scanned(asked, chance)
    T1, T2 = head.at(side.B0 if asked is None else asked.B0)
    S = head.PD * signal(T1, T2)
    slope = (head.PD * signal(T1 * (1 + STEP), T2 * (1 + STEP)) - S) / STEP
    image = mixed(S, cut.f) + cut.texture * mixed(slope, cut.f)
    # the scale of the whole volume, from every fourth voxel along each axis
    seen = torch.tensordot(S, head.coarse.float() / 255, 1)[inside[COARSE]]
    top = torch.quantile(seen[:200_000], side.high / 100)
    image = image / top.clamp_min(1e-6)
    if how.snr is None:
        return image
    image = blurred(image, within(*how.blur, rng))
    image = image * shading(image, within(*how.shading, rng), rng)
    sigma = 1 / within(*how.snr, rng)
    noise = torch.randn((2, *image.shape), generator=rng).to(image) * sigma * 0.6
    image = ((image + noise[0]) ** 2 + noise[1] ** 2).sqrt()
    if how.floor is not None and below(2, rng):
        lost = within(*how.floor, rng)
        image = ((image - lost) / (1 - lost)).clamp_min(0)
    return image * cut.mask if cut.bare else image


def map_of(name: str, head: Head, cut: Cut, B0: float | None = None) -> Tensor:
    """T1, T2 [s] or PD of this person at a field (None: its own)."""
    amount = mixed(head.PD, cut.f)
    if name == "PD":
        return amount
    rate = (
        mixed(head.PD / dict(zip(("T1", "T2"), head.at(B0), strict=True))[name], cut.f)
        / amount.clamp_min(1e-6)
        / (1 + cut.texture)
    )
    return torch.where(amount > 1e-3, 1 / rate.clamp_min(1e-3), torch.zeros_like(rate))


def mixed(weights: Tensor, f: Tensor) -> Tensor:
    """sum_t w_t f_t / 255;  f (t, ...) float, or uint8 of a whole head, which is then never held as float at once."""
    if f.is_floating_point():
        return torch.tensordot(weights / 255, f, 1)
    total = torch.zeros(f.shape[1:], device=f.device)
    for w, part in zip((weights / 255).tolist(), f, strict=True):
        total.add_(part, alpha=w)
    return total


def blurred(image: Tensor, sigma: float) -> Tensor:
    """By a Gaussian of sigma voxels along the last two axes."""
    if sigma < 0.1:
        return image
    r = torch.arange(-2.0, 3.0)
    kernel = torch.exp(-(r**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).to(image)
    flat = image.reshape(-1, 1, *image.shape[-2:])
    flat = F.conv2d(F.pad(flat, (2, 2, 2, 2), mode="replicate"), kernel[None, None, None])
    return F.conv2d(flat, kernel[None, None, :, None]).reshape(image.shape)


def shading(like: Tensor, depth: float, rng: torch.Generator) -> Tensor:
    """1 + depth times a smooth field of standard deviation 1, as is left after correction."""
    coarse = torch.randn((1, 1, 3, 3, 3), generator=rng) * depth
    size = like.shape if like.ndim == 3 else (1, *like.shape)
    return 1 + F.interpolate(coarse, size=tuple(size), mode="trilinear", align_corners=True)[0, 0].to(like)
