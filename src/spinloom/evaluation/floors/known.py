"""Floors by name, for the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spinloom.core.errors import UsageError, nearest
from spinloom.core.grid import Grid
from spinloom.evaluation.floors.cubic import CubicInterpolation
from spinloom.evaluation.floors.example import Floor
from spinloom.evaluation.floors.forest import Forest
from spinloom.evaluation.floors.identity import Identity
from spinloom.evaluation.floors.lookup import IntensityLookup
from spinloom.evaluation.floors.tissue_mean import TissueMeanOracle


@dataclass(frozen=True)
class Known:
    """make: from a seed and the grid to reach (None: nobody named one); told: one line for people."""

    make: Callable[[int, Grid | None], Floor]
    told: str
    is_fitted: bool = True


def _cubic(seed: int, like: Grid | None) -> Floor:
    if like is None:
        raise UsageError("cubic interpolation needs a grid to reach", remedy="Name an image on it with --like.")
    return CubicInterpolation(like)


FLOORS: Mapping[str, Known] = MappingProxyType(
    {
        "identity": Known(lambda seed, like: Identity(), "the source as it is", is_fitted=False),
        "lookup": Known(lambda seed, like: IntensityLookup(), "mean target of each source intensity"),
        "forest": Known(lambda seed, like: Forest(seed=seed), "random forest on local filters"),
        "cubic": Known(_cubic, "cubic spline onto a finer grid", is_fitted=False),
        "tissue-mean": Known(lambda seed, like: TissueMeanOracle(), "oracle: mean target of each label"),
    }
)


def known_floor(name: str) -> Known:
    """UsageError with the nearest name if there is none."""
    if name not in FLOORS:
        raise UsageError(f"no floor named '{name}'", remedy=nearest(name, tuple(FLOORS)))
    return FLOORS[name]
