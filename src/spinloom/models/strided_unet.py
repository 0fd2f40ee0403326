"""The U-Net of pix2pix and of the MRI CycleGAN: strided 4 x 4 convolutions down, transposed ones up, skips between.

Isola et al., CVPR (2017), appendix; with instance norm as in the T1-T2 CycleGAN, with batch norm as in the MRI-to-CT
pix2pix. Kept as the classic to compare with; `UNet` is the default.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.unet import CONV, pad

TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORM = {
    ("instance", 2): nn.InstanceNorm2d,
    ("instance", 3): nn.InstanceNorm3d,
    ("batch", 2): nn.BatchNorm2d,
    ("batch", 3): nn.BatchNorm3d,
}


class StridedUNet(nn.Module):
    """channels (64, 128, 256, 512, 512 ...) of the levels, each half as large as the one before."""

    def __init__(
        self,
        dims: int = 2,
        inputs: int = 1,
        outputs: int = 1,
        channels: tuple[int, ...] = (64, 128, 256, 512),
        norm: str = "instance",
        slope: float = 0.2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        conv, transposed = CONV[dims], TRANSPOSED[dims]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before = inputs
        for n, c in enumerate(channels):
            parts: list[nn.Module] = [conv(before, c, 4, stride=2, padding=1)]
            if 0 < n < len(channels) - 1:
                parts.append(_norm(norm, dims, c))
            self.down.append(nn.Sequential(*parts, nn.LeakyReLU(slope)))
            before = c
        for n in range(len(channels) - 1, -1, -1):
            given = channels[n] * (1 if n == len(channels) - 1 else 2)
            made = channels[n - 1] if n else outputs
            parts = [transposed(given, made, 4, stride=2, padding=1)]
            if n:
                parts += [_norm(norm, dims, made), nn.Dropout(dropout), nn.ReLU()]
            self.up.append(nn.Sequential(*parts))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, ...) -> (n, outputs, ...)"""
        size = x.shape[2:]
        x = pad(x, 2 ** len(self.down))
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
        kept.pop()
        for n, up in enumerate(self.up):
            x = up(x if n == 0 else torch.cat((x, kept.pop()), 1))
        return x[(..., *(slice(0, s) for s in size))]


def _norm(kind: str, dims: int, channels: int) -> nn.Module:
    return NORM[kind, dims](channels, affine=True)
