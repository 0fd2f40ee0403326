"""Data and a budget → a plan: how large a network, which patch, how many steps. Everything in it may be edited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from spinloom.core.errors import UsageError
from spinloom.train.examples import Examples
from spinloom.train.folder import losses
from spinloom.train.loop import run
from spinloom.train.memory import fitted, free
from spinloom.translate.build import build
from spinloom.translate.plan import Network, Plan

WIDTHS = ((240.0, (12, 24, 48, 64)), (3600.0, (16, 32, 64, 96, 128)), (14_400.0, (32, 64, 96, 128, 128)))
"""Channels for budgets up to so many seconds on two processor cores; a GPU counts 40 times."""
LARGEST = (48, 96, 192, 256, 256)
GPU_FACTOR = 40.0
PILOT = 8


def sized(
    plan: Plan, shapes: Sequence[tuple[int, ...]], seconds: float, device: str, memory: float | None = None
) -> Plan:
    """The plan with network, patch and batch for the subjects' sizes [voxels], a budget [s] and a memory [bytes].

    memory  None: what is free on the device
    """
    work = seconds * (GPU_FACTOR if device.startswith("cuda") else 1.0)
    channels = next((c for limit, c in WIDTHS if work <= limit), LARGEST)
    extent = int(np.median([max(s) for s in shapes])) if shapes else 160
    net = plan.network
    step = 2 ** (len(channels) - 1)
    most = (96 if work > 7200 else 48) if net.dims == 3 else (160 if work > 3600 else 128)
    side = max(32, min(most, -(-extent // step) * step))
    chosen = Network(
        kind=net.kind, dims=net.dims, slices=net.slices, views=net.views, channels=channels, blocks=net.blocks,
        patch=(side,) * net.dims, reversible=net.reversible,
    )  # fmt: skip
    batch = 2 if net.dims == 3 else 8 if work > 3600 else 4
    made = plan.model_copy(
        update={"network": chosen, "training": plan.training.model_copy(update={"batch": batch, "seconds": seconds})}
    )
    return fitted(made, free(device) if memory is None else memory)


def timed(plan: Plan, examples: Examples, device: str) -> Plan:
    """The plan with as many steps as its seconds allow, measured by a few steps now.

    Raises UsageError if not even twenty fit.
    """
    assert plan.training.seconds is not None
    pilot = plan.training.model_copy(update={"steps": PILOT, "seconds": None, "panel": 10**9})
    with TemporaryDirectory() as folder:
        torch.manual_seed(plan.training.seed)
        translator = build(
            plan.model_copy(update={"settings": {k: v for k, v in plan.settings.items() if k != "feature_weight"}})
        )
        run(translator, examples, pilot, Path(folder), device=device)
        ends = [row["seconds"] for row in losses(Path(folder))]
    each = max(float(np.median(np.diff(ends))), 1e-4)
    steps = int(0.95 * plan.training.seconds / each)
    if steps < 20:
        raise UsageError(
            f"one step takes {each:.1f} s: {plan.training.seconds:.0f} s are not enough to learn anything",
            remedy="Give a larger --budget, or a plan with fewer channels.",
        )
    panel = max(10, steps // 20)
    return plan.model_copy(update={"training": plan.training.model_copy(update={"steps": steps, "panel": panel})})
