"""Teaching: a small network is fitted so that the sum over a slice is what the Bloch equations answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinloom.models.average import Average
from spinloom.models.response import Response, response_of
from spinloom.simulation.learned_features import BRANCHES, FEATURES, Kind, Seen, answer, kinds, seen
from spinloom.simulation.learned_network import Network
from spinloom.simulation.learned_range import joined, measured
from spinloom.study.scanner_draws import FAMILIES
from spinloom.study.scanner_lesson import N_LAYERS, Lesson

SHARE = (0.4, 0.4, 1.0)
NARROW = (3, 3, 1)
"""Of the steps, and by what the width is divided, per branch: the first guess after spoilers is nearly right."""
LEAST = 2e-3
"""An error below this is not worth much more [relative]."""


@dataclass(frozen=True)
class Teaching:
    """steps of Adam for balanced echoes, SHARE of them for others, each on `batch` lessons; width, depth  of each.

    The rate falls as a cosine from `rate`.
    """

    steps: int = 20000
    batch: int = 8
    rate: float = 2e-3
    width: int = 96
    depth: int = 3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a lesson says of one kind of echo, as tensors: seen (state, tissue, layer), target (state, tissue)."""

    family: int
    kind: Kind
    seen: Seen
    target: Tensor


def prepared(lesson: Lesson) -> list[Prepared]:
    found = []
    for kind, states in kinds(lesson.course).items():
        of = seen(lesson.course.take(states), lesson.spins, past=lesson.past[states])
        shape = (len(states), lesson.target.shape[1], N_LAYERS)
        x = torch.as_tensor(of.features.reshape(*shape, -1), dtype=torch.float32)
        guess = torch.as_tensor(of.guess.reshape(shape))
        guess = guess.to(torch.complex64 if guess.is_complex() else torch.float32)
        rest = (torch.as_tensor(v.reshape(shape), dtype=torch.float32) for v in (of.sine, of.decay))
        target = torch.as_tensor(lesson.target[states], dtype=torch.complex64)
        found.append(Prepared(lesson.family, kind, Seen(x, guess, *rest), target))
    return found


def errors(network: Callable[[Tensor], Tensor], lessons: Sequence[Prepared]) -> Tensor:
    """|M - M_Bloch| / |M_Bloch| of every lesson, over its states and tissues."""
    said = network(torch.cat([one.seen.features.flatten(0, 2) for one in lessons]))
    parts = torch.split(said, [one.seen.sine.numel() for one in lessons])
    each = []
    for one, part in zip(lessons, parts, strict=True):
        M = answer(one.seen, part.reshape(*one.seen.sine.shape, -1)).mean(-1)
        each.append(torch.linalg.vector_norm(M - one.target) / torch.linalg.vector_norm(one.target))
    return torch.stack(each)


def fit(
    lessons: Sequence[Lesson], teaching: Teaching, say: Callable[[str], None] = lambda text: None
) -> tuple[Network, dict[str, list[float]]]:
    """The network that lessons teach, and per branch the mean error along the way. The same seed gives the same bits.

    A branch without lessons stays silent.
    """
    known = [part for one in lessons for part in prepared(one)]
    made, history = [], {}
    for branch, name in enumerate(BRANCHES):
        own = [one for one in known if one.kind.branch == branch]
        say(f"{name}: {len(own)} lessons")
        steps, width = round(SHARE[branch] * teaching.steps), teaching.width // NARROW[branch]
        response, history[name] = _taught(own, replace(teaching, steps=steps, width=width), say)
        made.append(padded(response.arrays(), teaching.width))
    ranges = joined([measured(one.course, one.spins) for one in lessons])
    seen_kinds = sorted({one.kind for one in known})
    about = {"ranges": ranges, "kinds": [list(kind) for kind in seen_kinds], "lessons": len(lessons)}
    about |= {"steps": teaching.steps, "seed": teaching.seed}
    return Network({name: np.stack([one[name] for one in made]) for name in made[0]}, about), history


def padded(arrays: dict[str, NDArray[np.float32]], width: int) -> dict[str, NDArray[np.float32]]:
    """The same network with as many hidden units: those added are zeros."""
    depth, out = sum(name.endswith(".weight") for name in arrays) - 1, dict(arrays)
    for i in range(depth + 1):
        W, b = arrays[f"layers.{i}.weight"], arrays[f"layers.{i}.bias"]
        rows, columns = (0 if i == depth else width - len(W)), (0 if i == 0 else width - W.shape[1])
        out[f"layers.{i}.weight"] = np.pad(W, ((0, rows), (0, columns)))
        out[f"layers.{i}.bias"] = np.pad(b, (0, rows))
    return out


def _taught(known: Sequence[Prepared], teaching: Teaching, say: Callable[[str], None]) -> tuple[Response, list[float]]:
    """The loss is the mean logarithm of the errors: a lesson that cannot be learned must not drown the others."""
    torch.manual_seed(teaching.seed)
    rng = np.random.default_rng(teaching.seed)
    network = Response(len(FEATURES), width=teaching.width, depth=teaching.depth)
    if not known:
        return network, []
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
        each = errors(network, [known[i] for i in rng.integers(0, len(known), teaching.batch)])
        optimiser.zero_grad()
        torch.log(each + LEAST).mean().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network)
        recent.append(float(each.detach().mean()))
        if (step + 1) % 200 == 0 or step + 1 == teaching.steps:
            history.append(float(np.mean(recent)))
            say(f"step {step + 1}: error {history[-1]:.4f}")
            recent.clear()
    return average.module, history  # type: ignore[return-value]


def judged(network: Network, lessons: Sequence[Lesson]) -> dict[str, dict[str, float]]:
    """{family: error}: mean, median and largest over its lessons, and the mean of the first guess."""
    found: dict[str, dict[str, float]] = {}
    learned = branches_of(network)
    with torch.no_grad():
        for k, family in enumerate(FAMILIES):
            own = [part for one in lessons if one.family == k for part in prepared(one)]
            if own:
                each = [float(errors(learned[one.kind.branch], [one])[0]) for one in own]
                first = [float(errors(_nothing, [one])[0]) for one in own]
                found[family.name] = {
                    "mean": float(np.mean(each)), "median": float(np.median(each)), "largest": float(np.max(each)),
                    "first guess": float(np.mean(first)), "lessons": len(own),
                }  # fmt: skip
    return found


def branches_of(network: Network) -> list[Response]:
    """Its branches in PyTorch."""
    return [response_of(network.of(branch)) for branch in range(network.branches)]


def _nothing(x: Tensor) -> Tensor:
    return torch.zeros(*x.shape[:-1], 4)
