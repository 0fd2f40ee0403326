"""What `generate` would make, from one subject that is really made, in a temporary folder that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, MachineError, SpinloomError, UsageError
from spinloom.dataset import folder
from spinloom.dataset.fields import Recipe
from spinloom.dataset.plan import forecast
from spinloom.dataset.recipe import config_hash
from spinloom.dataset.subject import subject_name
from spinloom.dataset.unit import run_unit, specs
from spinloom.jobs.ledger import JOURNAL, Ledger
from spinloom.jobs.local import Local
from spinloom.jobs.units import Json, Unit

PILOT_SECONDS = 900.0
"""A pilot that takes longer is given up [s]; then only the formulas of `plan` remain."""

QUICK_SECONDS = 10.0
"""A subject quicker than this is made twice, because imports and compiled code would count too much [s]."""

BLOCK = 4096
"""What files are rounded up to on most disks [bytes]."""


@dataclass(frozen=True)
class Pilot:
    """One subject as it was made.

    seconds  of its unit of work, with the threads it will have [s]
    start    of a worker, once per job [s]
    bytes    of its files; on_disk: rounded up to blocks
    files    how many
    """

    subject: str
    seconds: float
    start: float
    bytes: int
    on_disk: int
    files: int


def dry_run(out: str | os.PathLike[str], recipe: Recipe, *, jobs: int = 1, timeout: float = PILOT_SECONDS) -> Json:
    """Counts, bytes and time of a data set; nothing is written below `out`.

        time = start + ceil(left / jobs) * seconds,   bytes = left * bytes

    left is the subjects that `out` has no receipt of. Subjects differ by some percent, and jobs share the memory bus.
    jobs     subjects at once; 0: one, in this process
    timeout  of the pilot [s]

    Raises UsageError and InputError where `generate` would refuse the recipe, the folder or the first subject.
    """
    facts = forecast(recipe)
    root, config = Path(out), config_hash(recipe)
    folder.claim(root, recipe, config)
    left = recipe.subjects - _already(root, config)
    at_once = max(1, jobs)
    facts |= {"subjects there already": recipe.subjects - left, "jobs": at_once}
    try:
        pilot = make_pilot(recipe, jobs=at_once, timeout=timeout)
    except (InputError, UsageError):
        raise
    except SpinloomError as error:
        return facts | {"pilot": f"not measured ({error}); size and time are by formula", **_disk(root, None)}
    return facts | extrapolated(pilot, left, at_once) | _disk(root, left * pilot.on_disk)


def extrapolated(pilot: Pilot, left: int, jobs: int) -> Json:
    """Size and time of `left` subjects."""
    seconds = pilot.start + ceil(left / jobs) * pilot.seconds if left else 0.0
    return {
        "pilot": f"{pilot.subject}: {pilot.seconds:.2f} s, {size(pilot.bytes)} in {pilot.files} files",
        "files": left * pilot.files,
        "size": f"about {size(left * pilot.bytes)}",
        "time": f"about {duration(seconds)} with {jobs} {'job' if jobs == 1 else 'jobs'}",
        "seconds": round(seconds, 1),
        "bytes": left * pilot.bytes,
    }


def make_pilot(recipe: Recipe, *, jobs: int, timeout: float = PILOT_SECONDS) -> Pilot:
    """Make the first subject in a temporary folder, as one of `jobs` workers would, and measure it.

    Raises what making it raises; SpinloomError if it takes longer than timeout [s] or its worker dies.
    """
    name, config = subject_name(0, recipe.subjects), config_hash(recipe)
    with tempfile.TemporaryDirectory(prefix="spinloom-pilot-") as temp:
        root, began = Path(temp), time.monotonic()
        unit = Unit(name, specs(root, recipe, config)(0, name))
        (outcome,) = Local(jobs=jobs, timeout=timeout).run(pilot_unit, [unit])
        if outcome.error:
            raise outcome.error
        assert outcome.receipt is not None
        sizes = [(root / file).stat().st_size for file in outcome.receipt["files"]]
    seconds, runs = outcome.receipt["seconds"], outcome.receipt["runs"]
    start = max(0.0, time.monotonic() - began - runs * seconds)
    on_disk = sum(ceil(n / BLOCK) * BLOCK for n in sizes)
    return Pilot(name, seconds, start, sum(sizes), on_disk, len(sizes))


def pilot_unit(spec: Json) -> Json:
    """Make a subject and say how long it took [s]; one that was quick, a second time, when everything is loaded."""
    begun = Path(spec["out"]) / "begun"
    if begun.exists():  # a process that was killed for its time or memory is started again: once is enough
        raise MachineError("the first subject took too long, or too much memory")
    begun.touch()
    seconds: list[float] = []
    while not seconds or (len(seconds) == 1 and seconds[0] < QUICK_SECONDS):
        began = time.monotonic()
        receipt = run_unit(spec)
        seconds.append(time.monotonic() - began)
    return {"files": receipt["files"], "seconds": seconds[-1], "runs": len(seconds)}


def size(n: float) -> str:
    """1 kB = 1000 bytes."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:,.3g} TB" if n < 1000 else f"{n:,.0f} TB"


def duration(seconds: float) -> str:
    for unit, length, limit in (("s", 1.0, 120.0), ("min", 60.0, 7200.0), ("h", 3600.0, 172800.0)):
        if seconds < limit:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 86400:,.1f} days"


def _already(root: Path, config: str) -> int:
    """Subjects of these settings that the folder has a receipt of."""
    return Ledger(root, config).refresh() if (root / JOURNAL).is_dir() else 0


def _disk(root: Path, needed: int | None) -> dict[str, Any]:
    """Free space where the data set would be, and whether it fits."""
    place = next(p for p in (root.absolute(), *root.absolute().parents) if p.is_dir())
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise InputError(
            f"cannot be looked at: {error.strerror}", file=place, remedy="Choose another folder."
        ) from error
    short = needed is not None and needed > free
    return {"disk free": size(free) + (": TOO LITTLE" if short else ""), "written": "nothing"}
