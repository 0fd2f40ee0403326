"""Networks: sizes, receptive fields, reversible blocks; and the games of GANs against their formulas."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.models.adversarial import Adversarial  # noqa: E402
from spinloom.models.average import Average  # noqa: E402
from spinloom.models.cycle import Cycle  # noqa: E402
from spinloom.models.diffusion import Diffusion  # noqa: E402
from spinloom.models.features import FeatureLoss  # noqa: E402
from spinloom.models.image_pool import ImagePool  # noqa: E402
from spinloom.models.losses import CrossEntropy, Hinge, LeastSquares, gradient_penalty, structure  # noqa: E402
from spinloom.models.patchgan import PatchDiscriminator  # noqa: E402
from spinloom.models.paths import FromStart  # noqa: E402
from spinloom.models.predictions import Clean  # noqa: E402
from spinloom.models.refinement import Refinement  # noqa: E402
from spinloom.models.regression import Regression  # noqa: E402
from spinloom.models.reversible import Reversible  # noqa: E402
from spinloom.models.samplers import DDIM  # noqa: E402
from spinloom.models.strided_unet import StridedUNet  # noqa: E402
from spinloom.models.translator import Batch, masked_mean  # noqa: E402
from spinloom.models.unet import Shape, UNet, pad  # noqa: E402


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [(17, 23), (8, 8), (5, 40)])
def test_any_size_goes_in_and_comes_out(size):
    x = torch.randn(2, 3, *size)
    assert UNet(Shape(2, 3, 2, (8, 16, 16)))(x).shape == (2, 2, *size)
    assert StridedUNet(2, 3, 2, (8, 16))(x).shape == (2, 2, *size)


def test_three_dimensions_with_time():
    network = UNet(Shape(3, 1, 1, (8, 8), time=True))
    for p in network.parameters():  # blocks start as the identity
        torch.nn.init.normal_(p, std=0.1)
    x = torch.randn(2, 1, 9, 10, 11)
    a, b = (network(x, torch.full((2,), t)) for t in (0.1, 0.9))
    assert a.shape == x.shape
    assert not torch.allclose(a, b)


def test_padding_keeps_what_is_there():
    x = torch.arange(15.0).reshape(1, 1, 3, 5)
    assert torch.equal(pad(x, 4)[..., :3, :5], x)
    assert pad(x, 4).shape == (1, 1, 4, 8)


@pytest.mark.parametrize(("strides", "voxels"), [((2, 2, 2, 1), 70), ((2, 2, 2, 2), 94), ((2, 1), 16)])
def test_one_logit_sees_as_many_voxels_as_the_formula_says(strides, voxels):
    critic = PatchDiscriminator(2, 1, 4, strides)
    assert critic.receptive_field == voxels
    for layer in critic.layers:  # normalisation sees everything: left out of the count
        if isinstance(layer, torch.nn.GroupNorm):
            layer.forward = lambda x: x
    x = torch.randn(1, 1, 4 * voxels, 4 * voxels, requires_grad=True)
    y = critic(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    seen = x.grad[0, 0].abs().sum(1) > 0
    assert int(seen.sum()) == voxels


def test_source_2s_patches():
    """15 x 15 logits for 256 x 256; the 70-voxel one has 30 x 30."""
    x = torch.randn(1, 1, 256, 256)
    assert PatchDiscriminator(2, 1, 4, (2, 2, 2, 2))(x).shape[2:] == (15, 15)
    assert PatchDiscriminator(2, 1, 4, (2, 2, 2, 1))(x).shape[2:] == (30, 30)


def test_reversible_blocks_are_undone_exactly():
    chain = Reversible(2, 8, 4).double()
    x = torch.randn(2, 8, 6, 7, dtype=torch.float64)
    torch.testing.assert_close(chain.inverse(chain.plain(x)), x, atol=1e-12, rtol=0)


def test_reversible_gradients_are_those_of_plain_backpropagation():
    chain = Reversible(3, 4, 3).double()
    x = torch.randn(1, 4, 3, 4, 5, dtype=torch.float64)
    found = []
    for way in (chain, chain.plain):
        given = x.clone().requires_grad_(True)
        chain.zero_grad()
        way(given).square().sum().backward()
        found.append([given.grad, *(p.grad.clone() for p in chain.parameters())])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)


def test_a_reversible_encoder_keeps_fewer_activations():
    """Saved tensors of the forward pass, counted by autograd's own hooks."""
    counts = []
    for reversible in (False, True):
        network = UNet(Shape(2, 1, 1, (8, 16), blocks=3, reversible=reversible))
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, kept=kept: kept.append(t.numel()) or t, lambda t: t):
            made = network(torch.rand(1, 1, 32, 32)).sum()
        made.backward()
        assert all(p.grad is not None for p in network.parameters())
        counts.append(sum(kept))
    assert counts[1] < 0.75 * counts[0]


def test_games_are_their_formulas():
    real, made = torch.tensor([[2.0]]), torch.tensor([[-0.5]])
    log = lambda v: math.log(1 / (1 + math.exp(-v)))  # noqa: E731
    assert CrossEntropy().discriminator(real, made).item() == pytest.approx((-log(2) - log(0.5)) / 2)
    assert CrossEntropy().generator(made).item() == pytest.approx(-log(-0.5))
    assert LeastSquares().discriminator(real, made).item() == pytest.approx((1 + 0.25) / 2)
    assert LeastSquares().generator(made).item() == pytest.approx(2.25)
    assert Hinge().discriminator(real, made).item() == pytest.approx((0 + 0.5) / 2)
    assert Hinge().generator(made).item() == pytest.approx(0.5)


def test_the_penalty_of_a_linear_critic_is_that_of_its_slope():
    critic = torch.nn.Linear(3, 1)
    slope = critic.weight.norm()
    found = gradient_penalty(critic, torch.randn(5, 3), torch.randn(5, 3), rng())
    assert found.item() == pytest.approx((slope.item() - 1) ** 2, rel=1e-5)


def test_structure_does_not_mind_contrast_but_minds_place():
    x = torch.rand(1, 1, 20, 20, generator=rng())
    assert structure(x, 3 - 2 * x).item() == pytest.approx(0, abs=1e-5)
    assert structure(x, x.roll(3, 2)).item() > 0.2


def test_the_pool_gives_back_what_was_made_and_keeps_it_on_resuming():
    pool, g = ImagePool(2), rng()
    first = torch.arange(2.0).reshape(2, 1, 1)
    assert torch.equal(pool(first, g), first)
    seen = {float(pool(torch.full((1, 1, 1), 10.0 + n), g)) for n in range(40)}
    assert {0.0, 1.0} & seen
    again = ImagePool(2)
    again.load_state_dict(pool.state_dict())
    assert torch.equal(torch.stack(again.kept), torch.stack(pool.kept))


def test_a_pool_that_was_read_from_disk_goes_to_where_the_images_are():
    pool = ImagePool(1)
    pool.load_state_dict({"_extra_state": torch.zeros(1, 1, 2, 2)})  # as read: on the CPU
    for seed in range(8):
        assert pool(torch.zeros(3, 1, 2, 2, device="meta"), rng(seed)).device.type == "meta"


def test_the_masked_mean_is_over_the_mask():
    values, mask = torch.tensor([[[1.0, 5.0, 9.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]])
    assert masked_mean(values, mask).item() == 3.0


def test_the_average_of_weights_follows_its_formula():
    layer = torch.nn.Linear(1, 1, bias=False)
    average = Average(layer, 0.9)
    start = layer.weight.item()
    with torch.no_grad():
        layer.weight.fill_(2.0)
    average.update(layer)
    r = 2 / 11
    assert average.module.weight.item() == pytest.approx(r * start + (1 - r) * 2)


def toy(n=4):
    x = torch.rand(n, 1, 16, 16, generator=rng(3))
    return Batch(x, 1 - x, torch.ones(n, 1, 16, 16))


def train(family, steps, rate=2e-3):
    optimisers = [torch.optim.Adam(o.parameters, rate) for o in family.objectives()]
    g = rng(1)
    first = None
    for _ in range(steps):
        for objective, optimiser in zip(family.objectives(), optimisers, strict=True):
            optimiser.zero_grad()
            loss, parts = objective.loss(toy(), g)
            loss.backward()
            optimiser.step()
            first = first or {k: v.item() for k, v in parts.items()}
    return first, family


@pytest.mark.parametrize("kind", ["regression", "pix2pix", "feature", "refinement"])
def test_a_family_learns_to_invert(kind):
    torch.manual_seed(0)
    network = UNet(Shape(2, 1, 1, (8, 8)))
    critic = PatchDiscriminator(2, 2, 4, (2, 1))
    if kind == "pix2pix":
        family = Adversarial(network, critic, penalty_weight=1.0)
    elif kind == "refinement":
        flow = Diffusion(
            UNet(Shape(2, 2, 1, (8, 8), time=True)),
            path=FromStart(0.1),
            prediction=Clean(),
            sampler=DDIM(3),
            residual=True,
        )
        family = Refinement(Regression(network), flow)
    else:
        family = Regression(network, feature=FeatureLoss(UNet(Shape(2, 1, 3, (8, 8)))) if kind == "feature" else None)
    train(family, 80, 4e-3)
    batch = toy()
    made = family.sample(batch.source, rng())
    assert (made - batch.target).abs().mean() < 0.25 * (batch.source - batch.target).abs().mean()


def test_a_refinement_begins_at_what_its_regression_has_learned():
    """Without noise and with a flow that adds nothing, the answer is the regression's."""
    torch.manual_seed(0)
    regression = Regression(UNet(Shape(2, 1, 1, (8, 8))))
    still = UNet(Shape(2, 2, 1, (8, 8), time=True))
    torch.nn.init.zeros_(still.last[-1].weight)
    torch.nn.init.zeros_(still.last[-1].bias)
    flow = Diffusion(still, path=FromStart(0.0), prediction=Clean(), sampler=DDIM(3), residual=True)
    family = Refinement(regression, flow)
    assert [o.name for o in family.objectives()] == ["regression", "refinement"]
    source = toy().source
    expected = regression.sample(source, rng()).clamp(-0.5, 1.5)  # as far as estimates go
    torch.testing.assert_close(family.sample(source, rng()), expected)


def test_a_cycle_turned_goes_the_other_way():
    torch.manual_seed(0)
    makers = [UNet(Shape(2, 1, 1, (8, 8))) for _ in range(2)]
    family = Cycle(*makers, *[PatchDiscriminator(2, 1, 4, (2, 1)) for _ in range(2)])
    x = toy().source
    assert torch.equal(family.turned().sample(x, rng()), family.sample_back(x, rng()))
    assert torch.equal(family.turned().turned().sample(x, rng()), family.sample(x, rng()))


def test_cycles_close_without_pairs():
    torch.manual_seed(0)
    makers = [UNet(Shape(2, 1, 1, (8, 8))) for _ in range(2)]
    critics = [PatchDiscriminator(2, 1, 4, (2, 1)) for _ in range(2)]
    first, family = train(Cycle(*makers, *critics, structure_weight=1.0), 40, 4e-3)
    _, parts = family.generator_loss(toy(), rng())
    assert parts["cycle"].item() < 0.5 * first["cycle"]
