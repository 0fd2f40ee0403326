"""The unit of work of a data set: one subject, from its index to its sealed receipt."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from spinloom.dataset.fields import Recipe
from spinloom.dataset.layout import layout_of
from spinloom.dataset.recipe import from_plain, to_plain
from spinloom.dataset.split import splits
from spinloom.dataset.subject import Acquisition, Subject, make_subject, scan, subject_name
from spinloom.dataset.truth import label_names
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.say import say
from spinloom.jobs.units import Json

STEPS_BESIDE_SCANS = 2
"""Steps a subject says beside one per scan: the phantom, and the truth."""


def specs(out: Path, recipe: Recipe, config: str) -> Callable[[int, str], Json]:
    """What `run_unit` is called with for each subject, by its index."""
    plain = to_plain(recipe)
    parts = splits(recipe.split, recipe.subjects, recipe.seed)

    def spec(index: int, name: str) -> Json:
        return {"out": str(out), "recipe": plain, "config": config, "index": index, "split": parts[index]}

    return spec


def run_unit(spec: Json) -> Json:
    """Make one subject and seal it; the same files whoever runs it."""
    out, recipe, index = Path(spec["out"]), from_plain(spec["recipe"]), int(spec["index"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        subject = make_subject(recipe, index, split=spec["split"])
        say("phantom")
        files = layout_of(recipe).write_subject(out, recipe, subject, _scans(recipe, subject))
        say("truth")
    facts = {
        "split": subject.split,
        "drawn": subject.drawn,
        "labels": [[i, name] for i, name in label_names(subject.phantom).items()],
        "warnings": sorted({_placeless(recipe, str(w.message)) for w in caught if w.category is UserWarning}),
    }
    return Ledger(out, spec["config"]).seal(subject_name(index, recipe.subjects), files, facts)


def _scans(recipe: Recipe, subject: Subject) -> Iterator[Acquisition]:
    for section in recipe.protocol:
        yield scan(recipe, subject, section)
        say(section.label)


def _placeless(recipe: Recipe, text: str) -> str:
    """A message without the folders of the input files: where they lay on one machine is nobody's business."""
    for file in (*recipe.phantom.files, *(section.file for section in recipe.protocol if section.file)):
        text = text.replace(f"{Path(file).parent}{os.sep}", "")
    return text
