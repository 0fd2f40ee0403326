"""A pool of images made earlier, so that critics do not forget; Shrivastava et al., CVPR (2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Once full, every second image is exchanged for one made earlier. What is in it is kept on resuming."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.kept: list[Tensor] = []

    def forward(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """(n, c, ...) -> (n, c, ...)"""
        if not self.size:
            return images
        out = []
        for image in images.detach():
            if len(self.kept) < self.size:
                self.kept.append(image.clone())
                out.append(image)
            elif torch.rand((), generator=rng, device=rng.device) < 0.5:
                place = int(torch.randint(self.size, (), generator=rng, device=rng.device))
                out.append(self.kept[place].to(image))  # a state that was read lies on the CPU
                self.kept[place] = image.clone()
            else:
                out.append(image)
        return torch.stack(out)

    def get_extra_state(self) -> Tensor:
        return torch.stack(self.kept) if self.kept else torch.empty(0)

    def set_extra_state(self, state: Tensor) -> None:
        self.kept = list(state) if state.numel() else []
