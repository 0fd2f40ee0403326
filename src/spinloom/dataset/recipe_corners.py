"""Whether every scan that a recipe may draw can be played, before any is."""

from __future__ import annotations

import warnings
from itertools import product
from math import prod
from typing import Any

from spinloom.core.errors import UsageError
from spinloom.dataset.draw import Draw, extremes
from spinloom.dataset.fields import ProtocolSection, Recipe
from spinloom.dataset.scan import arguments, protocol_function

LONGEST = 30 * 86400.0
MOST_CORNERS = 8
"""A sequence takes up to a second to lay out."""


def require_playable(recipe: Recipe, section: ProtocolSection) -> None:
    """Lay the scan out for the values between which its parameters and the field are drawn.

    Every combination of them if they are at most MOST_CORNERS; else each value once, the others at their first.

    Raises UsageError naming the values that cannot be: what one subject in a thousand draws fails after hours.
    """
    make = protocol_function(section)
    tried = corners({**section.parameters, "B0": recipe.scanner.B0})
    for values in tried:
        B0 = float(values.pop("B0"))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _require_an_end(make(B0=B0, **arguments(section, values)).duration)
        except UsageError as error:
            if len(tried) == 1:
                raise
            drawn = {**{n: values[n] for n, rule in section.parameters.items() if len(extremes(rule)) > 1}, "B0": B0}
            said = ", ".join(f"{name} = {value}" for name, value in drawn.items())
            raise UsageError(f"{section.label} may be drawn with {said}: {error.fault}", remedy=error.remedy) from error


def _require_an_end(duration: float) -> None:
    if duration > LONGEST:
        raise UsageError(f"the scan would last {duration / 86400:.3g} days", remedy="Use a shorter TR, or fewer lines.")


def corners(rules: dict[str, Draw]) -> list[dict[str, Any]]:
    """The combinations that are tried."""
    ends = {name: extremes(rule) for name, rule in rules.items()}
    if prod(map(len, ends.values())) <= MOST_CORNERS:
        return [dict(zip(ends, values, strict=True)) for values in product(*ends.values())]
    first = {name: values[0] for name, values in ends.items()}
    return [first, *({**first, name: value} for name, values in ends.items() for value in values[1:])]
