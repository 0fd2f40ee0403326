"""BrainModel → fractions of tissue classes of heads that nobody has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.translate.brain_model import BrainModel
from spinloom.translate.brain_plan import CENTRE_MM, BrainPlan

NOTHING = 0.04
"""A fraction below this is none: what samplers leave of noise."""
THICK_MM = 5.0
"""Of a generated slice as a phantom: as thick as slices are scanned."""


def whole(x: Tensor) -> Tensor:
    """(n, k, ...) any numbers → fractions >= 0 that sum to 1 over k, by construction.

    f_k = max(x_k - 0.04, 0) / sum_j max(x_j - 0.04, 0),    the first (air) is 1 where all are 0
    """
    kept = (x - NOTHING).clamp_min(0)
    total = kept.sum(1, keepdim=True)
    none = torch.zeros_like(kept)
    none[:, 0] = 1
    return torch.where(total > 1e-6, kept / total.clamp_min(1e-6), none)


def spread(conditions: Tensor, size: Sequence[int]) -> Tensor:
    """(n, c) → (n, c, *size): constant channels."""
    return conditions[(..., *(None,) * len(size))].expand(-1, -1, *size)


def enlarged(coarse: Tensor) -> Tensor:
    """Fractions on voxels half as large, linear in between."""
    return F.interpolate(coarse, scale_factor=2.0, mode="trilinear" if coarse.ndim == 5 else "bilinear")


@torch.inference_mode()
def draw_fractions(model: BrainModel, conditions: NDArray[np.float32], rng: torch.Generator) -> NDArray[np.float32]:
    """(n, c) of BrainPlan.told → (n, 11, *size) fractions, coarse to fine."""
    c = torch.from_numpy(np.atleast_2d(conditions))
    made = whole(model.base.sample(spread(c, model.plan.coarse(0)), rng))
    for n, finer in enumerate(model.finer, 1):
        source = torch.cat((enlarged(made), spread(c, model.plan.coarse(n))), 1)
        made = whole(finer.sample(source, rng))
    return np.asarray(made.numpy(), np.float32)


@dataclass(frozen=True)
class Asked:
    """What is asked of the generator for one head.

    level_mm    of a slice, drawn or given
    ventricles  [cm^2 of the slice, mL of the head]; None: as they come
    noise       seed of what it is made of
    facts       to be told beside the head
    """

    level_mm: float
    ventricles: float | None
    noise: int
    facts: Mapping[str, float]


def asked_of(
    plan: BrainPlan, seed: int, number: int, *, level_mm: float | None = None, ventricles: float | None = None
) -> Asked:
    """Of head `number` of a seed, which is the same whatever else is made, before it is; arguments as in one_head."""
    rng = stream(seed, "head", number)
    level = float(rng.uniform(*plan.levels_mm)) if level_mm is None else level_mm
    facts = {"level_mm": round(level, 3)} if plan.dims == 2 else {}
    facts |= {} if ventricles is None else {"ventricles": float(ventricles)}
    return Asked(level, ventricles, int(rng.integers(2**62)), MappingProxyType(facts))


def head_of(model: BrainModel, asked: Asked) -> NDArray[np.float32]:
    """(11, *size) fractions of the head that is asked for."""
    noise = torch.Generator().manual_seed(asked.noise)
    return draw_fractions(model, model.plan.told(asked.level_mm, asked.ventricles)[None], noise)[0]


def one_head(
    model: BrainModel, seed: int, number: int, *, level_mm: float | None = None, ventricles: float | None = None
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Head `number` of a seed: the same whatever else is made.

    level_mm    of a slice; None: drawn from the range it was trained in
    ventricles  asked for [cm^2 of the slice, mL of the head]; None: as they come
    returns     (11, *size) fractions, and what was asked for
    """
    asked = asked_of(model.plan, seed, number, level_mm=level_mm, ventricles=ventricles)
    return head_of(model, asked), dict(asked.facts)


def require_possible(plan: BrainPlan, dims: int | None, level_mm: float | None, ventricles: float | None) -> None:
    """Raises UsageError for what the plan's model was not trained for."""
    if dims is not None and dims != plan.dims:
        raise UsageError(f"'{plan.name}' makes {plan.dims} dimensions, not {dims}", remedy="Choose another --model.")
    if level_mm is not None and plan.dims == 3:
        raise UsageError("a whole head has no level", remedy="Leave out --level-mm, or use --dims 2.")
    low, high = plan.levels_mm
    if level_mm is not None and not low <= level_mm <= high:
        raise UsageError(f"level {level_mm:g} mm was not trained", remedy=f"{low:g} to {high:g} mm.")
    most = 2.5 * plan.ventricles
    if ventricles is not None and not 0 <= ventricles <= most:
        unit = "cm2" if plan.dims == 2 else "mL"
        raise UsageError(f"ventricles of {ventricles:g} {unit} were asked for", remedy=f"0 to {most:g} {unit}.")


def place(plan: BrainPlan) -> Grid:
    """Where the head lies. A slice is 5 mm thick and lies at z = 0, where scanners put their slice."""
    if plan.dims == 2:
        x, y = plan.size
        return Grid.centred((x, y, 1), (plan.voxel_mm, plan.voxel_mm, THICK_MM), (*CENTRE_MM[:2], 0.0))
    x, y, z = plan.size
    return Grid.centred((x, y, z), plan.voxel_mm, CENTRE_MM)
