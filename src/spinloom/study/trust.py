"""The study of trust: can an image be caught showing what its source does not, and missing what its source shows?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.version import __version__
from spinloom.evaluation.roc import Area, pooled_area
from spinloom.evaluation.statistics import summarise
from spinloom.jobs.units import Executor, Json, UnitFunction
from spinloom.study.trust_case import KINDS
from spinloom.study.trust_page import page_of
from spinloom.study.trust_people import Settings
from spinloom.study.trust_real import series
from spinloom.study.trust_scores import CONTRASTS, METHODS, Scored, table_of
from spinloom.study.trust_units import (
    JUDGED,
    calm,
    exactly,
    judged,
    learn,
    real,
    scored_case,
    scored_of,
    told,
    undisturbed,
)
from spinloom.study.units import done, read_arrays
from spinloom.study.write import write_study
from spinloom.train.folder import MODEL
from spinloom.translate.model import Model, read_model, write_model
from spinloom.translate.trust import Usual, usual

AUDITOR = "auditor.safetensors"
LEARNED = ("auditor", "translator")


def study(
    labels: Sequence[Path],
    out: Path,
    settings: Settings,
    executor: Executor,
    command: str = "spinloom study trust",
    say: Callable[[str], None] = lambda text: None,
    scans: Path | None = None,
) -> dict[str, Any]:
    """Learn, calibrate, plant, score; the page, its numbers and the calibrated auditor lie in `out` then.

    labels    label maps of brains; none: brains drawn from the template;  scans: as of trust_real.series
    executor  of both trainings, of all people and real scans

    What was learned already is not learned again, and nobody is judged twice. Raises PartialFailure where a unit
    failed, once the others are over.
    """
    s, others = settings, [] if scans is None else series(scans)
    known = told(labels, s)

    def many(function: UnitFunction, name: str, count: int, more: Json) -> list[Json]:
        units = {f"{name}-{n:03d}": {**known, **more, "n": n} for n in range(count)}
        return list(done(out, function, units, executor, say).values())

    done(out, learn, {what: {**known, "what": what} for what in LEARNED}, executor, say)
    models = {what: read_model(out / what / MODEL) for what in LEARNED}
    networks = {what: m.sha256 for what, m in models.items()}
    auditor = {"auditor": networks["auditor"]}
    calibrated = many(undisturbed, "calibrate", s.calibrated, auditor)
    quiet = [read_arrays(out / a["file"]) for a in calibrated]
    usuals = usuals_of(quiet, calibrated[0]["voxel_mm"])
    trust = {c: u.to_json() for c, u in usuals.items()}
    write_model(replace(models["auditor"], about={**models["auditor"].about, "trust": trust}), out / AUDITOR, half=True)
    table = table_of([(q["source"], q["scan"], q["inside"]) for q in quiet])
    usually = {**auditor, "usual": exactly(usuals["T2w"])}
    whole = {**networks, **usually, "table": [table.source.tolist(), table.target.tolist()]}
    found = [scored_of(out, answer) for answer in many(judged, "test", s.tested, whole)]
    shares = many(calm, "calm", max(3, s.tested // 2), usually)
    alarms = {level: float(np.mean([each[level] for each in shares])) for level in shares[0]}
    results = results_of(found, alarms, models, s, command)
    if scans is not None:
        judge = {**auditor, "usuals": trust, "seed": s.seed}
        told_real = done(out, real, {f"{o.name} {o.contrast}": o.spec() | judge for o in others}, executor, say)
        results["real"] = {o.name: {} for o in others}
        for o, answer in zip(others, told_real.values(), strict=True):
            results["real"][o.name][o.contrast] = answer
    shown = scored_case({**known, **whole, "n": 0, "out": str(out)}, keep=True)
    write_study(page_of(results, shown, usuals["T2w"]), results, out)
    return results


def usuals_of(quiet: Sequence[Mapping[str, np.ndarray]], voxel_mm: float) -> dict[str, Usual]:
    """Calibration for each contrast, on people in whose images nothing is wrong: files of trust_units.undisturbed."""
    size = (voxel_mm,) * 3
    return {c: usual([(q[f"{c} scan"], q[f"{c} expected"], q["inside"]) for q in quiet], size) for c in JUDGED}


def results_of(
    found: Sequence[Scored], alarms: dict[str, float], models: dict[str, Model], s: Settings, command: str
) -> dict[str, Any]:
    """Areas by output, method and kind, against places where nothing is (lesions) and voxels far from lesions."""
    areas: dict[str, Any] = {}
    for output in found[0].lesions:
        for method in found[0].lesions[output]:
            row = areas.setdefault(output, {}).setdefault(method, {})
            for kind in KINDS:
                if kind != "nothing":
                    row[kind] = {
                        "lesion": area_of(found, output, method, kind, "nothing", "lesions", s.seed),
                        "voxel": area_of(found, output, method, kind, "clear", "voxels", s.seed),
                    }
            row["contrast"] = {c: area_of(found, output, method, c, "nothing", "lesions", s.seed) for c in CONTRASTS}
            row["added against genuine"] = {
                "lesion": area_of(found, output, method, "added", "genuine", "lesions", s.seed)
            }
    rank = {m: vars_of(summarise([f.error[m] for f in found])) for m in found[0].error}
    in_bins = {c: sum(len(f.lesions["scan"]["re-simulated"].get(c, ())) for f in found) for c in CONTRASTS}
    count = {k: sum(len(f.lesions["scan"]["re-simulated"].get(k, ())) for f in found) for k in KINDS}
    return {
        "command": command, "spinloom": __version__, "settings": vars_of(s), "subjects": len(found), "lesions": count,
        "lesions taken away by contrast": in_bins,
        "methods": METHODS, "kinds": {k: v.told for k, v in KINDS.items()}, "areas": areas,
        "rank correlation with the true error": rank, "share below trust, nothing wrong": alarms,
        "trained": {k: m.about.get("trained") for k, m in models.items()},
    }  # fmt: skip


def area_of(
    found: Sequence[Scored], output: str, method: str, kind: str, other: str, what: str, seed: int
) -> dict[str, float]:
    each = [getattr(f, what)[output][method] for f in found]
    a: Area = pooled_area([e.get(kind, ()) for e in each], [e.get(other, ()) for e in each], seed)
    return vars_of(a)


def vars_of(value: Any) -> dict[str, Any]:
    """Of a frozen value, for JSON: what is not finite is None."""
    return {k: (None if isinstance(v, float) and not np.isfinite(v) else v) for k, v in vars(value).items()}
