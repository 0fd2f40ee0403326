"""A loss in the features of a segmentation network: alike in what tissue they show, not only in their grey values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.unet import UNet


class FeatureLoss(nn.Module):
    """L = mean over levels of mean |phi_l(a) - phi_l(b)|, phi_l the encoder levels of a frozen segmentation U-Net.

    segmenter  a UNet that was trained in this project to name tissues (see train.segmenter); not changed

    The idea: Johnson et al., ECCV (2016), with a network that has learned anatomy instead of photographs.
    """

    def __init__(self, segmenter: UNet) -> None:
        super().__init__()
        self.segmenter = segmenter.eval().requires_grad_(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """a, b (n, d, h, w) or (n, d, x, y, z): every channel, and every slice across z, by itself."""
        flat = [(v if v.ndim == 4 else v.movedim(4, 1).flatten(0, 1)).flatten(0, 1)[:, None] for v in (a, b)]
        ours = encode(self.segmenter, flat[0])
        with torch.no_grad():
            theirs = encode(self.segmenter, flat[1])
        return torch.stack([(p - q).abs().mean() for p, q in zip(ours, theirs, strict=True)]).mean()


def encode(network: UNet, x: Tensor) -> list[Tensor]:
    """Answers of the levels of the encoder, each divided by the root of its mean square over channels."""
    found = []
    x = network.first(x)
    for n, blocks in enumerate(network.down):
        for block in blocks:
            x = block(x, None)
        found.append(x / (x.square().mean(1, keepdim=True).sqrt() + 1e-3))
        if n < len(network.shrink):
            x = network.shrink[n](x)
    return found
