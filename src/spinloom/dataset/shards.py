"""Samples → a shard: an uncompressed tar in WebDataset's layout, and its index.

    shards/shard-00000.tar            sub-001.T1w.nii.gz, sub-001.json, sub-002.T1w.nii.gz, ...
    shards/shard-00000.index.jsonl    key, member, offset, size, sha256 of each

Bytes depend on the samples alone: POSIX ustar, mode 644, owner 0, time 0, members sorted by name. Both files appear
whole under their names or not at all.

Aizman, Maltby & Breuel, "High performance I/O for large scale deep learning", IEEE BigData (2019); POSIX.1-1988, ustar.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from spinloom.core.errors import InputError
from spinloom.dataset.shards_index import BLOCK, MEMBER_CAP, Entry, key_of, plausible_name, to_lines
from spinloom.files import atomic, hashes

FOLDER, LIST, FORMAT = "shards", "shards.json", "Spinloom shards 1"
END = b"\0" * (2 * BLOCK)
Json = dict[str, Any]
Sample = Mapping[str, bytes]
"""Member name → its bytes; all of one key."""


def write_shard(out: Path, name: str, samples: Iterable[Sample]) -> Json:
    """Write shards/NAME.tar and its index below `out`; returns its row of shards.json.

    samples  in rising order of their keys; asked for one by one, so that one is in memory at a time

    Raises InputError for names that are no KEY.EXTENSION and keys out of order, MachineError for a full disk.
    """
    tar = out / FOLDER / f"{name}.tar"
    entries: list[Entry] = []
    digest = hashlib.sha256()
    with atomic.staged(tar) as temp, open(temp, "xb") as handle:
        keys: list[str] = []
        for sample in samples:
            keys.append(_require_one_key(sample, keys[-1] if keys else "", tar))
            for member, data in sorted(sample.items()):
                entries.append(_append(handle, digest, keys[-1], member, data))
        if not keys:
            raise InputError("a shard needs at least one sample", file=tar)
        handle.write(END)
        digest.update(END)
        size = handle.tell()
    index = tar.with_name(index_name(tar.name))
    atomic.write_text(index, to_lines(entries))
    return row(tar.name, digest.hexdigest(), size, hashes.sha256_file(index), keys)


def row(file: str, sha256: str, size: int, index_sha256: str, keys: list[str]) -> Json:
    """A row of shards.json. keys: of its samples, in order."""
    return {
        "file": f"{FOLDER}/{file}",
        "sha256": sha256,
        "bytes": size,
        "index_sha256": index_sha256,
        "samples": len(keys),
        "first": keys[0],
        "last": keys[-1],
    }


def index_name(tar: str) -> str:
    """ "shards/a.tar" → "shards/a.index.jsonl"."""
    return tar.removesuffix(".tar") + ".index.jsonl"


def write_list(out: Path, name: str, rows: list[Json]) -> None:
    """shards.json: every shard with its hash, samples and bytes. rows: in rising order of their keys."""
    value = {
        "format": FORMAT,
        "name": name,
        "samples": sum(r["samples"] for r in rows),
        "bytes": sum(r["bytes"] for r in rows),
        "shards": rows,
    }
    atomic.write_json(out / LIST, value)


def padded(n: int) -> int:
    """Bytes that n bytes of data take in a tar, header included."""
    return BLOCK + -(-n // BLOCK) * BLOCK


def _append(handle: BinaryIO, digest: Any, key: str, member: str, data: bytes) -> Entry:
    info = tarfile.TarInfo(member)
    info.size, info.mode, info.mtime, info.type = len(data), 0o644, 0, tarfile.REGTYPE
    header = info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    offset = handle.tell() + len(header)
    for part in (header, data, b"\0" * (-len(data) % BLOCK)):
        handle.write(part)
        digest.update(part)
    return Entry(key, member, offset, len(data), hashlib.sha256(data).hexdigest())


def _require_one_key(sample: Sample, last: str, tar: Path) -> str:
    """The key of a sample, behind the last one."""
    for member, data in sample.items():
        if not plausible_name(member):
            raise InputError(f"'{member[:120]}' is no member name: KEY.EXTENSION, 100 characters at most", file=tar)
        if len(data) > MEMBER_CAP:
            raise InputError(
                f"{member} has {len(data)} bytes, the limit is {MEMBER_CAP}",
                file=tar,
                remedy="Keep no k-space, or a smaller matrix.",
            )
    keys = {key_of(member) for member in sample}
    if len(keys) != 1:
        raise InputError(f"members of one sample share one key, got {sorted(keys)[:3]}", file=tar)
    (key,) = keys
    if key <= last:
        raise InputError(f"sample {key} comes after {last}: keys must rise", file=tar)
    return key
