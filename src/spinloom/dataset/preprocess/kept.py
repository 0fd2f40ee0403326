"""Facts of a Fitted, as they were kept in JSON → the Fitted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spinloom.core.errors import InputError, nearest
from spinloom.dataset.preprocess.bias import Field
from spinloom.dataset.preprocess.chain import FittedChain
from spinloom.dataset.preprocess.contrast import Power
from spinloom.dataset.preprocess.crop import Placed
from spinloom.dataset.preprocess.linear import Line
from spinloom.dataset.preprocess.step import Fitted

KNOWN: dict[str, Callable[[dict[str, object]], Fitted]] = {
    "line": Line.of,
    "power": Power.of,
    "placed": Placed.of,
    "field": Field.of,
}


def from_facts(facts: Mapping[str, object]) -> Fitted:
    """The Fitted whose `facts()` these are, so that a prediction made later finds its way back.

    Raises InputError for anything that is no such facts.
    """
    name = str(facts.get("fitted"))
    if name == "chain":
        steps = facts.get("steps")
        if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
            raise InputError("a chain of preprocessing needs a list of steps")
        return FittedChain(tuple(from_facts(step) for step in steps))
    if name not in KNOWN:
        raise InputError(f"no step of preprocessing is kept as '{name}'", remedy=nearest(name, [*KNOWN, "chain"]))
    try:
        return KNOWN[name](dict(facts))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the facts of a '{name}' are incomplete or of the wrong kind: {error}") from error
