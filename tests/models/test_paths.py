"""Paths, predictions and samplers against Gaussian data, whose posterior mean is known in closed form."""

import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.models.diffusion import Diffusion  # noqa: E402
from spinloom.models.paths import (  # noqa: E402
    Bridge,
    FewSteps,
    Flow,
    FromStart,
    VarianceExploding,
    VariancePreserving,
    non_uniform,
    uniform,
)
from spinloom.models.predictions import Clean, Drift, Noise, Preconditioned, Velocity  # noqa: E402
from spinloom.models.samplers import DDIM, Heun, Way  # noqa: E402
from spinloom.models.schedules import Cosine, Linear, Literal  # noqa: E402
from spinloom.models.translator import Batch  # noqa: E402

MEAN, SD, START = 0.7, 0.4, -1.3
N = 10_000


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def exact(path, start):
    """E[x0 | x_t] of x0 ~ N(m, c^2): m + a c^2 / (a^2 c^2 + s^2) (x_t - a m - b y)."""

    def estimate(x, t):
        a, b, s = path.at(float(t[0]))
        if a == s == 0:  # nothing of the target is left to see
            return torch.full_like(x, MEAN)
        return MEAN + a * SD**2 / (a**2 * SD**2 + s**2) * (x - a * MEAN - b * (0 if start is None else START))

    return estimate


WAYS = [
    (VariancePreserving(Linear()), DDIM(250)),
    (VariancePreserving(Linear()), DDIM(250, eta=1.0)),
    (VariancePreserving(Cosine()), DDIM(250)),
    (VariancePreserving(Cosine()), Heun(60)),
    (VarianceExploding(), DDIM(300)),
    (VarianceExploding(), Heun(40)),
    (VarianceExploding(), DDIM(250, eta=1.0)),
    (Flow(), DDIM(300)),
    (Flow(), Heun(30)),
    (Flow(), DDIM(250, eta=1.0)),
    (Bridge(), DDIM(250, eta=1.0)),
    (FromStart(0.5), DDIM(400)),
    (FromStart(0.5), Heun(60)),
]


@pytest.mark.parametrize(("path", "sampler"), WAYS, ids=lambda v: repr(v)[:60])
def test_samples_of_a_gaussian_have_its_mean_and_deviation(path, sampler):
    start = torch.full((N, 1), START) if path.starts_at_source else None
    x = sampler(Way(path, exact(path, start), start, rng()), torch.empty(N, 1))
    error = 4 / math.sqrt(N)
    assert x.mean() == pytest.approx(MEAN, abs=error * SD + 0.01)
    assert x.std() == pytest.approx(SD, rel=error + 0.02)


@pytest.mark.parametrize("prediction", [Noise(), Clean(), Velocity(), Drift(), Preconditioned()])
@pytest.mark.parametrize("path", [VariancePreserving(Linear()), Flow(), VarianceExploding()])
def test_the_right_answer_to_what_is_asked_gives_the_target(prediction, path):
    t = torch.tensor([0.05, 0.3, 0.9], dtype=torch.float64)
    a, _, s = path.abs(t)
    target, noise = torch.randn(2, 3, generator=rng(1), dtype=torch.float64)
    asked = prediction.asked(target, noise, a, s)
    torch.testing.assert_close(prediction.target(asked, a * target + s * noise, a, s), target)


def test_edm_asks_for_unit_variance():
    """Karras et al. (2022), eq. 7 and 8: y and c_in x have variance 1 for data of variance sigma_data^2."""
    prediction = Preconditioned(0.5)
    s = torch.tensor(1.7, dtype=torch.float64)
    p, q = prediction.pq(torch.ones_like(s), s)
    assert p**2 + q**2 * 0.25 == pytest.approx(1)
    assert prediction.input_scale(s, s) ** 2 * (0.25 + s**2) == pytest.approx(1)


def test_schedules_have_the_published_values():
    """Nichol & Dhariwal (2021); Ho et al. (2020): alpha_bar ends at 4.0e-5; source 1's literal one."""
    cosine = Cosine().table
    assert [round(float(cosine[n]), 3) for n in (100, 200, 500)] == [0.972, 0.899, 0.494]
    assert float(Linear().table[-1]) == pytest.approx(4.036e-5, rel=1e-3)
    literal = Literal().table
    assert math.sqrt(literal[100]) == pytest.approx(0.66, abs=0.005)
    assert literal[222] > 1e-4 > literal[224]
    assert Literal().noise_variance == 0.3


def test_alpha_bar_between_steps_is_that_of_the_steps_at_the_steps():
    schedule = Cosine()
    t = torch.arange(0, 1001, 7, dtype=torch.float64) / 1000
    torch.testing.assert_close(schedule.alpha_bar(t), schedule.table[::7].clamp_min(1e-40))


def test_fast_ddpm_trains_where_it_samples():
    assert uniform(10) == (1, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
    assert non_uniform(10) == (1, 200, 400, 600, 700, 800, 850, 900, 950, 1000)
    assert all(non_uniform(n)[-1] == 1000 for n in range(1, 30))
    path = FewSteps(Linear(), non_uniform(10))
    drawn = set(path.draw(4000, rng()).mul(1000).round().int().tolist())
    assert drawn == set(path.stops)
    assert set(path.times(10).mul(1000).round().int().tolist()) == {0, *path.stops}


class Perfect(torch.nn.Module):
    """Answers what is asked for when the target is 0.25 everywhere."""

    def __init__(self, path, prediction):
        super().__init__()
        self.path, self.prediction = path, prediction
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x, t):
        a, b, s = (v[:, None, None, None] for v in self.path.abs(t))
        y, given = x[:, :1].double(), x[:, 1:].double() / self.prediction.input_scale(a, s)
        start = 2 * y - 1 if self.path.starts_at_source else 0
        noise = (given - a * (-0.5) - b * start) / s.clamp_min(1e-9)
        return self.prediction.asked(torch.full_like(noise, -0.5), noise, a, s) + 0 * self.unused


@pytest.mark.parametrize(
    ("path", "prediction"),
    [
        (VariancePreserving(), Velocity()),
        (VariancePreserving(Linear()), Noise()),
        (VarianceExploding(), Preconditioned()),
        (Flow(), Drift()),
        (Bridge(), Clean()),
    ],
)
def test_a_network_that_knows_has_no_loss_and_samples_the_target(path, prediction):
    family = Diffusion(Perfect(path, prediction), path=path, prediction=prediction, sampler=DDIM(8))
    source = torch.rand(4, 1, 6, 5, generator=rng(2))
    batch = Batch(source, torch.full((4, 1, 6, 5), 0.25), torch.ones(4, 1, 6, 5))
    (objective,) = family.objectives()
    assert float(objective.loss(batch, rng())[0].detach()) < 1e-6
    torch.testing.assert_close(
        family.sample(source, rng()), batch.target.double(), atol=1e-3, rtol=0, check_dtype=False
    )


def test_a_bridge_without_noise_makes_Eulers_steps_from_the_source():
    """eta = 0:  n = (x - a x0 - b y) / s,  x' = a' x0 + b' y + s' n,  from x = y; 0 / 0 at t = 1 counts as no noise."""
    path, y = Bridge(0.4), torch.rand(5, 1, generator=rng(1), dtype=torch.float64)
    guess = exact(path, y)
    x, times = y, [1.0, 0.75, 0.5, 0.25]
    for now, then in pairwise(times):
        found = guess(x, torch.tensor([now]))
        s, s2 = (0.4 * math.sqrt(t * (1 - t)) for t in (now, then))
        n = (x - (1 - now) * found - now * y) / s if now < 1 else 0 * x
        x = (1 - then) * found + then * y + s2 * n
    made = DDIM(4)(Way(path, guess, y, rng(5)), torch.empty(5, 1))
    torch.testing.assert_close(made, guess(x, torch.tensor([0.25])), check_dtype=False)


def test_the_same_seed_gives_the_same_sample():
    path = Flow()
    family = Diffusion(Perfect(path, Drift()), path=path, prediction=Drift(), sampler=DDIM(3, eta=1.0))
    source = torch.rand(1, 1, 4, 4)
    assert torch.equal(family.sample(source, rng(5)), family.sample(source, rng(5)))
