"""A segmentation network trained in the project, on simulated slices of any contrast, for the feature loss."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.rng import stream
from spinloom.files import atomic
from spinloom.models.unet import Shape, UNet
from spinloom.train.acquisitions import CONTRASTS
from spinloom.train.examples import Place, below
from spinloom.train.heads import Head
from spinloom.train.simulated import blurred
from spinloom.translate.devices import placed
from spinloom.translate.plan import Network

CLASSES = (("csf",), ("grey_matter", "deep_grey_matter"), ("white_matter",))
"""Tissues of the classes; the rest is the last class."""
SHAPE = Shape(2, 1, len(CLASSES) + 1, (16, 32, 64, 64))
WINDOW = Network(slices=1, patch=(96, 96))


def trained_segmenter(heads: Sequence[Head], seconds: float, path: Path, *, seed: int = 0, device: str = "cpu") -> UNet:
    """The network kept at `path`, else one trained for so long and kept there.

    L = cross entropy between its answer and the tissues' fractions, on slices of random contrast and random view.
    """
    network = UNet(SHAPE)
    if path.exists():
        with safe_open(path, "pt") as kept:
            network.load_state_dict({k: kept.get_tensor(k) for k in kept.keys()})  # noqa: SIM118
        return network.eval()
    torch.manual_seed(seed)
    placed(network, device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    start, step, loss = time.monotonic(), 0, torch.zeros(())
    while time.monotonic() - start < seconds:
        rng = torch.Generator().manual_seed(int(stream(seed, "segmenter", step).integers(2**62)))
        pairs = [slice_of(heads[below(len(heads), rng)], rng) for _ in range(8)]
        image, fractions = (torch.stack(side).to(device) for side in zip(*pairs, strict=True))
        loss = -(fractions * F.log_softmax(network(image), 1)).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
    told = {"steps": step, "cross entropy": float(loss.detach()), "heads": len(heads)}
    state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    atomic.write_bytes(path, save(state, {"spinloom": json.dumps(told)}))
    return network.eval()


def slice_of(head: Head, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """image (1, h, w) of a random contrast, scaled to about 1;  fractions (classes, h, w) of the tissues."""
    bare = below(2, rng)
    inside = head.brain if bare else head.whole
    place = Place.drawn(head.places[bare], inside.shape, WINDOW, below(3, rng), rng)
    f = place.cut(head.fractions, WINDOW).float() / 255 * place.cut(inside[None], WINDOW).float()
    contrast = list(CONTRASTS.values())[below(len(CONTRASTS), rng)]
    image = torch.tensordot(head.PD * contrast(rng)(head.T1, head.T2), f, 1)[None]
    image = blurred(image / image.quantile(0.995).clamp_min(1e-6), 0.4 * float(torch.rand((), generator=rng)))
    image = image + 0.02 * torch.randn(image.shape, generator=rng)
    parts = [f[[head.names.index(n) for n in names if n in head.names]].sum(0) for names in CLASSES]
    known = torch.stack(parts)
    return image, torch.cat((known, (1 - known.sum(0, keepdim=True)).clamp_min(0)))
