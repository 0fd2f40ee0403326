"""Floors: what any learner must beat, each with `fit(examples)` and then `predict(source)`.

prediction = IntensityLookup().fit([Example(T1w, T2w, mask)]).predict(other_T1w, other_mask)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

_HOME = {
    "Example": "example",
    "Floor": "example",
    "Predictor": "example",
    "Identity": "identity",
    "IntensityLookup": "lookup",
    "Forest": "forest",
    "CubicInterpolation": "cubic",
    "TissueMeanOracle": "tissue_mean",
    "relative_score": "score",
    "FLOORS": "known",
}

__all__ = [*_HOME]

if TYPE_CHECKING:
    from spinloom.evaluation.floors.cubic import CubicInterpolation as CubicInterpolation
    from spinloom.evaluation.floors.example import Example as Example
    from spinloom.evaluation.floors.example import Floor as Floor
    from spinloom.evaluation.floors.example import Predictor as Predictor
    from spinloom.evaluation.floors.forest import Forest as Forest
    from spinloom.evaluation.floors.identity import Identity as Identity
    from spinloom.evaluation.floors.known import FLOORS as FLOORS
    from spinloom.evaluation.floors.lookup import IntensityLookup as IntensityLookup
    from spinloom.evaluation.floors.score import relative_score as relative_score
    from spinloom.evaluation.floors.tissue_mean import TissueMeanOracle as TissueMeanOracle


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spinloom.evaluation.floors.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spinloom.evaluation.floors' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
