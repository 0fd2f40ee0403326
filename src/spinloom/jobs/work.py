"""Which unit is started next: those not tried yet, those to be tried again, and last, one at a time, the suspects."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from spinloom.core.errors import SpinloomError
from spinloom.jobs.patience import Patience, Verdict
from spinloom.jobs.units import Outcome, Unit


@dataclass(eq=False)
class Work:
    """Units of one run.

    fresh    asked for one by one
    again    whose worker died once
    suspects  to run with nothing else, once all others are over
    running  by name
    alone    the suspect that runs, if one does
    """

    fresh: Iterator[Unit]
    again: deque[Unit] = field(default_factory=deque)
    suspects: deque[Unit] = field(default_factory=deque)
    running: dict[str, Unit] = field(default_factory=dict)
    alone: str | None = None
    retried: set[str] = field(default_factory=set)

    def next(self) -> Unit | None:
        """The unit to start now; None if none may be started (yet)."""
        if self.alone is not None:
            return None
        unit = self.again.popleft() if self.again else next(self.fresh, None)
        if unit is None and self.suspects and not self.running:
            unit = self.suspects.popleft()
            self.alone = unit.name
        if unit is not None:
            self.running[unit.name] = unit
        return unit

    def over(self, unit: Unit) -> None:
        self.running.pop(unit.name, None)
        self.retried.discard(unit.name)
        if self.alone == unit.name:
            self.alone = None

    def died(self, unit: Unit, patience: Patience) -> int:
        """Its worker died: it is queued again and 0 returned; or it is given up, after so many starts."""
        verdict = patience.died(unit.name, alone=self.alone == unit.name)
        self.over(unit)
        if verdict is Verdict.GIVEN_UP:
            return patience.over(unit.name)
        (self.suspects if verdict is Verdict.ALONE else self.again).append(unit)
        return 0

    def short_of_memory(self, unit: Unit) -> bool:
        """It ran out of memory; True if it is queued to run alone, which it is once."""
        if self.alone == unit.name or unit.name in self.retried:
            return False
        self.over(unit)
        self.retried.add(unit.name)
        self.suspects.append(unit)
        return True


def quarantined(unit: Unit, attempts: int, why: str, seconds: float) -> Outcome:
    """A unit that is given up."""
    error = SpinloomError(
        f"the worker process {why}, {attempts} times, at last with nothing else running",
        remedy="Often this is a lack of memory: give the machine more. Run with --jobs 0 to see it happen.",
    )
    return Outcome(unit.name, error=error, attempts=attempts, seconds=seconds)
