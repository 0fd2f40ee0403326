"""Run units one after the other in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from spinloom.jobs.attempt import attempt
from spinloom.jobs.say import listening
from spinloom.jobs.units import Heard, Outcome, Unit, UnitFunction


@dataclass(frozen=True)
class Serial:
    """In this process, in order."""

    def run(self, function: UnitFunction, units: Iterable[Unit], heard: Heard | None = None) -> Iterator[Outcome]:
        for unit in units:
            with listening(partial(heard, unit.name) if heard else _ignore):
                outcome = attempt(function, unit.name, unit.spec)
            yield outcome


def _ignore(text: str) -> None:
    pass
