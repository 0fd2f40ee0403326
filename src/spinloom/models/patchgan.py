"""PatchGAN: a discriminator that judges overlapping patches; Isola et al., CVPR (2017).

Strides (2, 2, 2, 1) see 70 voxels (the T1-T2 CycleGAN's), (2, 2, 2, 2) see 94 (the MRI-to-CT pix2pix's).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from spinloom.models.unet import CONV


class PatchDiscriminator(nn.Module):
    """inputs channels (of the pair, if it is conditional) -> (n, 1, ...) logits, one per patch.

    strides  of the layers but the last, which has stride 1
    width    channels of the first layer, doubled up to eight times
    spectral divides every weight by its largest singular value (Miyato et al., 2018)
    """

    def __init__(
        self,
        dims: int = 2,
        inputs: int = 2,
        width: int = 32,
        strides: tuple[int, ...] = (2, 2, 2, 1),
        spectral: bool = False,
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        wrap = spectral_norm if spectral else (lambda layer: layer)
        self.strides = strides
        layers: list[nn.Module] = []
        before = inputs
        for n, stride in enumerate(strides):
            now = width * min(2**n, 8)
            layers.append(wrap(conv(before, now, 4, stride=stride, padding=1)))
            if n:
                layers.append(nn.GroupNorm(now, now))
            layers.append(nn.LeakyReLU(0.2))
            before = now
        layers.append(wrap(conv(before, 1, 4, stride=1, padding=1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    @property
    def receptive_field(self) -> int:
        return receptive_field(self.strides)


def receptive_field(strides: tuple[int, ...], kernel: int = 4) -> int:
    """Voxels along an axis that one logit sees:  r = 1, then r = kernel + (r - 1) stride from the last layer back."""
    r = 1
    for stride in reversed((*strides, 1)):
        r = kernel + (r - 1) * stride
    return r
