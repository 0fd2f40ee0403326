"""A protocol section of a recipe → the Sequence one subject is scanned with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from spinloom.core import units
from spinloom.core.errors import UsageError, nearest
from spinloom.dataset.draw import draw
from spinloom.dataset.fields import ProtocolSection
from spinloom.sequence.sequence import Sequence

SUFFIX_UNITS = {u: getattr(units, u) for u in ("us", "ms", "s", "mm", "cm", "m", "deg", "rad", "Hz", "kHz", "mT")}
"""A parameter name may end in one of these: TR_ms = 2300 is TR = 2.3 s."""

LARGEST = 1e100
"""Of a number in any unit; what is larger overflows."""

GIVEN = ("B0", "limits")
"""Arguments that come from the scanner, not from the recipe."""


def make_sequence(section: ProtocolSection, *, B0: float, rng: np.random.Generator) -> tuple[Sequence, dict[str, Any]]:
    """The sequence, and the drawn parameters as the recipe names them.

    B0   main field [T]
    rng  decides what is drawn
    """
    if section.file is not None:
        from spinloom.io import read_sequence

        return read_sequence(section.file), {}
    drawn = {name: draw(rule, rng) for name, rule in sorted(section.parameters.items())}
    return protocol_function(section)(B0=B0, **arguments(section, drawn)), drawn


def protocol_function(section: ProtocolSection) -> Callable[..., Sequence]:
    """The function behind `use`; UsageError with the nearest name if there is none."""
    from spinloom.sequence.protocols import PRESETS, PROTOCOLS

    known = {**PROTOCOLS, **PRESETS}
    name = str(section.use)
    if name not in known:
        raise UsageError(f"no protocol named '{name}'", remedy=nearest(name, tuple(known)))
    return known[name]


def arguments(section: ProtocolSection, values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as a recipe names them → keyword arguments in SI; UsageError for names the protocol lacks."""
    known = parameters_of(section)
    return dict(_argument(name, value, known, str(section.use)) for name, value in values.items())


def parameters_of(section: ProtocolSection) -> list[str]:
    """Names of the arguments a recipe may set."""
    return sorted(set(inspect.signature(protocol_function(section)).parameters) - set(GIVEN))


def _argument(name: str, value: Any, known: list[str], use: str) -> tuple[str, Any]:
    stem, _, unit = name.rpartition("_")
    if name in known:
        return name, _object(name, value)
    if stem in known and unit in SUFFIX_UNITS:
        scale = SUFFIX_UNITS[unit]
        parts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < LARGEST for v in parts):
            raise UsageError(f"parameter {name} of '{use}' takes a number, got {str(value)[:60]!r}")
        return stem, tuple(v * scale for v in value) if isinstance(value, tuple) else value * scale
    raise UsageError(f"protocol '{use}' has no parameter '{name}'", remedy=nearest(name, known))


def _object(name: str, value: Any) -> Any:
    """Words of a recipe → the objects protocols choose by."""
    if name != "orientation" or isinstance(value, Enum):
        return value
    from spinloom.sequence.geometry import Orientation

    known = {o.name.lower(): o for o in Orientation}
    if str(value).lower() not in known:
        raise UsageError(f"no orientation '{value}'", remedy=nearest(str(value), tuple(known)))
    return known[str(value).lower()]
