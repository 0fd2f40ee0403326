"""A parameter of a recipe: one value, or how to draw one for each subject.

TR_ms = 2300                                         the same for all
TR_ms = { uniform = [2000, 2600] }                   evenly between two bounds
TR_ms = { normal = { mean = 2300, sd = 100 } }       Gaussian, cut at 3 sd
TR_ms = { choice = [2000, 2300] }                    one of a list
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from spinloom.core.errors import nearest

CUT = 3.0
"""Where a normal draw is cut, in standard deviations."""


@dataclass(frozen=True)
class Fixed:
    value: Any


@dataclass(frozen=True)
class Uniform:
    low: float
    high: float


@dataclass(frozen=True)
class Normal:
    mean: float
    sd: float


@dataclass(frozen=True)
class Choice:
    values: tuple[Any, ...]


Draw: TypeAlias = Fixed | Uniform | Normal | Choice


def draw(rule: Draw, rng: np.random.Generator) -> Any:
    """One value. Every rule takes its numbers from `rng` alone."""
    match rule:
        case Uniform(low, high):
            return float(rng.uniform(low, high))
        case Normal(mean, sd):
            while abs(z := float(rng.normal())) > CUT:
                pass
            return mean + sd * z
        case Choice(values):
            return values[int(rng.integers(len(values)))]
        case Fixed(value):
            return value


def extremes(rule: Draw) -> list[Any]:
    """The values between which every draw lies, for checking a range before drawing."""
    match rule:
        case Uniform(low, high):
            return [low, high]
        case Normal(mean, sd):
            return [mean - CUT * sd, mean + CUT * sd]
        case Choice(values):
            return list(values)
        case Fixed(value):
            return [value]


def parse(value: Any) -> Draw:
    """The value of a recipe's key → a rule; ValueError says what is wrong with it."""
    if isinstance(value, Fixed | Uniform | Normal | Choice):
        return value
    if not isinstance(value, dict):
        return Fixed(tuple(value) if isinstance(value, list) else value)
    if len(value) != 1:
        raise ValueError("a draw has one key: uniform, normal or choice")
    ((kind, given),) = value.items()
    if kind == "uniform":
        if not (_numbers(given) and len(given) == 2 and given[0] <= given[1]):
            raise ValueError(f"uniform takes [low, high] with low <= high, got {given}")
        return Uniform(float(given[0]), float(given[1]))
    if kind == "normal":
        if not (isinstance(given, dict) and set(given) == {"mean", "sd"} and _numbers(list(given.values()))):
            raise ValueError(f"normal takes {{ mean = ..., sd = ... }}, got {given}")
        if given["sd"] < 0:
            raise ValueError(f"normal takes sd >= 0, got {given['sd']}")
        return Normal(float(given["mean"]), float(given["sd"]))
    if kind == "choice":
        if not isinstance(given, list) or not given:
            raise ValueError(f"choice takes a list with at least one value, got {given}")
        return Choice(tuple(tuple(v) if isinstance(v, list) else v for v in given))
    raise ValueError(f"no way of drawing called '{kind}'. {nearest(kind, ['uniform', 'normal', 'choice'])}")


def plain(rule: Draw) -> Any:
    """The rule as a recipe would say it; parse(plain(rule)) == rule."""
    match rule:
        case Uniform(low, high):
            return {"uniform": [low, high]}
        case Normal(mean, sd):
            return {"normal": {"mean": mean, "sd": sd}}
        case Choice(values):
            return {"choice": [list(v) if isinstance(v, tuple) else v for v in values]}
        case Fixed(value):
            return list(value) if isinstance(value, tuple) else value


def _numbers(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
