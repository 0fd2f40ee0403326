"""What an input's file name says it shows, beside what a model needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spinloom.dataset.find_names import WORDS
from spinloom.translate.plan import Plan

ANY_MR = "MR"
"""A name that says no contrast."""


def named_otherwise(files: Sequence[Path], plan: Plan) -> list[str]:
    """Sentences on files whose BIDS suffix (the last word of the name) is another contrast than the source they are
    given as; none for models that are told the acquisition."""
    said = []
    for file, side in zip(files, plan.source, strict=True):
        word = file.name.split(".")[0].rpartition("_")[2]
        shows = WORDS.get(word.lower())
        known = side.contrast in WORDS.values() and plan.conditions is None
        if file.is_file() and shows and known and shows != side.contrast and ANY_MR not in (shows, side.contrast):
            said.append(f"name: {file.name} seems to be {shows}, {plan.name} needs {side.contrast}")
    return said
