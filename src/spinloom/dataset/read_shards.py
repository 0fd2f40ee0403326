"""Shards → samples: by index, at random or in a shuffled order that one integer resumes.

    shards = Shards("shards")
    shards["sub-001"]["T1w.nii.gz"]                    bytes of one member
    for sample in shards.read(seed=0, epoch=3): ...     every sample once

Nothing is unpacked to disk, and no byte is taken from a tar before name, kind, place and size of its member are right.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.dataset.shards import FOLDER, FORMAT, LIST, index_name
from spinloom.dataset.shards_index import AGAIN, KEY, Entry, from_lines, text_of
from spinloom.dataset.shards_members import read_members
from spinloom.dataset.shards_order import rest, shuffled
from spinloom.files import gate, hashes

Json = dict[str, Any]
FILE = re.compile(rf"{FOLDER}/[A-Za-z0-9][A-Za-z0-9_-]*\.tar")
INDICES_KEPT, SAMPLES_KEPT = 64, 20_000
"""How many indices stay in memory: so many shards, or shards of so many samples, whichever is more."""

Index = tuple[dict[str, tuple[Entry, ...]], tuple[str, ...]]
"""Entries by key, and the keys in order."""


class Shards:
    """A folder of shards; `shards[key]` and `shards[i]` are samples: extension → bytes.

    folder  holds shards.json, as `spinloom pack` and `spinloom generate --layout shards` write it
    verify  compare the SHA-256 of every member that is read

    Raises InputError, naming shard, member and remedy, for whatever is missing, cut short, changed or implausible.
    """

    def __init__(self, folder: str | os.PathLike[str], *, verify: bool = True) -> None:
        self.folder, self.verify = Path(folder), verify
        self.rows = _rows(self.folder)
        self.counts = [row["samples"] for row in self.rows]
        self._starts = np.concatenate([[0], np.cumsum(self.counts)])
        self._firsts = [row["first"] for row in self.rows]
        kept = max(INDICES_KEPT, SAMPLES_KEPT * len(self.rows) // max(1, len(self)))
        self._read_index = lru_cache(maxsize=kept)(_read_index)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, which: int | str) -> dict[str, bytes]:
        return self.sample(which)

    def __getstate__(self) -> Json:
        return {"folder": self.folder, "verify": self.verify}

    def __setstate__(self, state: Json) -> None:
        self.__init__(state["folder"], verify=state["verify"])  # type: ignore[misc]

    def sample(self, which: int | str, only: Collection[str] | None = None) -> dict[str, bytes]:
        """Extension → bytes of one sample. which: its key or its number; only: these extensions, None: all."""
        shard, entries = self._find(which)
        if only is not None:
            have = [e.extension for e in entries]
            for wanted in only:
                if wanted not in have:
                    raise InputError(
                        f"{entries[0].key} has no {wanted}", file=self.path(shard), remedy=nearest(wanted, have)
                    )
            entries = tuple(e for e in entries if e.extension in only)
        return read_members(self.path(shard), entries, verify=self.verify)

    def key(self, i: int) -> str:
        return self._find(i)[1][0].key

    def members(self, which: int | str) -> tuple[Entry, ...]:
        """What a sample consists of, without reading it."""
        return self._find(which)[1]

    def read(
        self,
        *,
        seed: int | None = None,
        epoch: int = 0,
        position: int = 0,
        rank: int = 0,
        ranks: int = 1,
        window: int | None = None,
        only: Collection[str] | None = None,
    ) -> Iterator[dict[str, bytes]]:
        """Samples in the order of (seed, epoch); None: as they lie. The other arguments are those of shards_order."""
        order = np.arange(len(self)) if seed is None else shuffled(self.counts, seed=seed, epoch=epoch, window=window)
        for i in rest(order, position, rank=rank, ranks=ranks):
            yield self.sample(int(i), only)

    def of_split(self, split: str) -> NDArray[np.int64]:
        """Numbers of the samples that participants.tsv puts into train, val or test."""
        file = self.folder / "participants.tsv"
        rows = list(csv.DictReader(io.StringIO(text_of(file)), delimiter="\t"))
        parts = [row.get("split") for row in rows]
        if split not in ("train", "val", "test"):
            raise UsageError(f"no split '{split}'", remedy=nearest(split, ["train", "val", "test"]))
        if len(parts) != len(self):
            raise InputError(f"has {len(parts)} rows for {len(self)} samples", file=file, remedy=AGAIN)
        return np.array([i for i, part in enumerate(parts) if part == split], np.int64)

    def path(self, shard: int) -> Path:
        return self.folder / self.rows[shard]["file"]

    def _find(self, which: int | str) -> tuple[int, tuple[Entry, ...]]:
        """Shard and entries of a sample."""
        if isinstance(which, str):
            shard = bisect_right(self._firsts, which) - 1
            found = self._index(shard)[0].get(which) if shard >= 0 else None
            if found is None:
                raise InputError(
                    f"holds no sample '{which[:120]}'",
                    file=self.folder,
                    remedy="shards.json has the keys of each shard.",
                )
            return shard, found
        if not -len(self) <= which < len(self):
            raise IndexError(f"sample {which} of {len(self)}")
        which = int(which) % len(self)
        shard = int(np.searchsorted(self._starts, which, side="right")) - 1
        index, keys = self._index(shard)
        return shard, index[keys[which - int(self._starts[shard])]]

    def _index(self, shard: int) -> Index:
        row = self.rows[shard]
        return self._read_index(self.path(shard), row["index_sha256"], row["bytes"], row["samples"])


def _read_index(shard: Path, sha256: str, size: int, samples: int) -> Index:
    """The index of a shard, after a look at the shard itself."""
    gate.admit(shard)
    if shard.stat().st_size != size:
        raise InputError(
            f"has {shard.stat().st_size} bytes, shards.json says {size}: it is cut short or another file",
            file=shard,
            remedy=AGAIN,
        )
    file = shard.with_name(index_name(shard.name))
    text = text_of(file)
    if hashes.sha256_file(file) != sha256:
        raise InputError("is not the index that shards.json names (SHA-256 differs)", file=file, remedy=AGAIN)
    index = from_lines(text, shard=shard, size=size)
    if len(index) != samples:
        raise InputError(f"holds {len(index)} samples, shards.json says {samples}", file=file, remedy=AGAIN)
    return index, tuple(index)


def _rows(folder: Path) -> list[Json]:
    """The checked rows of shards.json."""
    file = folder / LIST
    if not file.is_file():
        raise InputError(
            f"holds no {LIST}", file=folder, remedy="Make shards with `spinloom pack` or `generate --layout shards`."
        )
    try:
        value = json.loads(text_of(file))
        rows = value["shards"]
        if value["format"] != FORMAT:
            raise InputError(f"is of the format {value['format']!r}, not {FORMAT!r}", file=file, remedy=AGAIN)
        for row in rows:
            good = FILE.fullmatch(row["file"]) and KEY.fullmatch(row["first"]) and KEY.fullmatch(row["last"])
            if not good or not all(type(row[k]) is int and row[k] > 0 for k in ("samples", "bytes")):
                raise InputError(f"refuses the shard {str(row['file'])[:120]!r}", file=file, remedy=AGAIN)
            str.encode(row["sha256"] + row["index_sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("is damaged", file=file, remedy=AGAIN) from None
    if any(a["last"] >= b["first"] for a, b in pairwise(rows)):
        raise InputError("lists shards out of order", file=file, remedy=AGAIN)
    return list(rows)
