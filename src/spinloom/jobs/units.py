"""A unit of work, what became of it, and who runs it.

A unit is idempotent: the same JSON spec makes the same files whoever runs it, wherever and however often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from spinloom.core import errors
from spinloom.core.errors import SpinloomError

Json = dict[str, Any]

UnitFunction = Callable[[Json], Json]
"""A top-level function of an importable module: JSON spec → JSON receipt. It is sent by name, never pickled."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work.

    name  unique in its run, e.g. "sub-001"
    spec  JSON value the unit function is called with
    """

    name: str
    spec: Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit: a receipt or an error.

    attempts  how often it was started
    seconds   wall time of the last attempt [s]
    log       traceback of an unforeseen error, for the log
    memory    whether it failed for want of memory: alone it may do
    """

    name: str
    receipt: Json | None = None
    error: SpinloomError | None = None
    attempts: int = 1
    seconds: float = 0.0
    log: str = field(default="", repr=False)
    memory: bool = False


Heard = Callable[[str, str], None]
"""Told (unit name, text) when a unit function says how far it is."""


class Executor(Protocol):
    """Runs units; never changes the bytes that come out.

    Units are asked for one by one when there is room for them, so that a million of them need no memory. Outcomes come
    in the order they finish, one per unit. Closing the iterator early stops all work.
    """

    def run(self, function: UnitFunction, units: Iterable[Unit], heard: Heard | None = None) -> Iterator[Outcome]: ...


def reference(function: UnitFunction) -> str:
    """ "module:name" of a top-level function.

    Raises ValueError for one that another process could not import.
    """
    module, name = function.__module__, function.__qualname__
    if module == "__main__" or "." in name or "<" in name:
        raise ValueError(f"a unit function must be a top-level function of a module, got {module}:{name}")
    return f"{module}:{name}"


def resolve(text: str) -> UnitFunction:
    """The function `reference` named."""
    module, name = text.split(":")
    function: UnitFunction = getattr(import_module(module), name)
    return function


def to_json(outcome: Outcome) -> Json:
    """What a worker sends home."""
    return {
        "name": outcome.name,
        "receipt": outcome.receipt,
        "error": None if outcome.error is None else error_to_json(outcome.error),
        "seconds": outcome.seconds,
        "log": outcome.log,
        "memory": outcome.memory,
    }


def from_json(message: Json, attempts: int) -> Outcome:
    """The outcome that was sent; attempts  how often the unit was started."""
    return Outcome(
        message["name"],
        receipt=message["receipt"],
        error=None if message["error"] is None else error_from_json(message["error"]),
        attempts=attempts,
        seconds=message["seconds"],
        log=message["log"],
        memory=message["memory"],
    )


def error_to_json(error: SpinloomError) -> Json:
    return {"kind": type(error).__name__, "fault": error.fault, "file": error.file, "remedy": error.remedy}


def error_from_json(value: Json) -> SpinloomError:
    kind = getattr(errors, value["kind"], SpinloomError)
    error: SpinloomError = kind(value["fault"], file=value["file"], remedy=value["remedy"])
    return error
