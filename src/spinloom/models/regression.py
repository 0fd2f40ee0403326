"""Regression: one network, one answer, the masked mean absolute error (smooth near 0 where asked for)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.features import FeatureLoss
from spinloom.models.translator import Apply, Batch, Objective, Translator, direct, masked_mean


class Regression(Translator):
    """y = u f(x), trained by  L = mean over the mask of |u f(x) - y| + w L_feature.

    network   f: (n, c, ...) -> (n, d, ...)
    residual  channel of x to which f's answer is added (super-resolution: what the source lacks); None: none
    feature   a FeatureLoss and its weight w; None: none
    outside   weight of what lies outside the mask
    smooth    error below which it counts as its square, |e|^2 / (2 smooth) for |e| - smooth / 2 (Huber, 1964); 0: none.
              Where most voxels have almost one value (soft tissue in HU), signs alone hold the answer at that value
    unit      what 1 of the network's answer stands for: small where small differences count, for steps of the weights
              move its answer by about as much whatever it stands for
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        residual: int | None = None,
        feature: FeatureLoss | None = None,
        feature_weight: float = 0.1,
        outside: float = 0.05,
        smooth: float = 0.0,
        unit: float = 1.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.residual, self.outside, self.smooth, self.unit = residual, outside, smooth, unit
        self.feature, self.feature_weight = feature, feature_weight

    def forward(self, source: Tensor, told: Tensor | None = None) -> Tensor:
        made = self.unit * (self.network(source) if told is None else self.network(source, None, told))
        return made if self.residual is None else made + source[:, self.residual : self.residual + 1]

    def objectives(self) -> tuple[Objective, ...]:
        return (Objective("regression", tuple(self.network.parameters()), self.loss),)

    def loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        made = self(batch.source, batch.told)
        error = (made - batch.target).abs()
        parts = {"L1": masked_mean(error, batch.mask)}
        if self.smooth:
            error = torch.where(error < self.smooth, error.square() / (2 * self.smooth), error - self.smooth / 2)
        total = masked_mean(error, batch.mask) + self.outside * error.mean()
        if self.feature is not None:
            parts["feature"] = self.feature(made, batch.target)
            total = total + self.feature_weight * parts["feature"]
        return total, parts

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return (apply or direct)(self, source)
