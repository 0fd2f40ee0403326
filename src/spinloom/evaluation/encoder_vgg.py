"""VGG16 with torchvision's names: slices → features of five depths, a distance between them, and 512 pooled numbers.

    d(x, y) = 1/5 sum_l mean over places |u_l(x) - u_l(y)|^2,     u_l = f_l / |f_l|  over channels

f_l are the outputs of relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3. This is LPIPS with every weight the same and no
training on people's judgement, so it does not bear that name; d is 0 for equal images and 2 at most.

Simonyan & Zisserman, ICLR (2015), arXiv:1409.1556; Zhang et al., CVPR (2018), arXiv:1801.03924, eq. 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad, relu

FEATURES = 512
DEPTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Numbers of the convolutions among torchvision's `features`."""
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALLEST = 32
"""Pixels along a side that five depths need; smaller slices are continued with zeros."""


class VGG16(nn.Module):  # type: ignore[misc]
    """(n, 3, height, width) in [0, 1] → (n, 512): relu5_3, averaged over places."""

    num_features = FEATURES

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict()
        inputs, places = 3, iter(PLACES)
        for depth in DEPTHS:
            for outputs in depth:
                self.features[str(next(places))] = nn.Conv2d(inputs, outputs, 3, padding=1)
                inputs = outputs

    def depths(self, x: Tensor) -> list[Tensor]:
        """Outputs of relu1_2, 2_2, 3_3, 4_3 and 5_3: (n, channels, height / 2^l, width / 2^l)."""
        mean, sd = (x.new_tensor(v)[:, None, None] for v in (MEAN, SD))
        x = (x - mean) / sd
        short = [max(0, SMALLEST - n) for n in x.shape[2:]]
        x, layers = pad(x, (0, short[1], 0, short[0])), iter(self.features.values())
        found: list[Tensor] = []
        for depth in DEPTHS:
            x = max_pool2d(x, 2) if found else x
            for _ in depth:
                x = relu(next(layers)(x))
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.depths(x)[-1].mean((2, 3))

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """d of every slice of x (n, 3, height, width) from the same of y: (n,)."""
        apart = [
            (_unit(a) - _unit(b)).square().sum(1).mean((1, 2))
            for a, b in zip(self.depths(x), self.depths(y), strict=True)
        ]
        return torch.stack(apart).mean(0)


def _unit(f: Tensor) -> Tensor:
    return f / (f.square().sum(1, keepdim=True).sqrt() + 1e-10)
