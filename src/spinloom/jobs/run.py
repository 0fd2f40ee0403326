"""A folder's units, until all are done: by one run, by several that share the folder, or by parts of a job array."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinloom.core.errors import MachineError
from spinloom.files import atomic
from spinloom.files.lock import locked
from spinloom.jobs.claims import Claims, claims
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.presence import present
from spinloom.jobs.share import Share
from spinloom.jobs.state import LOCK, remember
from spinloom.jobs.units import Executor, Heard, Json, Outcome, Unit, UnitFunction, from_json, to_json

CLAIMS = Path(".spinloom") / "claims"
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Task:
    """What is to be done in a folder.

    names     of all units, in order;  spec  (index, name) -> what the function is called with
    function  seals a receipt of (config, name) in the folder's ledger when it is done
    config    hash of everything that decides the bytes
    """

    folder: Path
    config: str
    names: Sequence[str]
    spec: Callable[[int, str], Json]
    function: UnitFunction


@dataclass(eq=False)
class Done:
    """What a run did: outcomes of its own units; how many it found done.

    owner  whether it held the folder: then it is the one that writes what describes the whole
    """

    ledger: Ledger
    owner: bool = True
    found: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def complete(self, names: Sequence[str]) -> bool:
        """Whether every unit is done, or failed when it was last tried, by whomever."""
        return all(map(self.ledger.over, names))

    def failures(self) -> list[Outcome]:
        """Of all runs on the folder, as of the end of this one."""
        return [from_json(told, told["attempts"]) for told in self.ledger.failed().values()]


@contextmanager
def at_work(
    task: Task,
    executor: Executor,
    *,
    share: Share | None = None,
    join: bool = False,
    heard: Heard | None = None,
    ended: Callable[[str, str], None] = lambda name, what: None,
    begin: Callable[[], None] = lambda: None,
) -> Iterator[Done]:
    """Do the task's units that are not done; the block then runs while the folder is still held.

    share  of a job array: its units only, and others may be at work, too
    join   work beside a run that holds the folder, instead of refusing
    ended  told (name, "found", "finished" or "failed: why")
    begin  called once the folder is held, before any work

    Raises MachineError if another run holds the folder and join is not asked for, and what a unit says of the machine
    (a full disk stops everything).
    """
    part = share or Share()
    ledger = Ledger(task.folder, task.config)
    with ExitStack() as held:
        grip = held.enter_context(ExitStack())
        done = Done(ledger, owner=_hold(grip, task.folder, join or part.of > 1))
        if_alone = held.enter_context(present(task.folder))
        if_alone(lambda: _tidy(task.folder, ledger) if done.owner else None)
        begin()
        remember(task.folder, task.config, task.names)
        ledger.refresh()
        own = held.enter_context(claims(task.folder / CLAIMS))
        crew = _Crew(task, executor, own, done, heard, ended)
        try:
            left = crew.work([i for i in range(len(task.names)) if part.holds(i)])
            while left:
                done.owner = done.owner or _hold(grip, task.folder, join=True)
                if not done.owner:
                    break  # whoever holds the folder sees to them
                time.sleep(POLL_SECONDS)
                left = crew.work(left)
        except MachineError:
            if_alone(lambda: atomic.remove_leftovers(task.folder))  # of a full disk, too
            raise
        ledger.refresh()
        if_alone(lambda: atomic.remove_leftovers(task.folder))  # of workers that were killed
        done.outcomes.sort(key=lambda o: o.name)
        if done.owner and part.of > 1 and not done.complete(task.names):
            grip.close()  # who ended before this found the folder held, and left the whole to this run
            done.owner = False
            ledger.refresh()
        if not done.owner and done.complete(task.names):
            done.owner = _hold(grip, task.folder, join=True)
        yield done


def _tidy(folder: Path, ledger: Ledger) -> None:
    """After runs that died: only while nobody else is at work."""
    atomic.remove_leftovers(folder)
    ledger.compact()


@dataclass(eq=False)
class _Crew:
    task: Task
    executor: Executor
    claims: Claims
    done: Done
    heard: Heard | None
    ended: Callable[[str, str], None]

    def work(self, indices: Sequence[int]) -> list[int]:
        """Do those that are neither done nor claimed; returns those that others are at work on."""
        elsewhere: list[int] = []
        running = self.executor.run(self.task.function, self._pending(indices, elsewhere), self.heard)
        try:
            for outcome in running:
                self.claims.release(outcome.name)
                if isinstance(outcome.error, MachineError):
                    raise outcome.error
                if outcome.error:
                    self.done.ledger.fail(outcome.name, {**to_json(outcome), "attempts": outcome.attempts})
                self.done.outcomes.append(replace(outcome, receipt=None))  # it lies in the ledger
                self.ended(outcome.name, f"failed: {outcome.error}" if outcome.error else "finished")
        finally:
            close = getattr(running, "close", None)
            if close:
                close()
        return elsewhere

    def _pending(self, indices: Sequence[int], elsewhere: list[int]) -> Iterator[Unit]:
        """Asked for one by one, so a unit is claimed just before it is started."""
        ledger, names = self.done.ledger, self.task.names
        for i in indices:
            if ledger.done(names[i]):
                self._found(names[i])
            elif not self.claims.take(names[i]):
                elsewhere.append(i)
            elif ledger.refresh() and ledger.done(names[i]):  # somebody was faster
                self.claims.release(names[i])
                self._found(names[i])
            else:
                yield Unit(names[i], self.task.spec(i, names[i]))

    def _found(self, name: str) -> None:
        self.done.found.append(name)
        self.ended(name, "found")


def _hold(stack: ExitStack, folder: Path, join: bool) -> bool:
    """Take the folder's lock; if another run has it: False for one that joins, else MachineError."""
    try:
        stack.enter_context(locked(folder / LOCK))
    except MachineError:
        if not join or sys.platform == "win32" or not (folder / LOCK).exists():  # there units cannot be claimed
            raise
        return False
    return True
