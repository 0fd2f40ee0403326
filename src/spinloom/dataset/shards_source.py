"""What is packed: the subjects of a finished data set, in BIDS or in shards of one subject each."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.dataset import folder
from spinloom.dataset.fields import Recipe
from spinloom.dataset.manifest import read_manifest
from spinloom.dataset.read_shards import Shards
from spinloom.dataset.recipe import read_recipe
from spinloom.dataset.shards import LIST, padded
from spinloom.dataset.shards_index import BLOCK, KEY, text_of
from spinloom.dataset.shards_sample import sample
from spinloom.files import gate, hashes

Json = dict[str, Any]
MEND = "Run the same `spinloom generate` again to write it anew."
JSON_OVERHEAD = 4 * 1024
"""More than the structure of a sample's JSON adds to the sidecars it takes in [bytes]."""


@dataclass(frozen=True)
class Item:
    """One subject. files: path → SHA-256 in BIDS, empty in shards; bytes: no fewer than its sample takes in a tar."""

    key: str
    split: str
    files: dict[str, str]
    bytes: int

    def spec(self) -> Json:
        return {"key": self.key, "split": self.split, "files": self.files}


@dataclass(frozen=True)
class Source:
    """A data set to pack. identity: hash of all that decides its samples."""

    folder: Path
    recipe: Recipe
    identity: str
    items: tuple[Item, ...]


def open_source(place: str | os.PathLike[str]) -> Source:
    """The subjects of a finished data set, in rising order of their names.

    Raises InputError for a folder that is none, is not finished, or has another layout than bids or shards.
    """
    root = Path(place)
    listed: dict[str, str] = read_manifest(root)["files"]
    recipe = read_recipe(root / folder.RECIPE)
    table = root / "participants.tsv"
    if recipe.output.layout not in ("bids", "shards") or not table.is_file():
        raise InputError(
            f'has the layout "{recipe.output.layout}"; bids and shards can be packed',
            file=root,
            remedy="Generate it again with --layout bids or --layout shards.",
        )
    rows = list(csv.DictReader(io.StringIO(text_of(table)), delimiter="\t"))
    splits = {row["participant_id"]: row["split"] for row in rows}
    if len(splits) < recipe.subjects:
        raise InputError(
            f"holds {len(splits)} of {recipe.subjects} subjects",
            file=root,
            remedy="Run the same `spinloom generate` again to finish it.",
        )
    strange = [key for key in splits if not KEY.fullmatch(key)]
    if strange:
        raise InputError(f"'{strange[0][:80]}' is no name of a subject", file=table, remedy=MEND)
    items = _tars(root, splits) if (root / LIST).is_file() else _trees(root, splits, listed)
    identity = hashes.sha256_json([[i.key, i.split, i.files] for i in items] + [listed.get(LIST, "")])
    return Source(root, recipe, identity, tuple(items))


def samples(place: Path, specs: list[Json]) -> Iterator[dict[str, bytes]]:
    """Member name → bytes of each item; InputError names a file that is not as the manifest says."""
    shards = Shards(place) if specs and not specs[0]["files"] else None
    for spec in specs:
        if shards is not None:
            yield {f"{spec['key']}.{ext}": data for ext, data in shards.sample(spec["key"]).items()}
        else:
            files = {file: _whole(place / file, digest) for file, digest in spec["files"].items()}
            yield sample(spec["key"], spec["split"], files)


def _trees(root: Path, splits: dict[str, str], listed: dict[str, str]) -> list[Item]:
    """Of a BIDS tree; a subject's files are those with its folder in their path."""
    files: dict[str, dict[str, str]] = {key: {} for key in splits}
    for file, digest in listed.items():
        for part in Path(file).parts[:-1]:
            if part in files:
                files[part][file] = digest
    items = []
    for key in sorted(splits):
        size = sum(padded(gate.admit(root / file).stat().st_size) + BLOCK for file in files[key])
        items.append(Item(key, splits[key], files[key], size + JSON_OVERHEAD))
    return items


def _tars(root: Path, splits: dict[str, str]) -> list[Item]:
    shards = Shards(root)
    keys = sorted(splits)
    if len(keys) != len(shards):
        raise InputError(
            f"lists {len(keys)} subjects for {len(shards)} samples", file=root / "participants.tsv", remedy=MEND
        )
    return [Item(key, splits[key], {}, sum(padded(e.size) for e in shards.members(key))) for key in keys]


def _whole(file: Path, digest: str) -> bytes:
    data = gate.admit(file).read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputError(
            "is not what the manifest says (SHA-256 differs)",
            file=file,
            remedy="Run `spinloom generate` with its recipe.toml to make it again, then pack.",
        )
    return data
