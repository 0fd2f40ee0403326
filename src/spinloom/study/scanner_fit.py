"""Teaching: a small network is fitted so that the sum over a slice is what the Bloch equations answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spinloom.models.average import Average
from spinloom.models.response import Response, response_of
from spinloom.simulation.learned_features import FEATURES, Seen, answer, seen
from spinloom.simulation.learned_network import Network
from spinloom.simulation.learned_range import joined, measured
from spinloom.study.scanner_draws import FAMILIES
from spinloom.study.scanner_lesson import N_LAYERS, Lesson


@dataclass(frozen=True)
class Teaching:
    """steps of Adam, each on `batch` lessons; rate falls as a cosine from `rate`;  width, depth  of the network."""

    steps: int = 20000
    batch: int = 6
    rate: float = 2e-3
    width: int = 96
    depth: int = 3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A lesson as tensors: seen (state, tissue, layer), target (state, tissue)."""

    family: int
    seen: Seen
    target: Tensor


def prepared(lesson: Lesson) -> Prepared:
    of = seen(lesson.course, lesson.spins)
    shape = (*lesson.target.shape, N_LAYERS)
    x = torch.as_tensor(of.features.reshape(*shape, -1), dtype=torch.float32)
    guess = torch.as_tensor(of.guess.reshape(shape))
    guess = guess.to(torch.complex64 if guess.is_complex() else torch.float32)
    rest = (torch.as_tensor(v.reshape(shape), dtype=torch.float32) for v in (of.sine, of.decay))
    return Prepared(lesson.family, Seen(x, guess, *rest), torch.as_tensor(lesson.target, dtype=torch.complex64))


def error(network: Callable[[Tensor], Tensor], lesson: Prepared) -> Tensor:
    """|M - M_Bloch| / |M_Bloch|, over states and tissues of a lesson."""
    said = answer(lesson.seen, network(lesson.seen.features)).mean(-1)
    return torch.linalg.vector_norm(said - lesson.target) / torch.linalg.vector_norm(lesson.target)


def fit(
    lessons: Sequence[Lesson], teaching: Teaching, say: Callable[[str], None] = lambda text: None
) -> tuple[Network, list[float]]:
    """The network that lessons teach, and the mean error along the way. The same seed gives the same bits."""
    torch.manual_seed(teaching.seed)
    rng = np.random.default_rng(teaching.seed)
    known = [prepared(one) for one in lessons]
    network = Response(len(FEATURES), width=teaching.width, depth=teaching.depth)
    some = rng.permutation(len(known))[:200]
    network.standardise(torch.cat([known[i].seen.features.reshape(-1, len(FEATURES)) for i in some]))
    average = Average(network, 0.999)
    optimiser = torch.optim.Adam(network.parameters(), teaching.rate)
    recent: list[float] = []
    history = []
    for step in range(teaching.steps):
        for group in optimiser.param_groups:
            warm = min(1.0, (step + 1) / 200)
            group["lr"] = teaching.rate * warm * (0.5 + 0.5 * math.cos(math.pi * step / teaching.steps)) + 1e-6
        loss = torch.stack([error(network, known[i]) for i in rng.integers(0, len(known), teaching.batch)]).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network)
        recent.append(float(loss.detach()))
        if (step + 1) % 200 == 0 or step + 1 == teaching.steps:
            history.append(float(np.mean(recent)))
            say(f"step {step + 1}: error {history[-1]:.4f}")
            recent.clear()
    ranges = joined([measured(one.course, one.spins) for one in lessons])
    about = {"ranges": ranges, "lessons": len(lessons), "steps": teaching.steps, "seed": teaching.seed}
    return Network(average.module.arrays(), about), history  # type: ignore[operator]


def judged(network: Network, lessons: Sequence[Lesson]) -> dict[str, dict[str, float]]:
    """{family: error}: mean, median and largest over its lessons, and the mean of the first guess."""
    found: dict[str, dict[str, float]] = {}
    learned = response_of(network.arrays)
    with torch.no_grad():
        for k, family in enumerate(FAMILIES):
            own = [prepared(one) for one in lessons if one.family == k]
            if own:
                each = [float(error(learned, one)) for one in own]
                first = [float(error(_nothing, one)) for one in own]
                found[family.name] = {
                    "mean": float(np.mean(each)), "median": float(np.median(each)), "largest": float(np.max(each)),
                    "first guess": float(np.mean(first)), "lessons": len(own),
                }  # fmt: skip
    return found


def _nothing(x: Tensor) -> Tensor:
    return torch.zeros(*x.shape[:-1], 4)
