"""An executor that keeps receipts in a folder: what was done once is found, by the same run again or by others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import Elsewhere
from spinloom.core.version import __version__
from spinloom.files.hashes import sha256_json
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.run import Task, at_work
from spinloom.jobs.share import Share
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Executor, Heard, Json, Outcome, Unit, UnitFunction, reference, resolve


@dataclass(frozen=True)
class Kept:
    """Units whose receipt is all that they make.

    folder    of the receipts; the units' files are no concern of this
    executor  who works
    share     of a job array: its units only;  join  work beside a run that holds the folder

    A unit is found again if its name and its spec are the same, so a spec must tell whatever may change of its input.
    """

    folder: Path
    executor: Executor
    share: Share | None = None
    join: bool = False

    def run(self, function: UnitFunction, units: Iterable[Unit], heard: Heard | None = None) -> Iterator[Outcome]:
        """Outcomes of all units, in their order, once the last is over.

        Raises Elsewhere while others are at work on the rest, MachineError if another run holds the folder.
        """
        asked = {f"{unit.name}@{sha256_json(unit.spec)[:16]}": unit for unit in units}
        config = sha256_json({"function": reference(function), "version": __version__})
        fixed = {"folder": str(self.folder), "config": config, "function": reference(function)}
        task = Task(
            self.folder, config, list(asked), lambda _, name: {**fixed, "name": name, "spec": asked[name].spec}, keep
        )
        with (
            terminable(),
            at_work(task, self.executor, share=self.share, join=self.join, heard=heard) as done,
        ):
            if not done.complete(task.names):
                ready = sum(map(done.ledger.over, task.names))
                raise Elsewhere(
                    f"{ready} of {len(asked)} are done; others are at work on the rest",
                    file=self.folder,
                    remedy="Whoever ends last has the result; the same command gives it again.",
                )
            failed = {outcome.name: outcome for outcome in done.failures()}
            for name, unit in asked.items():
                receipt = done.ledger.read(name)
                bad = failed.get(name)
                yield Outcome(
                    unit.name, None if receipt is None else receipt["facts"], None if bad is None else bad.error
                )


def keep(spec: Json) -> Json:
    """The unit of work: what the wrapped one answers is its receipt."""
    answer = resolve(spec["function"])(spec["spec"])
    return Ledger(Path(spec["folder"]), spec["config"]).seal(spec["name"], [], answer)
