"""Refinement: a regression first, then a few steps of flow from its answer to an image with all its texture.

Ohayon et al., "Posterior-mean rectified flow" (PMRF, 2024).
"""

from __future__ import annotations

import torch
from torch import Tensor

from spinloom.models.diffusion import Diffusion
from spinloom.models.regression import Regression
from spinloom.models.translator import Apply, Batch, Objective, Translator


class Refinement(Translator):
    """sample = flow from f(source), f a regression that learns beside it and is not changed by the flow's loss.

    flow  a Diffusion on the path FromStart; its network sees source and x_t
    """

    def __init__(self, regression: Regression, flow: Diffusion) -> None:
        super().__init__()
        self.regression, self.flow = regression, flow

    def objectives(self) -> tuple[Objective, ...]:
        own = Objective("refinement", tuple(self.flow.network.parameters()), self.loss)
        return (*self.regression.objectives(), own)

    def loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            start = self.flow.scaled(self.regression(batch.source))
        return self.flow.path_loss(batch.source, batch.target, batch.mask, start, rng)

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        first = self.regression.sample(source, rng, apply)
        return self.flow.path_sample(source, self.flow.scaled(first), rng, apply)
