"""A layout decides which files a data set consists of; it never changes what is in an image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from spinloom.dataset.fields import Recipe
from spinloom.dataset.subject import Acquisition, Subject

Json = dict[str, Any]


class Layout(Protocol):
    """Two moments of writing: each subject by itself, and what they share once all are there."""

    def write_subject(self, out: Path, recipe: Recipe, subject: Subject, scans: Iterable[Acquisition]) -> list[str]:
        """Write one subject; returns its files relative to `out`. `scans` are made as they are asked for."""
        ...

    def write_collection(self, out: Path, recipe: Recipe, receipts: list[Json]) -> list[str]:
        """Write what describes the whole, from the receipts of all finished subjects; returns its files."""
        ...


def layout_of(recipe: Recipe) -> Layout:
    """The layout a recipe names."""
    match recipe.output.layout:
        case "nnunet":
            from spinloom.dataset.layout_nnunet import NnUnet

            return NnUnet()
        case "source0":
            from spinloom.dataset.layout_source0 import Source0

            return Source0()
        case "shards":
            from spinloom.dataset.layout_shards import TarPerSubject

            return TarPerSubject()
        case _:
            from spinloom.dataset.bids import Bids

            return Bids()
