"""The units of work of the study of ultra-low field: a contrast learned; a scan enhanced and scored; simulated noise.

Specs of what is simulated hold people: heads, labels [path, SHA-256], seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from spinloom.core.errors import InputError
from spinloom.files.hashes import sha256_file
from spinloom.jobs.say import say
from spinloom.jobs.units import Json
from spinloom.study.low_field import Case, case_of
from spinloom.study.low_field_data import subject_of
from spinloom.study.low_field_examples import LowField, Person, sliced
from spinloom.study.low_field_noise import of_simulated
from spinloom.study.low_field_scan import SCANS, Scan
from spinloom.study.low_field_train import learned, plan_of
from spinloom.study.segmentation_files import one_thread
from spinloom.study.units import FILES, read_arrays, write_arrays
from spinloom.train.folder import MODEL
from spinloom.train.gather import maps_in
from spinloom.train.heads import draw_heads, heads_from_labels, stem
from spinloom.translate.devices import has_bf16
from spinloom.translate.model import read_model
from spinloom.translate.shelf import fetched

CHANNELS = (16, 32, 64, 96)
PATCH = (128, 128)
DRAWN = "drawn-"
KEPT = ("high", "to_high", "head", "deep")
"""Of a case, beside its images."""
TEMPLATE = "MNI152 template: (c) Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute"


def told(heads: int, labels: Path | None, seed: int, attribution: str = "") -> Json:
    """Who is simulated from, as specs hold it, and whose label maps they are. Raises InputError for a folder without
    label maps."""
    maps = [] if labels is None else maps_in(labels)
    whose = {"attribution": attribution} if attribution else {}
    return {"heads": heads, "labels": [[str(p.resolve()), sha256_file(p)] for p in maps], "seed": seed, **whose}


def learn(spec: Json) -> Json:
    """spec: people, contrast, steps, seconds. Its run lies in models/, where it is found and gone on with; threads as
    the worker has them.

    The last person is held out, where there are two. Raises InputError for a run of another plan or of other people.
    """
    people, scan = spec["people"], scan_of(spec["contrast"])
    plan = plan_of(
        scan, steps=spec["steps"], seconds=spec["seconds"], seed=people["seed"], channels=tuple(spec["channels"]),
        bf16=has_bf16("cpu"),
    )  # fmt: skip
    file = f"models/{plan.name}/{MODEL}"
    folder = Path(spec["out"]) / "models" / plan.name
    if not (folder / MODEL).exists():
        made = people_of(people)
        kept, held = (made[:-1], made[-1:]) if len(made) > 1 else (made, made)
        learned(
            scan, plan, kept, held, folder, about=about(people),
            say=lambda now: say(f"step {now.step} of {now.steps}, about {now.left / 60:.1f} min to go"),
        )  # fmt: skip
        return {FILES: [file]}
    known = read_model(folder / MODEL)
    split = known.about.get("split")
    who = {n for names in split.values() for n in names} if isinstance(split, dict) else set()
    if known.plan != plan or who != set(names_of(people)):
        raise InputError("holds a run of another plan or of other people", file=folder, remedy="Choose another -o.")
    return {FILES: [file]}


@one_thread()
def enhance(spec: Json) -> Json:
    """spec: folder of the subject, contrast, model, outside. One case: numbers, and its images in a file."""
    scan = scan_of(spec["contrast"])
    case = case_of(subject_of(Path(spec["folder"]), (scan,)), scan, fetched(spec["model"]))
    file = f"cases/{case.subject}-{case.contrast}.npz"
    arrays: dict[str, np.ndarray] = {f"image|{way}": image for way, image in case.images.items()}
    arrays |= {name: getattr(case, name) for name in KEPT}
    write_arrays(Path(spec["out"]) / file, arrays)
    facts = {"subject": case.subject, "contrast": case.contrast, "scores": case.scores, "ways": list(case.images)}
    return {FILES: [file], "file": file, **facts}


def case_read(out: Path, answer: Json) -> Case:
    """What `enhance` left."""
    held = read_arrays(out / answer["file"])
    images = {way: held[f"image|{way}"] for way in answer["ways"]}
    rest = {name: held[name] for name in KEPT}
    return Case(answer["subject"], answer["contrast"], images, **rest, scores=answer["scores"])


@one_thread()
def noise(spec: Json) -> Json:
    """spec: people, contrast, slices. 10th, 50th and 90th percentile of what is measured of simulated scans."""
    people = spec["people"]
    rng = torch.Generator().manual_seed(people["seed"])
    examples = LowField(people_of(people), scan_of(spec["contrast"]), PATCH)
    return {"spread": of_simulated(examples, spec["slices"], rng).tolist()}


def scan_of(contrast: str) -> Scan:
    return next(s for s in SCANS if s.contrast == contrast)


def people_of(told: Json) -> list[Person]:
    """Heads of label maps first, then drawn ones, as slices; kept in the process."""
    return _people(told["heads"], tuple(path for path, _ in told["labels"]), told["seed"])


@lru_cache(maxsize=1)
def _people(heads: int, labels: Sequence[str], seed: int) -> list[Person]:
    """Volumes are let go one by one."""
    people = []
    for path in labels:
        people += [sliced(h) for h in heads_from_labels([path], seed, voxel_mm=1.0, say=say)]
    for n in range(heads):
        say(f"head {n + 1} of {heads}")
        people += [sliced(replace(h, name=f"{DRAWN}{n}")) for h in draw_heads(1, seed + 1000 * n)]
    return people


def names_of(told: Json) -> list[str]:
    return [stem(path) for path, _ in told["labels"]] + [f"{DRAWN}{n}" for n in range(told["heads"])]


def about(told: Json) -> dict[str, object]:
    """Whose data a model learned from, for its card: of label maps nobody, unless it was said."""
    maps, heads, whose = len(told["labels"]), told["heads"], told.get("attribution", "")
    return {
        "data": f"simulated slices of {maps} label maps and {heads} heads made from the MNI152 template",
        "attribution": "; ".join([*[whose] * bool(maps and whose), *[TEMPLATE] * bool(heads)]),
        **({} if maps else {"licence": "weights: Apache-2.0, with the attribution above"}),
    }
