"""A GAN that makes images out of a vector of noise: the baseline of generative families."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.generator import Generator
from spinloom.models.losses import Game, Hinge
from spinloom.models.translator import Apply, Batch, Objective, Translator


class LatentGAN(Translator):
    """G: L_game(D(c, G(z, c))), z ~ N(0, 1);  D: L_game, the images of one batch against each other.

    network        G: (n, latent + conditions) -> (n, d, ...)
    discriminator  D: (n, conditions + d, ...) -> logits; with spectral norm where it is to stay smooth
    game           Hinge() by default; Goodfellow et al. (2014), Lim & Ye (2017), Miyato et al. (2018)

    Sources are conditions, constant over each image: their mean is what the network is given.
    """

    def __init__(
        self, network: Generator, discriminator: nn.Module, *, game: Game | None = None, critic_rate: float = 1.0
    ) -> None:
        super().__init__()
        self.network, self.discriminator = network, discriminator
        self.game, self.critic_rate = game or Hinge(), critic_rate

    def objectives(self) -> tuple[Objective, ...]:
        critic = tuple(self.discriminator.parameters())
        return (
            Objective("generator", tuple(self.network.parameters()), self.generator_loss, game=True),
            Objective("discriminator", critic, self.discriminator_loss, True, self.critic_rate),
        )

    def generator_loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        made = self.made(batch.source, rng)
        game = self.game.generator(self.discriminator(torch.cat((batch.source, made), 1)))
        return game, {"game": game}

    def discriminator_loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            made = self.made(batch.source, rng)
        real, false = (self.discriminator(torch.cat((batch.source, y), 1)) for y in (batch.target, made))
        game = self.game.discriminator(real, false)
        return game, {"game": game}

    def made(self, source: Tensor, rng: torch.Generator) -> Tensor:
        c = source.flatten(2).mean(2)
        z = torch.randn((len(c), self.network.latent), generator=rng, device=rng.device).to(c)
        return self.network(torch.cat((z, c), 1))

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return self.made(source, rng)
