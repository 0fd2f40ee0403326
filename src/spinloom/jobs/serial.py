"""Run units one after the other in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spinloom.jobs.attempt import attempt
from spinloom.jobs.units import Outcome, Unit, UnitFunction


@dataclass(frozen=True)
class Serial:
    """In this process, in order."""

    def run(self, function: UnitFunction, units: Sequence[Unit]) -> Iterator[Outcome]:
        for unit in units:
            yield attempt(function, unit.name, unit.spec)
