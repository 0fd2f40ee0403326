"""The study's model of one contrast: a small network, learned from simulated pairs alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from spinloom.study.low_field_examples import LowField, Person, held_out, seen
from spinloom.study.low_field_scan import B0, Scan
from spinloom.train.data import Data
from spinloom.train.loop import Progress
from spinloom.train.train import Run, train
from spinloom.translate.plan import Network, Plan, Side, Training

SMOOTH = 1.0
"""Below this error its square counts (Huber): the mean of what may be there, which correlates best, not its median."""


def plan_of(scan: Scan, *, steps: int, seconds: float, seed: int, channels: tuple[int, ...], bf16: bool) -> Plan:
    """2D, one slice at a time, signals as they are: shading is part of what is simulated."""
    network = Network(dims=2, slices=1, views=(2,), channels=channels, patch=(128, 128))
    training = Training(
        steps=steps, seconds=seconds, batch=4, rate=1.5e-3, average=0.998, bf16=bf16, panel=max(1, steps // 4),
        augment=False, simulated=1.0, seed=seed,
    )  # fmt: skip
    return Plan(
        name=f"lowfield-{scan.contrast.lower()}",
        source=(Side(contrast=scan.contrast, bias=False, B0=B0),),
        target=(Side(contrast=scan.contrast, bias=False, B0=3.0),),
        settings={"smooth": SMOOTH},
        network=network,
        training=training,
    )


def learned(
    scan: Scan,
    plan: Plan,
    people: Sequence[Person],
    held: Sequence[Person],
    folder: Path,
    *,
    about: dict[str, object],
    say: Callable[[Progress], None] = lambda progress: None,
) -> Run:
    """A run's folder with the model, scored on the simulated scans of `held`; resumed if it was interrupted.

    about  whose data it learned from, for the model's card
    """
    examples = LowField(people, scan, plan.network.patch)
    rng = torch.Generator().manual_seed(plan.training.seed)
    apart = held_out(LowField(held, scan, plan.network.patch), rng)
    known = seen(held_out(examples, rng, 4))
    told = {**about, "simulated heads": len(people), "split": {
        "train": [p.head.name for p in people], "held": [p.head.name for p in held],
    }}  # fmt: skip
    return train(plan, Data(held=apart, seen=known, told=told, stream=examples), folder, say=say)
