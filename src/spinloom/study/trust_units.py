"""The units of work of the study of trust: a network to learn; a person to calibrate with, to test on, left in peace;
a real scan.

Every spec holds labels [path, SHA-256], settings, and of what is learned the SHA-256 it is to have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from spinloom.core.rng import stream
from spinloom.files.hashes import sha256_file
from spinloom.jobs.say import say
from spinloom.jobs.units import Json
from spinloom.study.segmentation_files import one_thread
from spinloom.study.trust_case import Case, faithful, planted
from spinloom.study.trust_people import Settings, bases_of, crowd_of, someone
from spinloom.study.trust_real import Scanned, one
from spinloom.study.trust_scores import Scored, Table, expected, maps_of, scored
from spinloom.study.trust_train import ANY_T1W, T2W, learned, origin_of, plan_for
from spinloom.study.units import FILES, read_arrays, write_arrays
from spinloom.train.folder import MODEL
from spinloom.train.heads import Head
from spinloom.translate.model import Model, read_model
from spinloom.translate.plan import Side
from spinloom.translate.trust import NAMES, Usual, misfit, trust_of, usual_of

JUDGED = ("T2w", "FLAIR", "PDw")
"""Contrasts that the auditor is calibrated for."""
LEVELS = (0.5, 0.2, 0.1, 0.05)


def told(labels: Sequence[Path], s: Settings) -> Json:
    """What all specs hold: more people to test on later change nobody who is done."""
    own = {k: v for k, v in vars(s).items() if k not in ("calibrated", "tested")}
    return {"labels": [[str(p.resolve()), sha256_file(p)] for p in labels], "settings": own}


def learn(spec: Json) -> Json:
    """spec: also what (auditor or translator). Its run lies in a folder of that name, where it is found and gone on
    with; threads as the worker has them."""
    s, what = Settings(**spec["settings"]), spec["what"]
    folder = Path(spec["out"]) / what
    plan = plan_for(what, steps=s.steps, seconds=None, voxel_mm=s.voxel_mm, seed=s.seed, small=s.small)
    labels = _labels(spec)

    def people() -> tuple[Sequence[Head], list[str]]:
        bases = bases_of(labels, s.anatomies, s.seed, s.voxel_mm)["learn"]
        return crowd_of(labels, s), [b.name for b in bases]

    learned(
        people, folder, plan, origin_of(spec["labels"], s.anatomies, s.people),
        lambda now: say(f"step {now.step} of {now.steps}"),
    )  # fmt: skip
    return {FILES: [f"{what}/{MODEL}"]}


@one_thread()
def undisturbed(spec: Json) -> Json:
    """spec: also n, auditor. Images in which nothing is wrong, and what the auditor expects of them, in a file."""
    s, auditor, who = Settings(**spec["settings"]), network(spec, "auditor"), _who(spec, "calibrate")
    case = faithful(who, s.seed, (ANY_T1W, T2W))
    kept = {"source": case.source, "scan": case.scan, "inside": case.inside}
    maps = maps_of(auditor.translator, auditor.plan, case.source)
    for contrast in JUDGED:
        image = faithful(who, s.seed, (ANY_T1W, Side(contrast=contrast))).scan
        kept |= {f"{contrast} scan": image, f"{contrast} expected": expected(maps, image, case.inside, contrast)}
    file = f"people/{who.name}.npz"
    write_arrays(Path(spec["out"]) / file, kept)
    return {FILES: [file], "file": file, "voxel_mm": case.voxel_mm}


def judged(spec: Json) -> Json:
    """spec: also n, auditor, translator, usual, table. A case scored in all ways; voxels in a file."""
    case, found = scored_case(spec)
    file = f"people/{case.name}.npz"
    flat = {f"{o}|{m}|{k}": v for o, by in found.voxels.items() for m, of in by.items() for k, v in of.items()}
    write_arrays(Path(spec["out"]) / file, flat)
    return {FILES: [file], "file": file, "name": found.name, "lesions": found.lesions, "error": found.error}


@one_thread()
def scored_case(spec: Json, keep: bool = False) -> tuple[Case, Scored]:
    """Of the spec of `judged`;  keep  also the images, for pictures"""
    s, auditor = Settings(**spec["settings"]), network(spec, "auditor")
    case = planted(_who(spec, "test"), s.seed, (ANY_T1W, T2W))
    table = Table(*(np.array(v) for v in spec["table"]))
    translator = network(spec, "translator").translator
    known = usual_of(spec["usual"])
    return case, scored(case, auditor.translator, auditor.plan, translator, known, table, keep)


def scored_of(out: Path, answer: Json) -> Scored:
    """What `judged` left."""
    voxels: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for name, values in read_arrays(out / answer["file"]).items():
        output, method, kind = name.split("|")
        voxels.setdefault(output, {}).setdefault(method, {})[kind] = values
    return Scored(answer["name"], answer["lesions"], voxels, answer["error"])


@one_thread()
def calm(spec: Json) -> Json:
    """spec: also n, auditor, usual. Share of voxels at or below each trust where nothing is wrong."""
    s, auditor, known = Settings(**spec["settings"]), network(spec, "auditor"), usual_of(spec["usual"])
    case = faithful(_who(spec, "test", "calm"), s.seed, (ANY_T1W, T2W))
    image, inside = case.scan, case.inside
    e = expected(maps_of(auditor.translator, auditor.plan, case.source), image, inside, "T2w")
    trust = trust_of(misfit(image, e, inside, (case.voxel_mm,) * 3, known), inside, known)[inside]
    return {f"{level:g}": float((trust <= level).mean()) for level in LEVELS}


@one_thread()
def real(spec: Json) -> Json:
    """spec: also scanned, seed, auditor, usuals. ROC areas of one real scan."""
    auditor, scanned = network(spec, "auditor"), Scanned(**spec["scanned"])
    auditor = replace(auditor, about={**auditor.about, "trust": spec["usuals"]})
    return one(auditor, *scanned.read(), scanned.contrast, stream(spec["seed"], scanned.name, scanned.contrast))


def network(spec: Json, what: str) -> Model:
    """Of the study's folder."""
    return _read(Path(spec["out"]) / what / MODEL, spec[what])


def exactly(known: Usual) -> Json:
    """All digits, for another process; to_json rounds."""
    return {n: np.asarray(getattr(known, n)).tolist() for n in NAMES} | {"subjects": known.subjects}


def _labels(spec: Json) -> tuple[Path, ...]:
    return tuple(Path(path) for path, _ in spec["labels"])


def _who(spec: Json, part: str, name: str | None = None) -> Head:
    s = Settings(**spec["settings"])
    bases = bases_of(_labels(spec), s.anatomies, s.seed, s.voxel_mm)
    return someone(bases[part], s, name or part, spec["n"])


@lru_cache(maxsize=2)
def _read(path: Path, sha256: str) -> Model:
    return read_model(path)
