"""Does synthetic data help a segmentation? The scans, the trainings and their scores, in a folder that resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.version import __version__
from spinloom.dataset.find_names import identity
from spinloom.files.hashes import sha256_file, sha256_json
from spinloom.jobs.run import Task, at_work
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Executor, UnitFunction
from spinloom.study.segmentation_cases import RealScan, judge
from spinloom.study.segmentation_design import TUNED, Design, Fold, Training, folds, trainings
from spinloom.study.segmentation_files import labels_hash, read_labelled_file
from spinloom.study.segmentation_found import Pairing
from spinloom.study.segmentation_units import anatomies, make_scans, plain, started, train_and_test
from spinloom.train.labelled import require_classes

Json = dict[str, Any]
Files = Mapping[str, Sequence[str]]
BENT = 5
"""Synthetic scans of one person of the template, bent, where there are no label maps."""


@dataclass(frozen=True)
class Sources:
    """Where scans come from.

    target     the user's scans; empty: a simulated domain
    synthetic  the user's synthetic set; empty: simulated
    maps       label maps of heads to simulate; empty: people bent out of the template
    people     of the target domain, where it is simulated without label maps
    """

    target: tuple[Pairing, ...] = ()
    synthetic: tuple[Pairing, ...] = ()
    maps: tuple[Path, ...] = ()
    contrast: str = "T1w"
    people: int = 12

    def told(self) -> Json:
        """What decides the bytes: names and contents."""
        files = [[p.name, p.anatomy, sha256_file(p.scan), *map(sha256_file, p.labels), p.classes] for p in self.pairs]
        told = {"files": files, "maps": [[m.name, sha256_file(m)] for m in self.maps], "contrast": self.contrast}
        return told if self.maps or self.target else {**told, "people": self.people}

    @property
    def pairs(self) -> tuple[Pairing, ...]:
        return self.target + self.synthetic


@dataclass(frozen=True)
class Ran:
    """What came out: receipts of all trainings, of all real scans, and who was who.

    target, synthetic  anatomy -> files in the folder
    learned  of each repeat, files of the synthetic set: none of its people tests there
    """

    design: Design
    folds: tuple[Fold, ...]
    target: dict[str, list[str]]
    synthetic: dict[str, list[str]]
    trained: tuple[Json, ...]
    cases: tuple[Json, ...]
    seconds: float
    learned: tuple[tuple[str, ...], ...]


def units_of_scans(sources: Sources, design: Design) -> list[tuple[str, Json]]:
    """(name, what make_scans is told) of every unit."""
    plan = {"seed": design.seed, "voxel_mm": design.voxel_mm, "contrast": sources.contrast}
    units: list[tuple[str, Json]] = []
    for domain, pairs in (("target", sources.target), ("synthetic", sources.synthetic)):
        for pair in pairs:
            told = {k: _plain(v) for k, v in asdict(pair).items()}
            units.append((f"{domain}-{pair.name}", {**plan, "kind": "read", "domain": domain, "pair": told}))
    heads = _heads(sources)
    for name, path in [] if sources.target else heads["target"]:
        units.append((f"target-{name}", {**plan, "kind": "target", "domain": "target", "map": path, "anatomy": name}))
    if not sources.synthetic and design.simulated:
        own = heads["synthetic"] or [(f"other-{n:03}", None) for n in range(-(-design.simulated // BENT))]
        for n, (name, path) in enumerate(own):
            made = [f"{name}-{k:03}" for k in range(len(range(n, design.simulated, len(own))))]
            unit = {"kind": "synthetic", "domain": "synthetic", "map": path, "anatomy": name, "scans": made}
            if made:
                units.append((f"synthetic-{name}", {**plan, **unit}))
    return units


def _heads(sources: Sources) -> dict[str, list[tuple[str, str | None]]]:
    """(anatomy, label map) of either domain. Of label maps the first third makes the synthetic set."""
    if not sources.maps:
        return {"target": [(f"person-{n:03}", None) for n in range(sources.people)], "synthetic": []}
    named: list[tuple[str, str | None]] = [(p.name.split(".")[0], str(p.resolve())) for p in sorted(sources.maps)]
    cut = len(named) if sources.target else max(1, len(named) // 3)
    return {"synthetic": named[:cut], "target": named[cut:]}


def people_of(sources: Sources) -> list[str]:
    """Names of the target domain's people."""
    names = [p.anatomy for p in sources.target] or [name for name, _ in _heads(sources)["target"]]
    return sorted(set(names))


def run(
    sources: Sources,
    design: Design,
    out: Path,
    executor: Executor,
    *,
    cases: Sequence[RealScan] = (),
    device: str = "cpu",
    say: Callable[[str, str], None] = lambda name, what: None,
) -> Ran:
    """Make or read the scans, train and test every network, then answer the real scans; what is done is not done again.

    device  of the trainings: a card is quicker, and its numbers are not a processor's to the last digit
    say  told (unit, what became of it)

    Raises InputError before any training for too few people, labels without a class, or a name that occurs twice.
    """
    began = time.monotonic()
    planned = folds(people_of(sources), design)
    units = units_of_scans(sources, design)
    if twice := sorted({name for name, _ in units if [n for n, _ in units].count(name) > 1}):
        raise InputError(f"several scans are called {', '.join(twice)}", remedy="Give each its own name or session.")
    scanned = {k: plain(design)[k] for k in ("seed", "voxel_mm", "simulated")}
    drawn = {"sources": sources.told(), "scans": scanned, "version": __version__}
    made = _done(out, sha256_json(drawn), units, make_scans, executor, say)
    base: Json = {**drawn, "design": {k: v for k, v in plain(design).items() if k not in ("repeats", "sizes")}}
    config = sha256_json(base)  # more repeats or sizes later find what is done
    listed = {d: [f for n, r in made.items() if n.startswith(d) for f in r["facts"]["scans"]] for d in DOMAINS}
    target, synthetic = anatomies(listed["target"]), anatomies(listed["synthetic"])
    for domain, files in (("the target domain", target), ("the synthetic set", synthetic)):
        require_classes([read_labelled_file(out / f) for of in files.values() for f in of], domain)
    twins = same_people(out, target, synthetic)
    learned = tuple(of_others(fold, synthetic, twins) for fold in planned)
    if any(len(files) < len(listed["synthetic"]) for files in learned):
        base["learned"] = [list(files) for files in learned]
        config = sha256_json(base)
    first, rest = trainings(design)

    def told(t: Training) -> tuple[str, Json]:
        fold = planned[t.repeat]
        return t.name, {
            "arm": t.arm,
            "n": t.n,
            "repeat": t.repeat,
            "design": plain(design),
            "target": [f for who in fold.train[: t.n] for f in target[who]],
            "synthetic": list(learned[t.repeat]),
            "test": [f for who in fold.test for f in target[who]],
            "device": device,
            "start": started(first[t.repeat].name) if t.arm == TUNED else None,
        }

    trained = _done(out, config, [told(t) for t in first], train_and_test, executor, say)
    trained |= _done(out, config, [told(t) for t in rest], train_and_test, executor, say)
    answered: dict[str, Json] = {}
    if cases:
        largest = max(design.sizes)
        networks = [[n, r["facts"]["arm"]] for n, r in trained.items() if r["facts"]["n"] in (0, largest)]
        what = {"design": plain(design), "networks": networks}
        names = [(f"case-{c.name}", {**what, "case": {k: _plain(v) for k, v in asdict(c).items()}}) for c in cases]
        key = sha256_json(
            {**base, "networks": networks, "cases": [[c.name, *map(sha256_file, c.files)] for c in cases]}
        )
        answered = _done(out, key, names, judge, executor, say)
    receipts = tuple(r["facts"] for r in trained.values())
    answers = tuple(r["facts"] for r in answered.values())
    return Ran(design, planned, target, synthetic, receipts, answers, time.monotonic() - began, learned)


def same_people(out: Path, target: Files, synthetic: Files) -> dict[str, set[str]]:
    """Anatomy of the target domain -> those of the synthetic set that are the same person: by name, or by equal labels
    of a scan. One map bent or resampled under another name is not found."""
    marks = [
        {who: {identity(who), *(labels_hash(out / f) for f in files)} for who, files in domain.items()}
        for domain in (target, synthetic)
    ]
    return {who: {other for other, its in marks[1].items() if own & its} for who, own in marks[0].items()}


def of_others(fold: Fold, synthetic: Files, twins: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Files of the synthetic set whose person does not test. Raises InputError where none is left."""
    barred = set().union(*(twins[who] for who in fold.test))
    kept = tuple(f for who, files in synthetic.items() if who not in barred for f in files)
    if synthetic and not kept:
        raise InputError(
            f"the synthetic set holds nobody but {', '.join(fold.test)}, who test",
            remedy="Give synthetic scans of other people, too.",
        )
    return kept


DOMAINS = ("target", "synthetic")


def _done(
    out: Path,
    config: str,
    units: list[tuple[str, Json]],
    function: UnitFunction,
    executor: Executor,
    say: Callable[[str, str], None],
) -> dict[str, Json]:
    """Receipts of units, in order. Raises PartialFailure with the first fault if one failed."""
    fixed = {"out": str(out.resolve()), "config": config}
    task = Task(
        out, config, [name for name, _ in units], lambda i, name: {**units[i][1], **fixed, "name": name}, function
    )
    with terminable() if _main_thread() else nullcontext(), at_work(task, executor, ended=say) as done:
        faults = [(o.name, o.error) for o in done.outcomes if o.error]
        receipts = {name: done.ledger.read(name) for name in task.names}
    if faults:
        name, error = faults[0]
        raise PartialFailure(f"{len(faults)} of {len(units)} units failed; {name}: {error}", file=out)
    return {name: r for name, r in receipts.items() if r is not None}


def _main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.resolve())
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
