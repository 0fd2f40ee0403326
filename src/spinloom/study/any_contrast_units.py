"""The units of work of the study of any contrast: one simulated person; one real person, one way; a picture.

Specs hold model [name, SHA-256], beside (such pairs), people (see told), seed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.files import atomic
from spinloom.files.hashes import sha256_file
from spinloom.jobs.say import say
from spinloom.jobs.units import Json
from spinloom.study.any_contrast_curves import curves_of
from spinloom.study.any_contrast_people import Person, person
from spinloom.study.any_contrast_pictures import five, five_real
from spinloom.study.any_contrast_real import PEOPLE, WAYS, read, real_score
from spinloom.study.any_contrast_scores import scores_of
from spinloom.study.segmentation_files import one_thread
from spinloom.study.units import FILES
from spinloom.train.gather import maps_in
from spinloom.train.heads import Head, draw_heads, heads_from_labels
from spinloom.translate.model import Model
from spinloom.translate.shelf import fetched

FITTED = 2
"""People that lookup tables are fitted to."""


def told(count: int, labels: Path | None, seed: int, *, slices: int, voxel_mm: float = 1.0) -> Json:
    """Who is scored and who lookup tables are fitted to, none of them ever trained on, as specs hold it.

    labels  a folder of label maps: the first `count` of them are scored, the next FITTED are fitted to; None: heads of
            another seed than a training draws

    Raises UsageError if there are too few maps.
    """
    files = [] if labels is None else maps_in(labels)[: count + FITTED]
    if labels is not None and len(files) < count + FITTED:
        raise UsageError(
            f"{labels} holds {len(files)} label maps, {count + FITTED} are needed", remedy="Lower --people."
        )
    held = [[str(p.resolve()), sha256_file(p)] for p in files]
    return {"count": count, "labels": held, "seed": seed, "slices": slices, "voxel_mm": voxel_mm}


@one_thread()
def score(spec: Json) -> Json:
    """spec: also n. Scores of every pair of protocols and points of every curve, of one person."""
    model, ways = fetched(spec["model"][0]), beside([fetched(name) for name, _ in spec["beside"]])
    who = someone(spec["people"], spec["n"])
    fitted = [someone(spec["people"], spec["people"]["count"] + k) for k in range(FITTED)]
    return {
        "name": who.name,
        "fitted": [p.name for p in fitted],
        "simulated": scores_of(model, ways, [who], fitted, spec["seed"], say),
        "curves": curves_of(model, [who], spec["seed"], say),
    }


@one_thread()
def real(spec: Json) -> Json:
    """spec: also scans, who, way."""
    model, ways = fetched(spec["model"][0]), beside([fetched(name) for name, _ in spec["beside"]])
    return real_score(Path(spec["scans"]), model, ways.get(spec["way"], ()), spec["way"], spec["who"])


def real_units(spec: Json, scans: Path) -> dict[str, Json]:
    """Every person, both ways. Raises InputError where a scan is missing."""
    units = {}
    for way in WAYS:
        for who, here in PEOPLE.items():
            missing = [f for f in here.files if not (scans / f).exists()]
            if missing:
                read(scans, who, way)
            held = [sha256_file(scans / f) for f in here.files]
            units[f"{who}, {way}"] = {**spec, "scans": str(scans.resolve()), "held": held, "way": way, "who": who}
    return units


@one_thread()
def picture(spec: Json) -> Json:
    """spec: scans, of the real picture, None: of the first person. One file."""
    model = fetched(spec["model"][0])
    if spec["scans"] is None:
        file, made = "parts/five.webp", five(model, someone(spec["people"], 0), spec["seed"])
    else:
        file, made = "parts/real.webp", five_real(model, Path(spec["scans"]))
    atomic.write_bytes(Path(spec["out"]) / file, made)
    return {FILES: [file], "file": file}


def merged(answers: list[Json]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Scores by pair, by whom, by metric and person; curves, means over people."""
    scores: dict[str, Any] = {}
    for answer in answers:
        for pair, by in answer["simulated"].items():
            for who, metrics in by.items():
                for metric, values in metrics.items():
                    scores.setdefault(pair, {}).setdefault(who, {}).setdefault(metric, {}).update(values)
    curves = {
        sweep: {k: np.mean([a["curves"][sweep][k] for a in answers], axis=0).tolist() for k in rows}
        for sweep, rows in answers[0]["curves"].items()
    }
    return scores, curves


def beside(models: list[Model]) -> dict[str, list[Model]]:
    """Models of one contrast to one, by the way they go. Raises UsageError for others."""
    found: dict[str, list[Model]] = {}
    for m in models:
        ends = [s.contrast for s in (*m.plan.source, *m.plan.target)]
        if len(ends) != 2 or set(ends) != {"T1w", "T2w"} or m.plan.conditions is not None:
            raise UsageError(f"{m.name} is not from T1w to T2w or back", remedy="--beside is for such models.")
        found.setdefault(f"{ends[0]} to {ends[1]}", []).append(m)
    return found


def someone(people: Json, n: int) -> Person:
    """The n-th of those told."""
    labels = tuple(path for path, _ in people["labels"])
    return _someone(labels, people["count"], people["seed"], people["slices"], people["voxel_mm"], n)


@lru_cache(maxsize=FITTED + 1)
def _someone(labels: tuple[str, ...], count: int, seed: int, slices: int, voxel_mm: float, n: int) -> Person:
    if labels:
        (head,) = heads_from_labels([labels[n]], seed, voxel_mm=voxel_mm)
    else:
        head = replace(_drawn(count + FITTED, seed + 10_000, voxel_mm)[n], name=f"head {n}")
    T1, T2 = head.at(3.0)
    return person(replace(head, T1=T1, T2=T2, B0=3.0), slices)


@lru_cache(maxsize=1)
def _drawn(count: int, seed: int, voxel_mm: float) -> list[Head]:
    return draw_heads(count, seed, voxel_mm=voxel_mm)
