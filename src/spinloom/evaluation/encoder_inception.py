"""Inception-v3 as FID knows it: slices → 2048 numbers after its last pool.

Two sets of weights go by the same names. Those of FID (TensorFlow's of 2015-12-05, 1008 classes) were trained with
averages that leave the padding out, and with a maximum in the last block; those of torchvision (1000 classes) with
averages that count it. Only the first give FID and KID.

Szegedy et al., CVPR (2016), arXiv:1512.00567; Heusel et al., NeurIPS (2017), arXiv:1706.08500.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, relu

FEATURES, SIDE = 2048, 299
CLASSES_OF_FID, CLASSES_OF_TORCHVISION = 1008, 1000
Size = int | tuple[int, int]
Pool = Callable[[Tensor], Tensor]


def average(x: Tensor) -> Tensor:
    """3 x 3 about each place, padding left out."""
    return avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def padded_average(x: Tensor) -> Tensor:
    """3 x 3 about each place, zeros of the padding counted."""
    return avg_pool2d(x, 3, stride=1, padding=1)


def maximum(x: Tensor) -> Tensor:
    """3 x 3 about each place."""
    return max_pool2d(x, 3, stride=1, padding=1)


def reduced(x: Tensor) -> Tensor:
    """Maxima of 3 x 3, every other place."""
    return max_pool2d(x, 3, 2)


class Unit(nn.Module):  # type: ignore[misc]
    """Convolution, batch normalisation with stored moments, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: Size, stride: int = 1, padding: Size = 0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv(x)))


Layer = tuple[str, int, Size, int, Size]
"""A unit: name, outputs, size, stride, padding."""
Plan = tuple[tuple[Layer, ...], ...]
"""Steps one after another; the units of a step stand side by side, their outputs one after another in channels."""


class Block(nn.Module):  # type: ignore[misc]
    """Branches side by side, their outputs one after another in channels.

    plans  one per branch
    pool   goes before the last branch, which is the pool alone where its plan is empty
    """

    def __init__(self, inputs: int, plans: tuple[Plan, ...], pool: Pool):
        super().__init__()
        self.plans, self.pool = plans, pool
        for plan in plans:
            channels = inputs
            for step in plan:
                for name, outputs, size, stride, padding in step:
                    setattr(self, name, Unit(channels, outputs, size, stride, padding))
                channels = sum(layer[1] for layer in step)

    def forward(self, x: Tensor) -> Tensor:
        inputs = [x] * (len(self.plans) - 1) + [self.pool(x)]
        return torch.cat([self._branch(plan, y) for plan, y in zip(self.plans, inputs, strict=True)], 1)

    def _branch(self, plan: Plan, x: Tensor) -> Tensor:
        for step in plan:
            x = torch.cat([getattr(self, layer[0])(x) for layer in step], 1)
        return x


def point(name: str, outputs: int) -> tuple[Layer]:
    """One unit of 1 x 1."""
    return ((name, outputs, 1, 1, 0),)


def square(name: str, outputs: int, size: int = 3, stride: int = 1) -> tuple[Layer]:
    """One unit of size x size; with a stride, without padding."""
    return ((name, outputs, size, stride, size // 2 if stride == 1 else 0),)


def wide(name: str, outputs: int, size: int = 7) -> tuple[Layer]:
    """One unit of 1 x size."""
    return ((name, outputs, (1, size), 1, (0, size // 2)),)


def tall(name: str, outputs: int, size: int = 7) -> tuple[Layer]:
    """One unit of size x 1."""
    return ((name, outputs, (size, 1), 1, (size // 2, 0)),)


def block_a(inputs: int, pooled: int, pool: Pool) -> Block:
    five = (point("branch5x5_1", 48), square("branch5x5_2", 64, 5))
    double = (point("branch3x3dbl_1", 64), square("branch3x3dbl_2", 96), square("branch3x3dbl_3", 96))
    return Block(inputs, ((point("branch1x1", 64),), five, double, (point("branch_pool", pooled),)), pool)


def block_b(inputs: int) -> Block:
    double = (point("branch3x3dbl_1", 64), square("branch3x3dbl_2", 96), square("branch3x3dbl_3", 96, stride=2))
    return Block(inputs, ((square("branch3x3", 384, stride=2),), double, ()), reduced)


def block_c(inputs: int, n: int, pool: Pool) -> Block:
    single = (point("branch7x7_1", n), wide("branch7x7_2", n), tall("branch7x7_3", 192))
    double = (
        point("branch7x7dbl_1", n),
        tall("branch7x7dbl_2", n),
        wide("branch7x7dbl_3", n),
        tall("branch7x7dbl_4", n),
        wide("branch7x7dbl_5", 192),
    )
    return Block(inputs, ((point("branch1x1", 192),), single, double, (point("branch_pool", 192),)), pool)


def block_d(inputs: int) -> Block:
    three = (point("branch3x3_1", 192), square("branch3x3_2", 320, stride=2))
    seven = (
        point("branch7x7x3_1", 192),
        wide("branch7x7x3_2", 192),
        tall("branch7x7x3_3", 192),
        square("branch7x7x3_4", 192, stride=2),
    )
    return Block(inputs, (three, seven, ()), reduced)


def block_e(inputs: int, pool: Pool) -> Block:
    three = (point("branch3x3_1", 384), wide("branch3x3_2a", 384, 3) + tall("branch3x3_2b", 384, 3))
    fork = wide("branch3x3dbl_3a", 384, 3) + tall("branch3x3dbl_3b", 384, 3)
    double = (point("branch3x3dbl_1", 448), square("branch3x3dbl_2", 384), fork)
    return Block(inputs, ((point("branch1x1", 320),), three, double, (point("branch_pool", 192),)), pool)


class Inception(nn.Module):  # type: ignore[misc]
    """(n, 3, height, width) in [0, 1] → (n, 2048); bilinear to 299 x 299 without antialiasing, then to [-1, 1].

    pool, last  of the blocks at one resolution, and of the last one
    """

    num_features = FEATURES

    def __init__(self, pool: Pool = average, last: Pool = maximum):
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c = block_a(192, 32, pool), block_a(256, 64, pool)
        self.Mixed_5d, self.Mixed_6a = block_a(288, 64, pool), block_b(288)
        self.Mixed_6b, self.Mixed_6c = block_c(768, 128, pool), block_c(768, 160, pool)
        self.Mixed_6d, self.Mixed_6e = block_c(768, 160, pool), block_c(768, 192, pool)
        self.Mixed_7a = block_d(768)
        self.Mixed_7b, self.Mixed_7c = block_e(1280, pool), block_e(2048, last)

    def forward(self, x: Tensor) -> Tensor:
        x = 2 * interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False) - 1
        for name, layer in self.named_children():
            if name in ("Conv2d_3b_1x1", "Mixed_5b"):
                x = reduced(x)
            x = layer(x)
        return x.mean((2, 3))
