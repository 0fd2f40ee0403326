"""Shards: one tar per subject instead of some thirty files, for data sets of tens of thousands.

    shards/sub-00001.tar + .index.jsonl   what Bids would write of this subject, as one sample
    shards.json                           every shard with its hash, samples and bytes
    participants.tsv, README.md           as in BIDS

`spinloom pack` makes shards of 256 MB of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinloom.core.image import Image
from spinloom.core.kspace import KSpace
from spinloom.dataset.bids import Bids, participants_tsv
from spinloom.dataset.fields import Recipe
from spinloom.dataset.shards import FOLDER, LIST, index_name, row, write_list, write_shard
from spinloom.dataset.shards_sample import sample
from spinloom.dataset.subject import Acquisition, Subject
from spinloom.files import atomic

Json = dict[str, Any]


@dataclass(frozen=True)
class TarPerSubject:
    """Each subject is a shard of its own, so a unit of work stays whole, skipped or made again by itself."""

    def write_subject(self, out: Path, recipe: Recipe, subject: Subject, scans: Iterable[Acquisition]) -> list[str]:
        writer = _Memory(out)
        Bids().write_subject_to(writer, recipe, subject, scans)
        made = write_shard(out, subject.name, [sample(subject.name, subject.split, writer.files)])
        return [made["file"], index_name(made["file"])]

    def write_collection(self, out: Path, recipe: Recipe, receipts: list[Json]) -> list[str]:
        from spinloom.dataset.card import card

        rows = []
        for receipt in sorted(receipts, key=lambda r: str(r["unit"])):
            name, files = receipt["unit"], receipt["files"]
            tar = f"{FOLDER}/{name}.tar"
            size = (out / tar).stat().st_size
            rows.append(row(f"{name}.tar", files[tar], size, files[index_name(tar)], [name]))
        write_list(out, recipe.name, rows)
        atomic.write_text(out / "README.md", card(recipe, receipts))
        atomic.write_text(out / "participants.tsv", participants_tsv(receipts))
        return [LIST, "README.md", "participants.tsv"]


@dataclass(frozen=True)
class _Memory:
    """Keeps the files of one subject: path in the BIDS tree → bytes."""

    out: Path
    files: dict[str, bytes] = field(default_factory=dict)

    def image(self, stem: str, image: Image, fields: Json, dtype: str | None = None) -> None:
        from spinloom.io.nifti_write import encode_image

        self.files[f"{stem}.nii.gz"] = encode_image(image, f"{stem}.nii.gz", dtype=dtype)
        self.json(f"{stem}.json", fields)

    def kspace(self, file: str, kspace: KSpace) -> None:
        """Through a file, as libraries for raw data want one."""
        from spinloom.io import write_kspace

        self.out.mkdir(parents=True, exist_ok=True)
        temp = self.out / f"{atomic.TEMP_MARK}{file.rsplit('/', 1)[-1]}"
        try:
            write_kspace(kspace, temp)
            self.files[file] = temp.read_bytes()
        finally:
            temp.unlink(missing_ok=True)

    def json(self, file: str, value: Json) -> None:
        self.text(file, json.dumps(value))

    def text(self, file: str, text: str) -> None:
        self.files[file] = text.encode("utf-8")
