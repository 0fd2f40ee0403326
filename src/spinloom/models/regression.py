"""Regression: one network, one answer, the masked mean absolute error."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.features import FeatureLoss
from spinloom.models.translator import Apply, Batch, Objective, Translator, direct, masked_mean


class Regression(Translator):
    """y = f(x), trained by  L = mean over the mask of |f(x) - y| + w L_feature.

    network   f: (n, c, ...) -> (n, d, ...)
    residual  channel of x to which f's answer is added (super-resolution: what the source lacks); None: none
    feature   a FeatureLoss and its weight w; None: none
    outside   weight of what lies outside the mask
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        residual: int | None = None,
        feature: FeatureLoss | None = None,
        feature_weight: float = 0.1,
        outside: float = 0.05,
    ) -> None:
        super().__init__()
        self.network = network
        self.residual, self.outside = residual, outside
        self.feature, self.feature_weight = feature, feature_weight

    def forward(self, source: Tensor) -> Tensor:
        made = self.network(source)
        return made if self.residual is None else made + source[:, self.residual : self.residual + 1]

    def objectives(self) -> tuple[Objective, ...]:
        return (Objective("regression", tuple(self.network.parameters()), self.loss),)

    def loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        made = self(batch.source)
        error = (made - batch.target).abs()
        l1 = masked_mean(error, batch.mask)
        total = l1 + self.outside * error.mean()
        parts = {"L1": l1}
        if self.feature is not None:
            parts["feature"] = self.feature(made, batch.target)
            total = total + self.feature_weight * parts["feature"]
        return total, parts

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return (apply or direct)(self, source)
