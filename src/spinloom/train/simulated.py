"""Simulated samples on the fly: phantom → random acquisitions → images, with no patient's data."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.errors import UsageError, nearest
from spinloom.models.translator import Batch
from spinloom.train.acquisitions import CONTRASTS, within
from spinloom.train.augment import augmented
from spinloom.train.examples import Examples, Place, below
from spinloom.train.heads import Head
from spinloom.translate.plan import Plan, Side

MAPS = ("T1", "T2", "PD")
STEP = 0.05
"""Relative change of T1 and T2 by which the effect of texture is measured."""


class Simulated(Examples):
    """Slices or patches of heads; sources under a protocol drawn anew for every sample, targets under the usual one.

        image = sum_t f_t PD_t (S_t + x dS_t/dx),   x the texture of T1 and T2, to first order

    then a slight blur, coil shading, and noise (Rician) of SNR 15 to 80; scaled as scans are, by the foreground. Every
    second sample is stripped to the brain. Maps are the amount-weighted means of rates, without noise.

    Raises UsageError for contrasts that no closed form makes.
    """

    def __init__(self, heads: Sequence[Head], plan: Plan) -> None:
        self.heads, self.plan = tuple(heads), plan
        for side in (*plan.source, *plan.target):
            known = (*CONTRASTS, *MAPS)
            if side.contrast not in CONTRASTS and side.quantity not in MAPS:
                raise UsageError(f"'{side.contrast}' cannot be simulated", remedy=nearest(side.contrast, known))

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        samples = [self._one(rng) for _ in range(count)]
        batch = Batch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))
        return augmented(batch, self.plan, rng) if self.plan.training.augment else batch

    def _one(self, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        head = self.heads[below(len(self.heads), rng)]
        stripped = below(2, rng)
        inside = head.brain if stripped else head.whole
        net = self.plan.network
        place = Place.drawn(head.places[stripped], inside.shape, net, net.views[below(len(net.views), rng)], rng)
        t, size = len(head.fractions), (net.slices, *net.patch) if net.dims == 2 else net.patch
        f = place.cut(head.fractions, net, neighbours=True).reshape(t, *size).float() / 255
        x = place.cut(head.texture[None], net, neighbours=True).reshape(size).float()
        mask = place.cut(inside[None], net, neighbours=True).reshape(size).float()
        f = f * mask
        sides = [*self.plan.source, *self.plan.target]
        images = [
            self._image(side, head, inside, f, x, mask, rng, is_source=n < len(self.plan.source))
            for n, side in enumerate(sides)
        ]
        k = len(self.plan.source)
        middle = net.slices // 2
        if net.dims == 2:
            source = torch.cat(images[:k])
            target = torch.stack([i[middle] for i in images[k:]])
            return source, target, mask[middle][None]
        return torch.stack(images[:k]), torch.stack(images[k:]), mask[None]

    def _image(
        self,
        side: Side,
        head: Head,
        inside: Tensor,
        f: Tensor,
        x: Tensor,
        mask: Tensor,
        rng: torch.Generator,
        *,
        is_source: bool,
    ) -> Tensor:
        """(slices, h, w) or (x, y, z), scaled as the plan says."""
        if side.quantity in MAPS:
            return (self._map(side.quantity, head, f, x) - side.low) / (side.high - side.low)
        signal = CONTRASTS[side.contrast](rng if is_source else None)
        S = head.PD * signal(head.T1, head.T2)
        slope = (head.PD * signal(head.T1 * (1 + STEP), head.T2 * (1 + STEP)) - S) / STEP
        image = torch.tensordot(S, f, 1) + x * torch.tensordot(slope, f, 1)
        # the scale of the whole volume, from every fourth voxel along each axis
        coarse = (slice(None, None, 4),) * 3
        seen = torch.tensordot(S, head.fractions[(slice(None), *coarse)].float() / 255, 1)[inside[coarse]]
        top = torch.quantile(seen[:200_000], side.high / 100)
        image = image / top.clamp_min(1e-6)
        if not is_source:
            return image
        image = blurred(image, within(0.0, 0.5, rng))
        image = image * shading(image, within(0.0, 0.15, rng), rng)
        sigma = 1 / within(15, 80, rng)
        noise = torch.randn((2, *image.shape), generator=rng) * sigma * 0.6
        return ((image + noise[0]) ** 2 + noise[1] ** 2).sqrt() * mask

    def _map(self, name: str, head: Head, f: Tensor, x: Tensor) -> Tensor:
        amount = torch.tensordot(head.PD, f, 1)
        if name == "PD":
            return amount
        rate = torch.tensordot(head.PD / getattr(head, name), f, 1) / amount.clamp_min(1e-6) / (1 + x)
        return torch.where(amount > 1e-3, 1 / rate.clamp_min(1e-3), torch.zeros_like(rate))


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
