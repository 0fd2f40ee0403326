"""The study of trust: can an image be caught showing what its source does not, and missing what its source shows?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.version import __version__
from spinloom.evaluation.roc import Area, pooled_area
from spinloom.evaluation.statistics import summarise
from spinloom.study.anatomies import anatomies, parted
from spinloom.study.people import person
from spinloom.study.trust_case import KINDS, faithful, planted
from spinloom.study.trust_page import page_of
from spinloom.study.trust_real import series
from spinloom.study.trust_scores import CONTRASTS, METHODS, Scored, expected, maps_of, scored, table_of
from spinloom.study.trust_train import ANY_T1W, T2W, crowd, learned, plan_for
from spinloom.study.write import write_study
from spinloom.train.folder import MODEL
from spinloom.train.heads import Head
from spinloom.translate.model import Model, write_model
from spinloom.translate.plan import Side
from spinloom.translate.trust import Usual, misfit, trust_of, usual

AUDITOR = "auditor.safetensors"
SHARES = (12, 5, 6)
"""Of the anatomies: to learn from, to calibrate with, to test on."""
JUDGED = ("T2w", "FLAIR", "PDw")
"""Contrasts that the auditor is calibrated for."""
THRESHOLD = 0.05


@dataclass(frozen=True)
class Settings:
    """anatomies  drawn from the template where no label maps are given
    people, steps    to learn from, and of each network;  calibrated, tested  subjects
    """

    anatomies: int = 9
    people: int = 100
    steps: int = 3000
    calibrated: int = 40
    tested: int = 48
    voxel_mm: float = 2.0
    slices: int = 20
    seed: int = 0
    small: bool = False


REDUCED = Settings(3, 3, 6, 10, 3, 4.0, 6, 0, True)


def study(
    labels: Sequence[Path],
    out: Path,
    settings: Settings = Settings(),
    command: str = "spinloom study trust",
    say: Callable[[str], None] = lambda text: None,
    scans: Path | None = None,
) -> dict[str, Any]:
    """Learn, calibrate, plant, score; the page, its numbers and the calibrated auditor lie in `out` then.

    labels  label maps of brains; none: brains drawn from the template;  scans: as of trust_real.series

    What was learned already is not learned again.
    """
    s = settings
    say("anatomies")
    bases = parted(anatomies(labels, s.anatomies, s.seed, s.voxel_mm), s.seed, SHARES)
    people: list[Head] = []
    models = {}
    for what in ("auditor", "translator"):
        say(f"learning: {what}")
        plan = plan_for(what, steps=s.steps, seconds=None, voxel_mm=s.voxel_mm, seed=s.seed, small=s.small)
        if not (out / what / MODEL).exists():
            people = people or crowd(bases[0], s.people, s.seed)
        models[what] = learned(people, out / what, plan)
    say("calibrating")
    calm = people_of(bases[1], s, "calibrate", s.calibrated)
    usuals = usuals_of(models["auditor"], calm, s)
    cases = [faithful(p, s.seed, (ANY_T1W, T2W)) for p in calm]
    auditor = replace(
        models["auditor"], about={**models["auditor"].about, "trust": {c: u.to_json() for c, u in usuals.items()}}
    )
    write_model(auditor, out / AUDITOR, half=True)
    say("testing")
    found, shown = [], None
    table = table_of(cases)
    for n, p in enumerate(people_of(bases[2], s, "test", s.tested)):
        case = planted(p, s.seed, (ANY_T1W, T2W))
        one = scored(
            case, auditor.translator, auditor.plan, models["translator"].translator, usuals["T2w"], table, n == 0
        )
        found.append(one)
        shown = (case, one) if n == 0 else shown
    assert shown is not None
    alarms = false_alarms(auditor, bases[2], usuals["T2w"], s)
    results = results_of(found, alarms, models, s, command)
    if scans is not None:
        say("real scans")
        results["real"] = series(auditor, scans, s.seed)
    write_study(page_of(results, shown, usuals["T2w"]), results, out)
    return results


def people_of(bases: Sequence[Head], s: Settings, part: str, count: int) -> list[Head]:
    """In turn out of each anatomy."""
    return [person(bases[n % len(bases)], s.seed, f"{part}-{n:03d}", slices=s.slices) for n in range(count)]


def usuals_of(auditor: Model, calm: Sequence[Head], s: Settings) -> dict[str, Usual]:
    """Calibration for each contrast, on people in whose images nothing is wrong."""
    found: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {c: [] for c in JUDGED}
    for p in calm:
        maps = None
        for contrast, cases in found.items():
            case = faithful(p, s.seed, (ANY_T1W, Side(contrast=contrast)))
            maps = maps or maps_of(auditor.translator, auditor.plan, case.source)
            cases.append((case.scan, expected(maps, case.scan, case.inside, contrast), case.inside))
    return {contrast: usual(cases, (calm[0].voxel_mm,) * 3) for contrast, cases in found.items()}


def false_alarms(auditor: Model, bases: Sequence[Head], known: Usual, s: Settings) -> dict[str, float]:
    """Share of voxels below each trust, in new people in whose images nothing is wrong: mean over subjects."""
    found: dict[str, list[float]] = {}
    for p in people_of(bases, s, "calm", max(3, s.tested // 2)):
        case = faithful(p, s.seed, (ANY_T1W, T2W))
        image, inside = case.scan, case.inside
        e = expected(maps_of(auditor.translator, auditor.plan, case.source), image, inside, "T2w")
        trust = trust_of(misfit(image, e, inside, (p.voxel_mm,) * 3, known), inside, known)[inside]
        for level in (0.5, 0.2, 0.1, THRESHOLD):
            found.setdefault(f"{level:g}", []).append(float((trust <= level).mean()))
    return {level: float(np.mean(v)) for level, v in found.items()}


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
