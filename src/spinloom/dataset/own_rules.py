"""A rule that may be absent: what one scan has of its own instead of the scanner's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator

from spinloom.dataset.draw import Draw, parse, plain
from spinloom.dataset.rules import number


def parse_own(value: Any) -> Draw | None:
    """As parse; None stays None."""
    return None if value is None else parse(value)


def _plain(rule: Draw | None) -> Any:
    return None if rule is None else plain(rule)


OwnRule: TypeAlias = Annotated[Draw | None, PlainValidator(parse_own), PlainSerializer(_plain)]


def own_number(low: float, high: float) -> Callable[[Draw | None], Draw | None]:
    """As rules.number, for rules that are there."""
    inside = number(low, high)
    return lambda rule: None if rule is None else inside(rule)
