"""Intervals of a model's answers: a second network says how far off they tend to be, people it was tried on how much.

    from  answer - q(tissue) s-(x)  to  answer + q(tissue) s+(x),   ln s = second network(source, answer)

q by evaluation/conformal.py. All on the plan's scale: for T1 and T2 that is a logarithm, so that ends are ratios of the
answer. s- and s+ differ, for errors are skewed: a voxel at the edge of fluid is off to one side.

One file, interval.safetensors beside the model: the second network, and in its header q by contrast, level and
group (voxels whose first contrast is predicted between two values: a predicted tissue), and whose model it is.

Romano, Patterson & Candes, Conformalized quantile regression, NeurIPS (2019), here with a score that is a ratio.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image
from spinloom.files import atomic, gate
from spinloom.models.unet import Shape, UNet
from spinloom.translate.devices import arithmetic, placed
from spinloom.translate.model import Model
from spinloom.translate.plan import Plan, Side
from spinloom.translate.prepare import prepare, restored
from spinloom.translate.translate import apply_of
from spinloom.translate.views import Slices

FILE = "interval.safetensors"
FORMAT = "spinloom interval 2"
LEVELS = (50, 80, 90, 95)
LARGEST = 2**28
WITHIN = (-0.1, 1.1)
"""Where a logarithmic answer is kept, as by Side.unscaled."""
LN_S = (-12.0, 0.0)
"""Where ln s is kept: at most the plan's whole range."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """spread    (n, sources + targets, h, w) -> (n, 2 targets, h, w) ln s- of each, then ln s+; all on the plan's scale
    edges       between groups, of the first target's predicted value in its unit, rising;  groups: their names
    q           by contrast and level in percent: one per group
    model       SHA-256 of the model's file;  subjects calibrated with;  told: on what scans it holds
    """

    spread: UNet
    edges: tuple[float, ...]
    groups: tuple[str, ...]
    q: Mapping[str, Mapping[str, Sequence[float]]]
    model: str
    subjects: int
    told: str


def values_of(side: Side, scaled: np.ndarray) -> np.ndarray:
    """In the side's unit; signals as they are, in multiples of the foreground's 99.5th percentile."""
    return scaled if side.is_signal else np.asarray(side.unscaled(scaled))


def group_of(first: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """(...) number of each voxel's group by the first target's values (...)."""
    return np.searchsorted(np.asarray(edges), first)


def spread_of(net: UNet, source: Tensor, answer: Tensor) -> Tensor:
    """(2, d, x, y, z) s- and s+ of source (c, x, y, z) and answer (d, x, y, z), slice by slice of the third axis."""
    with torch.inference_mode():
        given = torch.cat((source, answer))[None]
        return Slices((2,), 1, 16)(net, given)[0].clamp(*LN_S).exp().unflatten(0, (2, -1))


def offset_of(side: Side, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Truth in its unit less scaled answer, on the plan's scale; endless for a truth beyond the plan's range.

    offset in [-q s-, q s+]  =>  truth in ends_of(side, answer, q s-, q s+), and back for answers in the plan's range
    """
    if side.is_signal:
        return np.asarray(truth - answer)
    offset = side.scaled(truth) - (answer.clip(*WITHIN) if side.log else answer)
    return np.where(truth < side.low, -np.inf, np.where(truth > side.high, np.inf, offset))


def score_of(offset: np.ndarray, s: np.ndarray) -> np.ndarray:
    """max(-offset / s-, offset / s+): the least q whose interval holds the truth.  s (2, ...)"""
    return np.maximum(-offset / s[0], offset / s[1])


def ends_of(side: Side, answer: np.ndarray, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends in the side's unit, around a scaled answer, so far below and above on the plan's scale.

    None lies beyond the plan's range (of signals: below 0), unless the answer or, for want of people, all does.
    """
    value = values_of(side, answer)
    if side.is_signal:
        return np.maximum(answer - below, np.minimum(value, 0)), answer + above
    if side.log:
        span, a = math.log(side.high / side.low), answer.clip(*WITHIN)
        with np.errstate(over="ignore"):
            low, high = side.low * np.exp((a - below) * span), side.low * np.exp((a + above) * span)
    else:
        low, high = values_of(side, answer - below), values_of(side, answer + above)
    least, most = np.minimum(value, side.low), np.maximum(value, side.high)
    return np.where(np.isinf(below), low, np.maximum(low, least)), np.where(
        np.isinf(above), high, np.minimum(high, most)
    )


def bounds(
    images: Sequence[Image], model: Model, known: Intervals, level: int, mask: Image | None = None, device: str = "cpu"
) -> dict[str, tuple[Image, Image]]:
    """By contrast, the lower and the upper end of the interval of a level in percent, on the input's grid.

    device  that of the answer: about the very same numbers

    Raises UsageError for a level that was not calibrated, InputError for intervals of another model.
    """
    if model.sha256 != known.model:
        raise InputError("the intervals are those of another model", remedy="Run spinloom calibrate on it again.")
    plan = model.plan
    require_level(level)
    made = prepare(images, plan, mask)
    given = torch.from_numpy(made.source).to(device)
    placed(model.translator, device)
    placed(known.spread, device)
    with torch.inference_mode(), arithmetic(plan, device):
        answer = model.translator.sample(given[None], torch.Generator().manual_seed(0), apply_of(plan))[0].float()
    s = spread_of(known.spread, given, answer).cpu().numpy()
    scaled = answer.cpu().numpy()
    group = group_of(values_of(plan.target[0], scaled[0]), known.edges)
    found = {}
    for side, a, below, above in zip(plan.target, scaled, *s, strict=True):
        q = np.asarray(known.q[side.contrast][str(level)], float)[group]
        flat = side.model_copy(update={"log": False, "low": 0.0, "high": 1.0}) if not side.is_signal else side
        pair = ends_of(side, a, q * below, q * above)
        ends = [restored(v.astype(np.float32), made, flat, images[0]) for v in pair]
        found[side.contrast] = (ends[0], ends[1])
    return found


def require_level(level: int) -> None:
    """Raises UsageError for a level that is never calibrated."""
    if level not in LEVELS:
        raise UsageError(f"--interval {level}", remedy=f"Calibrated are {', '.join(map(str, LEVELS))} %.")


def network(plan: Plan, channels: tuple[int, ...] = (8, 16, 32)) -> UNet:
    """A second network for a plan. Raises UsageError for plans that it cannot follow."""
    if plan.network.dims != 2 or plan.network.slices != 1 or plan.thick is not None or plan.conditions is not None:
        raise UsageError(
            "intervals are for models of single slices that make one known contrast", remedy="Train it with --dims 2."
        )
    return UNet(Shape(2, len(plan.source) + len(plan.target), 2 * len(plan.target), channels))


def write_intervals(known: Intervals, path: Path) -> Path:
    """One safetensors file, atomically."""
    told: dict[str, Any] = {
        "format": FORMAT, "channels": list(known.spread.shape.channels),
        **{k: v for k, v in vars(known).items() if k != "spread"},
    }  # fmt: skip
    tensors = {k: v.detach().contiguous() for k, v in known.spread.state_dict().items()}
    atomic.write_bytes(path, save(tensors, {"spinloom": json.dumps(told, sort_keys=True)}))
    return path


def read_intervals(path: str | os.PathLike[str], plan: Plan) -> Intervals:
    """Raises InputError for files that are none, are damaged, or do not fit the plan."""
    file = gate.admit(path, cap_bytes=LARGEST)
    try:
        with safe_open(file, "pt") as opened:
            told = json.loads((opened.metadata() or {})["spinloom"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if told["format"] != FORMAT:
            raise ValueError(f"is of format '{told['format']}', '{FORMAT}' is known")
        net = network(plan, tuple(told["channels"]))
        net.load_state_dict(tensors)
        q = {
            s.contrast: {str(n): [float(v) for v in told["q"][s.contrast][str(n)]] for n in LEVELS} for s in plan.target
        }
        edges, groups = tuple(map(float, told["edges"])), tuple(map(str, told["groups"]))
        if any(len(v) != len(edges) + 1 for each in q.values() for v in each.values()) or len(groups) != len(edges) + 1:
            raise ValueError("its groups do not fit together")
        return Intervals(net.eval(), edges, groups, q, str(told["model"]), int(told["subjects"]), str(told["told"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, RecursionError) as error:
        raise InputError(
            f"holds no intervals of this model: {error}", file=file, remedy="spinloom calibrate RUN makes them."
        ) from error
