"""generate: recipe → a folder with a data set. The same command again resumes it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import PartialFailure
from spinloom.core.version import __version__
from spinloom.dataset import folder
from spinloom.dataset.croissant import croissant
from spinloom.dataset.fields import Recipe
from spinloom.dataset.layout import layout_of
from spinloom.dataset.manifest import write_manifest
from spinloom.dataset.plan import steps_per_subject, validate
from spinloom.dataset.recipe import config_hash, to_toml
from spinloom.dataset.subject import subject_name
from spinloom.dataset.unit import run_unit, specs
from spinloom.files import atomic, hashes
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.local import Local
from spinloom.jobs.run import Task, at_work
from spinloom.jobs.serial import Serial
from spinloom.jobs.share import Share
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Executor, Json, Outcome

Progress = Callable[[int, int, str], None]
"""progress(done, total, what): steps of all subjects, and the last one, e.g. "sub-001 T1w"."""


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    made, found  subjects made now, and found whole from an earlier run
    failed       subject → why
    files, bytes size of the data set
    seconds      wall time
    report       the page to look at, of a data set in BIDS
    whole        whether this run wrote what describes the whole; else another one that is at work will
    """

    out: Path
    made: tuple[str, ...]
    found: tuple[str, ...]
    failed: dict[str, str]
    files: int
    bytes: int
    seconds: float
    report: Path | None = None
    whole: bool = True

    def facts(self) -> dict[str, object]:
        return {
            "folder": str(self.out),
            "subjects made": len(self.made),
            "subjects found": len(self.found),
            "failed": [f"{name}: {why}" for name, why in self.failed.items()],
            "files": self.files,
            "size": f"{self.bytes / 1e6:.1f} MB",
            "time": f"{self.seconds:.1f} s",
            "report": str(self.report or ("none" if self.whole else "written by the run that ends last")),
        }

    def raise_if_incomplete(self) -> None:
        """PartialFailure if a subject could not be made."""
        if self.failed:
            name, why = next(iter(self.failed.items()))
            raise PartialFailure(
                f"{len(self.failed)} of {len(self.made) + len(self.found) + len(self.failed)} subjects failed; "
                f"{name}: {why}",
                file=self.out / folder.FAILURES,
                remedy="The others are whole. The same command tries the failed ones again.",
            )


def generate(
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    executor: Executor | None = None,
    share: Share | None = None,
    join: bool = False,
    report: bool = True,
) -> RunSummary:
    """Make a data set in the folder `out`, or finish it.

    recipe    None: the default, three whole heads with T1w, T2w, FLAIR and PDw at 3 T
    jobs      subjects at once, each in a supervised process; 0: one after the other in this process
    progress  told each step
    executor  instead of jobs
    share     of a job array: these subjects only; whoever ends last writes what describes the whole
    join      help a run that is at work on the folder, instead of refusing
    report    write report.html too (of a data set in BIDS)

    Raises UsageError for a recipe that asks for the impossible, InputError if the folder belongs to another recipe
    or to somebody else, MachineError if the disk is full or another run is at work. A subject that cannot be
    made does not raise: it is in the summary's `failed` and in failures.tsv.
    """
    start = time.monotonic()
    recipe = recipe or Recipe()
    validate(recipe)
    root, config = Path(out), config_hash(recipe)
    folder.claim(root, recipe, config)
    names = [subject_name(i, recipe.subjects) for i in range(recipe.subjects)]
    task = Task(root, config, names, specs(root, recipe, config), run_unit)
    teller = _Teller(progress, recipe, names)
    engine = executor or (Local(jobs=jobs) if jobs > 0 else Serial())
    with (
        terminable(),
        at_work(
            task, engine, share=share, join=join, heard=teller.heard, ended=teller.end,
            begin=lambda: folder.mark(root, recipe, config),
        ) as done,
    ):  # fmt: skip
        failed = {o.name: str(o.error) for o in done.outcomes if o.error}
        made = tuple(o.name for o in done.outcomes if not o.error)
        listed: dict[str, str] = {}
        page = None
        if done.owner and (share is None or share.of == 1 or done.complete(names)):
            listed = _collect(root, recipe, done.ledger, names, config)
            folder.write_failures(root, done.failures())
            _write_run(root, jobs, done.outcomes, done.found, time.monotonic() - start)
            page = _report(root, recipe, listed) if report else None
        size = sum((root / file).stat().st_size for file in listed)
        return RunSummary(
            root, made, tuple(done.found), failed, len(listed), size, time.monotonic() - start, page, done.owner
        )


def _collect(root: Path, recipe: Recipe, ledger: Ledger, names: list[str], config: str) -> dict[str, str]:
    """Write what describes the whole; returns path → SHA-256 of every file the seed decides."""
    receipts = [r for name in names if (r := ledger.read(name)) and r["config"] == config]
    files: dict[str, str] = {}
    for receipt in receipts:
        files |= receipt["files"]
    atomic.write_text(root / folder.RECIPE, to_toml(recipe))
    shared = [folder.RECIPE, *(layout_of(recipe).write_collection(root, recipe, receipts) if receipts else [])]
    files |= {file: hashes.sha256_file(root / file) for file in shared}
    atomic.write_json(root / folder.CROISSANT, croissant(recipe, files))
    files[folder.CROISSANT] = hashes.sha256_file(root / folder.CROISSANT)
    write_manifest(root, config, files)
    return files


def _write_run(root: Path, jobs: int, outcomes: list[Outcome], found: list[str], seconds: float) -> None:
    """run.json: what differs from run to run."""
    value: Json = {
        "software": f"Spinloom {__version__}",
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 2),
        "jobs": jobs,
        "found": found,
        "subjects": {
            o.name: {"seconds": round(o.seconds, 2), "attempts": o.attempts, "failed": bool(o.error)} for o in outcomes
        },
    }
    atomic.write_json(root / folder.RUN, value)


def _report(root: Path, recipe: Recipe, listed: dict[str, str]) -> Path | None:
    """report.html, where there is something to show."""
    if recipe.output.layout != "bids" or "participants.tsv" not in listed:
        return None
    from spinloom.dataset.report import write_report

    return write_report(root)


class _Teller:
    """Counts steps and passes them on."""

    def __init__(self, progress: Progress | None, recipe: Recipe, names: list[str]) -> None:
        self._progress = progress
        self._each = steps_per_subject(recipe)
        self._done = dict.fromkeys(names, 0)
        self._sum = 0

    def heard(self, subject: str, what: str) -> None:
        self._reach(subject, min(self._done[subject] + 1, self._each))
        self._tell(subject, what)

    def end(self, subject: str, what: str) -> None:
        self._reach(subject, self._each)
        self._tell(subject, what)

    def _reach(self, subject: str, steps: int) -> None:
        self._sum += steps - self._done[subject]
        self._done[subject] = steps

    def _tell(self, subject: str, what: str) -> None:
        if self._progress:
            self._progress(self._sum, self._each * len(self._done), f"{subject} {what}")
