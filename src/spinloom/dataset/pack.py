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
from spinloom.files.lock import locked
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Executor, Unit

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
    with terminable(), locked(root / folder.LOCK):
        atomic.remove_leftovers(root)
        atomic.write_json(root / folder.OWNER, {"config": config, "version": __version__})
        ledger = Ledger(root, config)
        work = _units(source, root, config, plan(source.items, shard_bytes))
        found = {unit.name for unit in work if ledger.finished(unit.name)}
        todo = [unit for unit in work if unit.name not in found]
        for done, outcome in enumerate((executor or _usual(jobs)).run(run_unit, todo), len(found) + 1):
            if outcome.error:
                raise outcome.error
            if progress:
                progress(done, len(work), outcome.name)
        sealed = Ledger(root, config)
        receipts = [receipt for unit in work if (receipt := sealed.read(unit.name))]
        size = _collect(root, source, config, receipts)
    return PackSummary(root, len(todo), len(found), len(source.items), size, time.monotonic() - start)


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


def _units(source: Source, root: Path, config: str, shards: list[tuple[Item, ...]]) -> list[Unit]:
    digits = max(5, len(str(len(shards) - 1)))
    names = [f"shard-{i:0{digits}d}" for i in range(len(shards))]
    common = {"out": str(root), "data": str(source.folder), "config": config}
    return [
        Unit(name, {**common, "name": name, "items": [item.spec() for item in shard]})
        for name, shard in zip(names, shards, strict=True)
    ]


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
