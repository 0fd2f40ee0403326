"""Where a run stands, and tidying up after one, from what lies in its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import InputError, MachineError
from spinloom.files import atomic
from spinloom.files.lock import holder, locked
from spinloom.files.walk import files_below
from spinloom.jobs.ledger import JOURNAL, Ledger
from spinloom.jobs.presence import present
from spinloom.jobs.units import Json

TASK = Path(".spinloom") / "task.json"
LOCK = Path(".spinloom") / "lock"
NAMED = 20_000
"""Units up to which a task is remembered by name: a folder may hold receipts of units that nobody asks for any more."""


@dataclass(frozen=True)
class State:
    """units  of the task;  done  of them sealed;  holder  of the folder, as a sentence (None: nobody is at work)
    idle  seconds since something was sealed (None: nothing was);  leftovers  temp files of runs that died
    """

    folder: Path
    units: int
    done: int
    holder: str | None
    idle: float | None
    leftovers: int

    def facts(self) -> dict[str, object]:
        return {
            "folder": str(self.folder),
            "units": self.units,
            "done": self.done,
            "left": self.units - self.done,
            "at work": self.holder or "nobody",
            "last sealed": "never" if self.idle is None else f"{self.idle:.0f} s ago",
            "leftovers": self.leftovers,
        }


def remember(folder: Path, config: str, names: Sequence[str]) -> None:
    """What is to be done here, for those who ask later."""
    told: Json = {"config": config, "units": len(names)}
    if len(names) <= NAMED:
        told["names"] = list(names)
    if _task(folder) != told:
        atomic.write_json(folder / TASK, told)


def state(folder: Path) -> State:
    """Of a run that is at work, over, or dead. Raises InputError for a folder without a run."""
    told = _task(folder)
    if told is None:
        raise InputError("holds no run", file=folder, remedy="Name the output folder of a command that makes many.")
    ages = []
    for segment in (folder / JOURNAL).glob("*.jsonl"):
        with suppress(FileNotFoundError):  # compacted meanwhile
            ages.append(time.time() - segment.stat().st_mtime)
    left = sum(p.name.startswith(atomic.TEMP_MARK) for p in files_below(folder))
    ledger = Ledger(folder, str(told["config"]))
    sealed = ledger.refresh()
    done = sum(ledger.read(name) is not None for name in told["names"]) if "names" in told else sealed
    return State(folder, int(told["units"]), done, holder(folder / LOCK), min(ages) if ages else None, left)


def clean(folder: Path) -> Json:
    """Remove what dead runs left: temp files, journals beside the first. What is done stays.

    Raises InputError for a folder without a run, MachineError while one is at work.
    """
    told = _task(folder)
    if told is None:
        raise InputError("holds no run", file=folder, remedy="Name the output folder of a command that makes many.")
    tidied: Json = {"folder": str(folder)}

    def tidy() -> None:
        tidied["temp files removed"] = atomic.remove_leftovers(folder)
        before = len(list((folder / JOURNAL).glob("*.jsonl")))
        Ledger(folder, str(told["config"])).compact()
        tidied["journals joined"] = before - len(list((folder / JOURNAL).glob("*.jsonl")))

    with locked(folder / LOCK), present(folder) as if_alone:
        if not if_alone(tidy):  # parts of a job array may outlive the one that holds the folder
            raise MachineError("another run is at work here", file=folder, remedy="Wait for it.")
    return tidied


def _task(folder: Path) -> Json | None:
    try:
        value = json.loads((folder / TASK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    sound = isinstance(value, dict) and isinstance(value.get("units"), int) and "config" in value
    sound = sound and isinstance(value.get("names", []), list)
    return value if sound else None
