"""What a field of a recipe may hold: rules of drawing, numbers in a range, words of a list."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, StringConstraints

from spinloom.dataset.draw import Choice, Draw, extremes, parse, plain

Rule: TypeAlias = Annotated[Draw, PlainValidator(parse), PlainSerializer(plain)]
Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$", max_length=40)]


def _place(name: str) -> str:
    if not name or "\0" in name:
        raise ValueError("a file name has at least one letter and no NUL")
    return name


Place: TypeAlias = Annotated[str, AfterValidator(_place)]


def number(low: float, high: float) -> Callable[[Draw], Draw]:
    def inside(rule: Draw) -> Draw:
        for value in extremes(rule):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ValueError(f"takes a number, got {value!r}")
            if not low <= value <= high:
                raise ValueError(f"takes {low:g} to {high:g}, got {value:g}")
        return rule

    return inside


def three(low: float, high: float) -> Callable[[Draw], Draw]:
    """One number, or a list of three."""

    def inside(rule: Draw) -> Draw:
        for value in extremes(rule):
            if isinstance(value, tuple) and len(value) != 3:
                raise ValueError(f"takes one number or three, got {list(value)}")
            number(low, high)(Choice(value if isinstance(value, tuple) else (value,)))
        return rule

    return inside


def word(*known: str) -> Callable[[Draw], Draw]:
    def among(rule: Draw) -> Draw:
        for value in extremes(rule):
            if value not in known:
                raise ValueError(f"takes one of {', '.join(known)}, got {value!r}")
        return rule

    return among


def described(default: Any, text: str, unit: str = "", **more: Any) -> Any:
    return Field(default, description=text, json_schema_extra={"unit": unit}, validate_default=True, **more)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
