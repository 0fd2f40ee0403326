"""Does synthetic data help a segmentation? Which networks are trained on whom, and who tests them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spinloom.core.errors import InputError
from spinloom.core.rng import stream

TARGET, SYNTHETIC, MIXED, TUNED = "target", "synthetic", "mixed", "tuned"
ARMS = {
    TARGET: "target only",
    SYNTHETIC: "synthetic only",
    MIXED: "mixed",
    TUNED: "synthetic, then fine-tuned",
}


@dataclass(frozen=True)
class Design:
    """repeats    of the whole experiment, each with other people to train on and to test on
    sizes      numbers of people of the target domain that are trained on
    test       people of the target domain that test, in each repeat
    steps      of every training; a fine-tuned network has two thirds of them on synthetic scans
    simulated  synthetic scans;  voxel_mm  in-plane
    """

    repeats: int = 6
    sizes: tuple[int, ...] = (1, 2, 4, 8)
    test: int = 4
    steps: int = 240
    simulated: int = 24
    voxel_mm: float = 2.0
    seed: int = 0
    rate: float = 2e-3
    batch: int = 4
    size: tuple[int, int] = (96, 112)
    channels: tuple[int, ...] = (8, 16, 32, 64)

    @property
    def tuning(self) -> int:
        """Steps of fine-tuning."""
        return max(1, self.steps // 3)


@dataclass(frozen=True)
class Training:
    """One network: arm, how many people of the target domain, which repeat."""

    arm: str
    n: int
    repeat: int

    @property
    def name(self) -> str:
        return f"{self.arm}-n{self.n:02}-r{self.repeat:02}"


@dataclass(frozen=True)
class Fold:
    """train: people of the target domain, in the order in which they are taken;  test: others."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def folds(people: Sequence[str], design: Design) -> tuple[Fold, ...]:
    """One fold per repeat. People test in turn: in a shuffled round each tests once before anybody tests again.

    Raises InputError if nobody is left to train on, or fewer than the sizes ask for.
    """
    names = sorted(set(people))
    if len(names) < 2:
        raise InputError(
            f"{len(names)} subject has labels; at least two are needed, one to learn from and one to test",
            remedy="Give more subjects, or leave SCANS out for the simulated target domain.",
        )
    need = max(design.sizes) + design.test
    if len(names) < need:
        raise InputError(
            f"{len(names)} subjects have labels; {max(design.sizes)} to learn from and {design.test} to test are "
            f"{need}",
            remedy="Ask for fewer with --subjects and --test.",
        )
    queue: list[str] = []
    found = []
    for repeat in range(design.repeats):
        rng = stream(design.seed, "fold", repeat)
        if len(set(queue)) < design.test:
            queue += [names[i] for i in rng.permutation(len(names))]
        test = list(dict.fromkeys(queue))[: design.test]
        for name in test:
            queue.remove(name)
        rest = [name for name in names if name not in test]
        found.append(Fold(tuple(rest[i] for i in rng.permutation(len(rest))), tuple(sorted(test))))
    return tuple(found)


def trainings(design: Design) -> tuple[tuple[Training, ...], tuple[Training, ...]]:
    """Those on synthetic scans alone, and the others, which may start from them."""
    first = tuple(Training(SYNTHETIC, 0, r) for r in range(design.repeats))
    rest = tuple(
        Training(arm, n, r) for r in range(design.repeats) for n in design.sizes for arm in (TARGET, MIXED, TUNED)
    )
    return first, rest


REDUCED: dict[str, Any] = {
    "repeats": 2,
    "sizes": (1, 2),
    "test": 1,
    "steps": 6,
    "simulated": 2,
    "voxel_mm": 4.0,
    "batch": 2,
    "size": (48, 64),
    "channels": (8, 8),
}
"""A study that only shows that everything runs."""
