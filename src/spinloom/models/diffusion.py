"""Diffusion, flow and bridges: one training function and one sampler for every path."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.paths import Path, VariancePreserving
from spinloom.models.predictions import Prediction, Velocity
from spinloom.models.samplers import DDIM, Sampler, Way
from spinloom.models.translator import Apply, Batch, Objective, Translator, direct, masked_mean, normal


class Diffusion(Translator):
    """p(target | source) by a network that estimates the target on the path x_t = a target + b source + s noise.

    L = mean of (f(x_t, source, t) - asked)^2, weight 0.05 outside the mask,  see predictions for what is asked.

    network     f: (n, c + d, ...), t (n,) -> (n, d, ...): source and scaled x_t as channels
    outputs     d
    path        where x_t goes: VariancePreserving, FewSteps, VarianceExploding, Flow, Bridge, FromStart
    prediction  what the network is asked for: Noise, Clean, Velocity, Drift, Preconditioned
    sampler     DDIM(steps, eta) or Heun(steps)
    stack       channels of each source in training: its middle slice and neighbours. Paths that begin at the source
                begin at the middle ones of the first d sources
    residual    whether the network is asked for what the start lacks: for targets much like it (paths with a start and
                the prediction Clean only)
    span        targets of `span` (low, high) become -1 ... 1; the estimate is kept within twice that

    Ho et al. (2020), Karras et al. (2022), Lipman et al. (2023), Li et al. (2023); conditioned by concatenation.
    """

    def __init__(
        self,
        network: nn.Module,
        outputs: int = 1,
        *,
        path: Path | None = None,
        prediction: Prediction | None = None,
        sampler: Sampler | None = None,
        stack: int = 1,
        residual: bool = False,
        span: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        super().__init__()
        self.network, self.outputs, self.stack, self.residual, self.span = network, outputs, stack, residual, span
        self.path = path or VariancePreserving()
        self.prediction = prediction or Velocity()
        self.sampler = sampler or DDIM()

    def objectives(self) -> tuple[Objective, ...]:
        return (Objective("diffusion", tuple(self.network.parameters()), self.loss),)

    def loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return self.path_loss(batch.source, batch.target, batch.mask, self.start(batch.source, self.stack), rng)

    def path_loss(
        self, source: Tensor, target: Tensor, mask: Tensor, start: Tensor | None, rng: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        target = self.scaled(target)
        t = self.path.draw(len(target), rng).to(target.device)
        noise = normal(target, rng)
        a, b, s = (v.to(target.dtype)[(..., *(None,) * (target.ndim - 1))] for v in self.path.abs(t))
        x = a * target + s * noise + (0 if start is None else b * start)
        error = (self._asked(source, x, t, start) - self.prediction.asked(target, noise, a, s)).square()
        loss = masked_mean(error, 0.05 + 0.95 * mask)
        return loss, {"MSE": loss}

    def estimate(self, source: Tensor, x: Tensor, start: Tensor | None, t: Tensor) -> Tensor:
        """The target (scaled) that x_t and source speak for."""
        a, b, s = (v.to(x.device, torch.float64)[(..., *(None,) * (x.ndim - 1))] for v in self.path.abs(t))
        own = x.double() - (0 if start is None else b * start.double())
        found = self.prediction.target(self._asked(source, x, t, start).double(), own, a, s)
        return found.clamp(-2, 2).to(x.dtype)

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return self.path_sample(source, self.start(source, 1 if apply else self.stack), rng, apply)

    def path_sample(self, source: Tensor, start: Tensor | None, rng: torch.Generator, apply: Apply | None) -> Tensor:
        over = apply or direct

        def estimate(x: Tensor, t: Tensor) -> Tensor:
            def network(part: Tensor, x: Tensor, *start: Tensor) -> Tensor:
                return self.estimate(part, x, start[0] if start else None, t[:1].expand(len(x)))

            return over(network, source, x) if start is None else over(network, source, x, start)

        like = source[:, :1].expand(-1, self.outputs, *source.shape[2:])
        return self.unscaled(self.sampler(Way(self.path, estimate, start, rng), like))

    def start(self, source: Tensor, stack: int) -> Tensor | None:
        """Where paths that begin at the source begin; stack: channels of each source in this tensor."""
        if not self.path.starts_at_source:
            return None
        return self.scaled(source[:, stack // 2 :: stack][:, : self.outputs])

    def scaled(self, target: Tensor) -> Tensor:
        low, high = self.span
        return (target - low) * (2 / (high - low)) - 1

    def unscaled(self, x: Tensor) -> Tensor:
        low, high = self.span
        return low + (x + 1) * ((high - low) / 2)

    def _asked(self, source: Tensor, x: Tensor, t: Tensor, start: Tensor | None) -> Tensor:
        a, _, s = (v.to(x.device, x.dtype)[(..., *(None,) * (x.ndim - 1))] for v in self.path.abs(t))
        found = self.network(torch.cat((source, x * self.prediction.input_scale(a, s)), 1), t)
        return found + start if self.residual and start is not None else found
