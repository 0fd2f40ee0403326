"""`spinloom translate` of a folder of subjects, as jobs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinloom.cli.folders import tell
from spinloom.cli.translate_unit import LIST, case_of, listed, translate_case, unit_name

if TYPE_CHECKING:
    from spinloom.dataset.scans import Found
    from spinloom.jobs.share import Share
    from spinloom.jobs.units import Executor
    from spinloom.translate.model import Model


def many(
    models: list[Model], found: Found, folder: Path, out: Path, how: dict[str, Any], crew: Executor, *,
    share: Share, join: bool,
) -> dict[str, object]:  # fmt: skip
    """A folder of subjects → a BIDS derivative; one bad case stops no other. The same command again resumes it.

    how  models (names), back and options: what decides the bytes, beside the scans
    """
    from spinloom.cli.keep import keep_inputs
    from spinloom.cli.write import print_note
    from spinloom.core.errors import InputError, PartialFailure
    from spinloom.dataset.pairing import pair
    from spinloom.dataset.pairs_file import write_pairs
    from spinloom.files.hashes import sha256_json
    from spinloom.jobs.run import Task, at_work
    from spinloom.jobs.signals import terminable
    from spinloom.translate.derivative import destination, write_description

    keep_inputs([folder], [out])
    names = tuple(s.contrast for s in models[0].plan.source)
    if out.exists() and not out.is_dir():
        raise InputError("is a file; a folder of scans is answered by a folder", file=out)
    pairs = pair(found, names, (), read=False)
    places = [destination(out, p.subject, p.session, names[0], models[0].name) for p in pairs.pairs]
    often = Counter(places)
    if twice := [p.name for p, where in zip(pairs.pairs, places, strict=True) if often[where] > 1]:
        raise InputError(f"{', '.join(twice)}: in BIDS they have one name", file=folder, remedy="Rename one of them.")
    faults = [(str(f), why) for f, why in pairs.faults]
    config = sha256_json({**how, "models": [m.sha256 for m in models]})
    absolute = {**how, "models": [str(Path(n).resolve()) if Path(n).exists() else n for n in how["models"]]}

    def spec(index: int, name: str) -> dict[str, Any]:
        return {"out": str(out.resolve()), "config": config, "name": name, **absolute}

    def begin() -> None:
        write_pairs(pairs, (out / LIST).parent, progress=lambda name: None)
        listed.cache_clear()
        write_description(out, models, folder.name)

    def ended(name: str, what: str) -> None:
        tell(f"{case_of(name)} {what}")

    task = Task(out, config, [unit_name(p) for p in pairs.pairs], spec, translate_case)
    with terminable(), at_work(task, crew, share=share, join=join, ended=ended, begin=begin) as done:
        faults += [(case_of(o.name), str(o.error)) for o in done.outcomes if o.error]
        receipts = {case_of(name): done.ledger.read(name) for name in task.names}
    flags = {n: r["facts"]["outside the training"] for n, r in receipts.items() if r}
    for who, why in faults:
        print_note(f"spinloom: not translated: {who}: {why}")
    if faults and not flags:
        raise InputError(
            f"none of {len(faults)} could be translated, for the reasons above; the first: {faults[0][1]}", file=folder
        )
    if faults:
        raise PartialFailure(f"{len(faults)} were not translated; {len(flags)} cases are in {out}")
    return {
        "written": [str(out)],
        "cases": len(flags),
        "found": len(done.found),
        "outside the training": {n: w for n, w in flags.items() if w},
    }
