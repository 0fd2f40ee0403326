"""The GAN of heads: parts of a whole by construction, and players that pull where they should."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch

from spinloom.models.generator import Generator
from spinloom.models.latent_gan import LatentGAN
from spinloom.models.patchgan import PatchDiscriminator
from spinloom.models.translator import Batch


def gan(dims: int = 2) -> LatentGAN:
    torch.manual_seed(0)
    size = (16, 24, 16)[:dims]
    network = Generator(size, 5, 2, latent=4, channels=(8, 8, 16))
    return LatentGAN(network, PatchDiscriminator(dims, 7, 8, (2, 2), spectral=True))


def source(n: int, dims: int) -> torch.Tensor:
    return torch.full((n, 2, *(16, 24, 16)[:dims]), 0.3)


@pytest.mark.parametrize("dims", [2, 3])
def test_what_is_made_is_positive_and_sums_to_one(dims: int) -> None:
    made = gan(dims).sample(source(3, dims), torch.Generator().manual_seed(0))
    assert made.shape == (3, 5, *(16, 24, 16)[:dims])
    assert made.min() > 0
    torch.testing.assert_close(made.sum(1), torch.ones_like(made[:, 0]))


def test_noise_and_conditions_both_matter() -> None:
    one = gan()
    a, b = (one.sample(source(1, 2), torch.Generator().manual_seed(k)) for k in (0, 1))
    c = one.sample(-source(1, 2), torch.Generator().manual_seed(0))
    assert not torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(a, one.sample(source(1, 2), torch.Generator().manual_seed(0)))


def test_each_player_changes_its_own_weights_alone() -> None:
    one = gan()
    batch = Batch(source(2, 2), torch.rand(2, 5, 16, 24).softmax(1), torch.ones(2, 1, 16, 24))
    for player, name in zip(one.objectives(), ("network", "discriminator"), strict=True):
        own = {id(p) for p in player.parameters}
        assert own == {id(p) for p in getattr(one, name).parameters()}
        loss, _ = player.loss(batch, torch.Generator().manual_seed(0))
        assert torch.isfinite(loss)


def test_the_critic_learns_to_tell_apart_what_differs() -> None:
    one = gan()
    batch = Batch(source(4, 2), torch.eye(5)[torch.zeros(4, 16, 24, dtype=torch.long)].movedim(-1, 1), torch.ones(1))
    player = one.objectives()[1]
    optimiser = torch.optim.Adam(player.parameters, 1e-2)
    losses = []
    for step in range(30):
        optimiser.zero_grad()
        loss, _ = player.loss(batch, torch.Generator().manual_seed(step))
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]


def test_sizes_that_the_levels_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Generator((18, 24), 5, 2, channels=(8, 8, 16))
