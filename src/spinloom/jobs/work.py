"""Which unit is started next: those not tried yet, those to be tried again, and last, one at a time, the suspects."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from spinloom.core.errors import SpinloomError
from spinloom.jobs.patience import Patience, Verdict
from spinloom.jobs.units import Json, Outcome, Unit, from_json


@dataclass(eq=False)
class Work:
    """Units of one run.

    fresh    asked for one by one;  patience  with those whose workers die
    again    whose worker died once
    suspects  to run with nothing else, once all others are over
    running  by name
    alone    the suspect that runs, if one does
    """

    fresh: Iterator[Unit]
    patience: Patience = field(default_factory=Patience)
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
            self.patience.begin(unit.name)
        return unit

    def answered(self, unit: Unit, message: Json) -> Outcome | None:
        """What its worker sent home: its outcome, or None if it ran out of memory and is to run alone, once."""
        if message["memory"] and self.alone != unit.name and unit.name not in self.retried:
            self._over(unit)
            self.retried.add(unit.name)
            self.suspects.append(unit)
            return None
        self._over(unit)
        return from_json(message, self.patience.over(unit.name))

    def died(self, unit: Unit, why: str, seconds: float) -> Outcome | None:
        """Its worker ended after so long: it is queued again, or given up with an outcome that says why."""
        verdict = self.patience.died(unit.name, alone=self.alone == unit.name)
        self._over(unit)
        if verdict is Verdict.GIVEN_UP:
            return quarantined(unit, self.patience.over(unit.name), why, seconds)
        (self.suspects if verdict is Verdict.ALONE else self.again).append(unit)
        return None

    def _over(self, unit: Unit) -> None:
        self.running.pop(unit.name, None)
        self.retried.discard(unit.name)
        if self.alone == unit.name:
            self.alone = None


def quarantined(unit: Unit, attempts: int, why: str, seconds: float) -> Outcome:
    """A unit that is given up."""
    error = SpinloomError(
        f"the worker process {why}, {attempts} times, at last with nothing else running",
        remedy="Often this is a lack of memory: give the machine more. Run with --jobs 0 to see it happen.",
    )
    return Outcome(unit.name, error=error, attempts=attempts, seconds=seconds)
