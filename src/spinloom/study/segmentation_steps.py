"""How many steps every training has: as asked for, or as many as fit a time; once settled, the folder keeps it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

from spinloom.core.rng import stream
from spinloom.files import atomic
from spinloom.study.segmentation_design import Design
from spinloom.train.labelled import Labelled
from spinloom.train.tissues import Schedule, learn, new_network

KEPT = "steps.json"
TRIED = 4


def settled(design: Design, seconds: float | None, out: Path) -> int:
    """The design's steps; with a time per training those that fit it here, or that the folder says fitted it before.

    So a study that is resumed, on a slower machine too, trains as long as it began to.
    """
    if seconds is None:
        return design.steps
    kept = out / KEPT
    if kept.is_file():
        told = json.loads(kept.read_text(encoding="utf-8"))
        if told.get("seconds") == seconds and isinstance(told.get("steps"), int):
            return int(told["steps"])
    steps = fitting(design, seconds)
    atomic.write_json(kept, {"seconds": seconds, "steps": steps})
    return steps


def fitting(design: Design, seconds: float) -> int:
    """Steps that a training does in so long on this machine, by the time of a few, to two figures; at least 6."""
    rng = stream(design.seed, "trial")
    shape = (*design.size, 4)
    labels = rng.integers(0, 4, shape).astype("uint8")
    scan = Labelled("trial", "trial", rng.random(shape, "float32"), labels, (1.0, 1.0, 1.0))
    how = Schedule(TRIED, design.rate, design.batch, design.size, design.channels)
    network = new_network(design.channels, 0)
    learn(network, [[scan]], replace(how, steps=1), 0)
    began = time.monotonic()
    learn(network, [[scan]], how, 0)
    steps = seconds * TRIED / max(time.monotonic() - began, 1e-6)
    return max(6, int(float(f"{steps:.1e}")))
