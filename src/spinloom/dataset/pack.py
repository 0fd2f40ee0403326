"""pack: a finished data set → shards of a given size. The same call again skips the shards that are whole."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, UsageError
from spinloom.core.version import __version__
from spinloom.dataset import folder
from spinloom.dataset.card import packed_card
from spinloom.dataset.croissant import croissant
from spinloom.dataset.manifest import write_manifest
from spinloom.dataset.recipe import to_toml
from spinloom.dataset.shards import END, LIST, index_name, write_list, write_shard
from spinloom.dataset.shards_index import text_of
from spinloom.dataset.shards_source import Item, Source, open_source, samples
from spinloom.files import atomic, hashes
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.local import Local
from spinloom.jobs.run import Task, at_work
from spinloom.jobs.serial import Serial
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Executor

Json = dict[str, Any]
SHARD_BYTES = 256_000_000
Progress = Callable[[int, int, str], None]
"""progress(done, total, what): shards."""


@dataclass(frozen=True)
class PackSummary:
    """What a call did: shards made now and found whole, samples and bytes of all, wall time [s]."""

    out: Path
    made: int
    found: int
    samples: int
    bytes: int
    seconds: float

    def facts(self) -> dict[str, object]:
        return {
            "folder": str(self.out),
            "shards made": self.made,
            "shards found": self.found,
            "samples": self.samples,
            "size": f"{self.bytes / 1e6:.1f} MB",
            "time": f"{self.seconds:.1f} s",
        }


def pack(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    shard_bytes: int = SHARD_BYTES,
    jobs: int = 0,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> PackSummary:
    """Pack a finished data set (bids, or shards of one subject each) into the folder `out`, or finish that.

    shard_bytes  no shard is larger, but for a subject that alone is
    jobs         shards at once, each in a supervised process; 0: one after the other in this process
    executor     instead of jobs

    The bytes depend on the data set and shard_bytes alone. Raises InputError for an unfinished or damaged data set and
    for a folder that belongs to another one, MachineError for a full disk.
    """
    start = time.monotonic()
    if shard_bytes < 1_000_000:
        raise UsageError(f"shards of {shard_bytes} bytes are too small", remedy="Use 1 MB or more.")
    source, root = open_source(data), Path(out)
    _apart(source.folder, root)
    config = hashes.sha256_json({"source": source.identity, "shard_bytes": shard_bytes, "version": __version__})
    _claim(root, config)
    shards = plan(source.items, shard_bytes)
    task = Task(root, config, _names(len(shards)), _spec(source, root, config, shards), run_unit)
    done_now: list[str] = []

    def ended(name: str, what: str) -> None:
        done_now.append(name)
        if progress and what == "finished":
            progress(len(done_now), len(shards), name)

    def begin() -> None:
        atomic.write_json(root / folder.OWNER, {"config": config, "version": __version__})

    with terminable(), at_work(task, executor or _usual(jobs), ended=ended, begin=begin) as done:
        for outcome in done.outcomes:
            if outcome.error:
                raise outcome.error
        receipts = [receipt for name in task.names if (receipt := done.ledger.read(name))]
        size = _collect(root, source, config, receipts)
    return PackSummary(root, len(done.outcomes), len(done.found), len(source.items), size, time.monotonic() - start)


def plan(items: tuple[Item, ...], shard_bytes: int) -> list[tuple[Item, ...]]:
    """Subjects of each shard, in order; as many as surely fit."""
    shards: list[list[Item]] = []
    room = -1
    for item in items:
        if item.bytes > room:
            shards.append([])
            room = shard_bytes - len(END)
        shards[-1].append(item)
        room -= item.bytes
    return [tuple(shard) for shard in shards]


def run_unit(spec: Json) -> Json:
    """Write one shard and seal it."""
    out = Path(spec["out"])
    made = write_shard(out, spec["name"], samples(Path(spec["data"]), spec["items"]))
    files = [made["file"], index_name(made["file"])]
    return Ledger(out, spec["config"]).seal(spec["name"], files, made)


def _names(count: int) -> list[str]:
    digits = max(5, len(str(count - 1)))
    return [f"shard-{i:0{digits}d}" for i in range(count)]


def _spec(source: Source, root: Path, config: str, shards: list[tuple[Item, ...]]) -> Callable[[int, str], Json]:
    """What `run_unit` is called with for each shard."""
    common = {"out": str(root), "data": str(source.folder), "config": config}
    return lambda index, name: {**common, "name": name, "items": [item.spec() for item in shards[index]]}


def _collect(root: Path, source: Source, config: str, receipts: list[Json]) -> int:
    """Write what describes the whole; returns the bytes of all shards."""
    rows = [receipt["facts"] for receipt in receipts]
    files = {file: digest for receipt in receipts for file, digest in receipt["files"].items()}
    write_list(root, source.recipe.name, rows)
    atomic.write_text(root / folder.RECIPE, to_toml(source.recipe))
    atomic.write_text(root / "participants.tsv", text_of(source.folder / "participants.tsv"))
    readme = text_of(source.folder / "README.md")
    atomic.write_text(root / "README.md", packed_card(readme, len(rows)))
    files |= {n: hashes.sha256_file(root / n) for n in (LIST, folder.RECIPE, "participants.tsv", "README.md")}
    atomic.write_json(root / folder.CROISSANT, croissant(source.recipe, files))
    files[folder.CROISSANT] = hashes.sha256_file(root / folder.CROISSANT)
    write_manifest(root, config, files)
    return sum(row["bytes"] for row in rows)


def _claim(root: Path, config: str) -> None:
    """Refuse a folder that holds another data set, other shards or somebody else's files."""
    try:
        owner = json.loads((root / folder.OWNER).read_text(encoding="utf-8")).get("config")
    except (OSError, ValueError, AttributeError):
        owner = None
    if owner is not None and owner != config:
        raise InputError(
            "belongs to another data set, another size of shards or another version",
            file=root,
            remedy="Choose another folder, or delete it first.",
        )
    if owner is None and root.exists() and (not root.is_dir() or any(p.name[0] != "." for p in root.iterdir())):
        raise InputError("holds files that are no shards", file=root, remedy="Choose an empty or a new folder.")


def _apart(data: Path, out: Path) -> None:
    a, b = data.resolve(), out.resolve()
    if a == b or a in b.parents or b in a.parents:
        raise UsageError("shards cannot lie in the data set they are made of", remedy="Choose another folder with -o.")


def _usual(jobs: int) -> Executor:
    return Local(jobs=jobs) if jobs > 0 else Serial()
