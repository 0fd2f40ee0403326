"""A study's independent trainings and cases as jobs: whoever does them, and however often the study is begun."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.version import __version__
from spinloom.files import atomic
from spinloom.files.hashes import sha256_json
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.run import Task, at_work
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Executor, Json, UnitFunction, reference, resolve

FILES = "files"
Arrays = Mapping[str, np.ndarray]


def done(
    out: Path, function: UnitFunction, units: Mapping[str, Json], executor: Executor,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Json]:  # fmt: skip
    """What the function answers of every unit, by name, in order.

    out       the study's folder: the ledger
    function  spec → answer; the spec tells it `out`, too. Files that it names under FILES, relative to the folder, are
              kept with the receipt
    units     name → spec; a unit is found again if its spec is the same and its files are there, so a spec tells
              whatever may change of its input

    Raises PartialFailure with the first fault once all units are over: the same command does the failed ones again.
    """
    what = reference(function)
    names = {f"{name}@{sha256_json([what, spec])[:16]}": name for name, spec in units.items()}
    config = sha256_json({"version": __version__})
    fixed = {"folder": str(out.resolve()), "config": config, "function": what}

    def told(sealed: str, text: str) -> None:
        say(f"{names.get(sealed, sealed)}: {text}")

    task = Task(out, config, list(names), lambda _, n: {**fixed, "name": n, "spec": units[names[n]]}, seal)
    with terminable(), at_work(task, executor, heard=told, ended=told) as over:
        faults = [(names[o.name], o.error) for o in over.outcomes if o.error]
        receipts = {name: over.ledger.finished(sealed) for sealed, name in names.items()}
    if faults:
        name, error = faults[0]
        raise PartialFailure(
            f"{len(faults)} of {len(units)} units failed; {name}: {error}", file=out,
            remedy="The same command does these again, and no other.",
        )  # fmt: skip
    return {name: receipt["facts"] for name, receipt in receipts.items() if receipt is not None}


def seal(spec: Json) -> Json:
    """The unit of work: what the wrapped function answers is its receipt."""
    answer = resolve(spec["function"])({**spec["spec"], "out": spec["folder"]})
    facts = {k: v for k, v in answer.items() if k != FILES}
    return Ledger(Path(spec["folder"]), spec["config"]).seal(spec["name"], answer.get(FILES, []), facts)


def placed(name: str) -> str:
    """A model's name, or its path as any process finds it."""
    return str(Path(name).resolve()) if Path(name).exists() else name


def write_arrays(path: Path, arrays: Arrays) -> None:
    """One compressed .npz, atomically."""
    data = io.BytesIO()
    np.savez_compressed(data, **dict(arrays))  # type: ignore[arg-type]
    atomic.write_bytes(path, data.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Raises InputError for a file that is damaged."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError("is no file of this study", file=path, remedy="Remove it and run again.") from error
