"""CycleGAN: two contrasts without pairs; Zhu et al., ICCV (2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spinloom.models.image_pool import ImagePool
from spinloom.models.losses import Game, LeastSquares, structure
from spinloom.models.translator import Apply, Batch, Objective, Translator, direct


class Cycle(Translator):
    """G: source -> target, F: back.

        L = game(D_t(G(x))) + game(D_s(F(y))) + wc (|F(G(x)) - x| + |G(F(y)) - y|)
            + wi (|G(y) - y| + |F(x) - x|) + ws (structure(x, G(x)) + structure(y, F(y)))

    forward_network, backward_network      G and F
    target_discriminator, source_discriminator   D_t and D_s, of one image each
    cycle_weight 10, identity_weight 5     as published (0.5 x 10)
    structure_weight                       keeps edges where they are, see losses.structure; 0: off
    critic_rate                            of learning, times the generators': above 1 where they deceive too easily
    pool                                   made images that the critics see again (50 in the paper)
    """

    def __init__(
        self,
        forward_network: nn.Module,
        backward_network: nn.Module,
        target_discriminator: nn.Module,
        source_discriminator: nn.Module,
        *,
        game: Game | None = None,
        cycle_weight: float = 10.0,
        identity_weight: float = 5.0,
        structure_weight: float = 0.0,
        pool: int = 50,
        critic_rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self.backward_network = forward_network, backward_network
        self.target_discriminator, self.source_discriminator = target_discriminator, source_discriminator
        self.game = game or LeastSquares()
        self.cycle_weight, self.identity_weight, self.structure_weight = cycle_weight, identity_weight, structure_weight
        self.critic_rate = critic_rate
        self.target_pool, self.source_pool = ImagePool(pool), ImagePool(pool)

    def objectives(self) -> tuple[Objective, ...]:
        makers = (*self.network.parameters(), *self.backward_network.parameters())
        critics = (*self.target_discriminator.parameters(), *self.source_discriminator.parameters())
        return (
            Objective("generators", makers, self.generator_loss, game=True),
            Objective("discriminators", critics, self.discriminator_loss, True, self.critic_rate),
        )

    def generator_loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        x, y = batch.source, batch.target
        G, F = self.network, self.backward_network
        there, back = G(x), F(y)
        game = self.game.generator(self.target_discriminator(there)) + self.game.generator(
            self.source_discriminator(back)
        )
        cycle = (F(there) - x).abs().mean() + (G(back) - y).abs().mean()
        total = game + self.cycle_weight * cycle
        parts = {"game": game, "cycle": cycle}
        if self.identity_weight and x.shape[1] == y.shape[1]:
            parts["identity"] = (G(y) - y).abs().mean() + (F(x) - x).abs().mean()
            total = total + self.identity_weight * parts["identity"]
        if self.structure_weight:
            parts["structure"] = structure(x, there) + structure(y, back)
            total = total + self.structure_weight * parts["structure"]
        return total, parts

    def discriminator_loss(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            there, back = self.network(batch.source), self.backward_network(batch.target)
        there, back = self.target_pool(there, rng), self.source_pool(back, rng)
        target = self.game.discriminator(self.target_discriminator(batch.target), self.target_discriminator(there))
        source = self.game.discriminator(self.source_discriminator(batch.source), self.source_discriminator(back))
        return target + source, {"target": target, "source": source}

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return (apply or direct)(self.network, source)

    def sample_back(self, target: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        """target (n, d, ...) -> source (n, c, ...)"""
        return (apply or direct)(self.backward_network, target)

    def turned(self) -> Cycle:
        """The same networks the other way: target -> source."""
        return Cycle(
            self.backward_network, self.network, self.source_discriminator, self.target_discriminator, game=self.game,
            cycle_weight=self.cycle_weight, identity_weight=self.identity_weight,
            structure_weight=self.structure_weight, pool=self.target_pool.size, critic_rate=self.critic_rate,
        )  # fmt: skip
