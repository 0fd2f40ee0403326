"""pix2pix and the conditional GAN for maps: a regression that also has to deceive a critic of patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.features import FeatureLoss
from spinloom.models.losses import CrossEntropy, Game, gradient_penalty
from spinloom.models.translator import Apply, Batch, Objective, Translator, direct, masked_mean


class Adversarial(Translator):
    """G: L_game(D(x, G(x))) + w1 |G - y| + wf L_feature;  D: L_game + wg gradient penalty. Isola et al. (2017).

    |.|            mean over the mask, and 0.05 of that over everything

    network        G: (n, c, ...) -> (n, d, ...)
    discriminator  D: it sees the pair (n, c + d, ...), as pix2pix says and source 2 forgot
    game           CrossEntropy(), LeastSquares() or Hinge()
    """

    def __init__(
        self,
        network: nn.Module,
        discriminator: nn.Module,
        *,
        game: Game | None = None,
        l1_weight: float = 100.0,
        feature: FeatureLoss | None = None,
        feature_weight: float = 10.0,
        penalty_weight: float = 0.0,
        critic_rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self.discriminator = network, discriminator
        self.critic_rate = critic_rate
        self.game = game or CrossEntropy()
        self.l1_weight, self.penalty_weight = l1_weight, penalty_weight
        self.feature, self.feature_weight = feature, feature_weight

    def objectives(self) -> tuple[Objective, ...]:
        critic = tuple(self.discriminator.parameters())
        return (
            Objective("generator", tuple(self.network.parameters()), self.generator_loss, game=True),
            Objective("discriminator", critic, self.discriminator_loss, True, self.critic_rate),
        )

    def generator_loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        made = self.network(batch.source)
        l1 = masked_mean((made - batch.target).abs(), batch.mask)
        game = self.game.generator(self.discriminator(torch.cat((batch.source, made), 1)))
        total = game + self.l1_weight * (l1 + 0.05 * (made - batch.target).abs().mean())
        parts = {"L1": l1, "game": game}
        if self.feature is not None:
            parts["feature"] = self.feature(made, batch.target)
            total = total + self.feature_weight * parts["feature"]
        return total, parts

    def discriminator_loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            made = self.network(batch.source)
        real, made = torch.cat((batch.source, batch.target), 1), torch.cat((batch.source, made), 1)
        game = self.game.discriminator(self.discriminator(real), self.discriminator(made))
        if not self.penalty_weight:
            return game, {"game": game}
        penalty = gradient_penalty(self.discriminator, real, made, rng)
        return game + self.penalty_weight * penalty, {"game": game, "penalty": penalty}

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return (apply or direct)(self.network, source)
