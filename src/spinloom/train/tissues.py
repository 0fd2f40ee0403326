"""A small U-Net that tells tissues apart, trained for a number of steps; the same numbers for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinloom.core.errors import MachineError
from spinloom.models.overlap_loss import segmentation_loss
from spinloom.models.unet import Shape, UNet
from spinloom.train.labelled import CLASSES, Labelled, sample
from spinloom.translate.devices import placed

BATCH = 16
"""Slices answered at once."""


@dataclass(frozen=True)
class Schedule:
    """steps of AdamW, its rate falling from `rate` to 0 along half a cosine;  batch slices, each of a size."""

    steps: int
    rate: float = 2e-3
    batch: int = 4
    size: tuple[int, int] = (96, 112)
    channels: tuple[int, ...] = (8, 16, 32, 64)


@dataclass(frozen=True, eq=False)
class Learnt:
    """network in evaluation mode;  losses of every step;  kept: weights on the way, if they were asked for."""

    network: UNet
    losses: tuple[float, ...]
    kept: dict[str, Tensor] | None = None


def new_network(channels: tuple[int, ...], seed: int) -> UNet:
    """Weights drawn from the seed alone, whatever else draws numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(Shape(2, 1, len(CLASSES), channels))


def learn(
    network: UNet,
    sources: Sequence[Sequence[Labelled]],
    how: Schedule,
    seed: int,
    *,
    keep_at: int | None = None,
    device: str = "cpu",
    say: Callable[[int, float], None] = lambda step, loss: None,
) -> Learnt:
    """Train the network on random slices of scans; each batch takes as much from one source as from another.

    keep_at  also keep the weights after so many steps, at a rate above 0: what is to be tuned further

    Raises MachineError if the loss is no number.
    """
    placed(network, device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=1e-4)
    rng = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    kept: dict[str, Tensor] | None = None
    for step in range(how.steps):
        for group in optimiser.param_groups:
            group["lr"] = how.rate * 0.5 * (1 + math.cos(math.pi * step / how.steps))
        counts = [how.batch // len(sources) + (n < how.batch % len(sources)) for n in range(len(sources))]
        parts = [sample(s, how.size, n, rng) for s, n in zip(sources, counts, strict=True) if n]
        image, shares = (torch.cat(side).to(device) for side in zip(*parts, strict=True))
        loss = segmentation_loss(network(image), shares)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise MachineError(f"the loss became {losses[-1]} at step {step}", remedy="Lower the rate.")
        if step + 1 == keep_at:
            kept = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
        say(step + 1, losses[-1])
    return Learnt(network.eval(), tuple(losses), kept)


@torch.inference_mode()
def segmented(network: UNet, image: NDArray[np.float32], device: str = "cpu") -> NDArray[np.uint8]:
    """The likeliest class of every voxel, axial slice by slice;  image (x, y, z) scaled -> (x, y, z) uint8"""
    slices = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[:, None]
    answers: list[Tensor] = [network(part.to(device)).argmax(1).to(torch.uint8).cpu() for part in slices.split(BATCH)]
    return np.asarray(torch.cat(answers).permute(1, 2, 0).numpy())
