"""study_brains(): how good are generated heads, against people never trained on?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.version import __version__
from spinloom.evaluation.copies import copies
from spinloom.jobs.units import Executor
from spinloom.report.page import Picture
from spinloom.study.brains_page import Found, page_of
from spinloom.study.brains_pictures import planes, scanned, strip
from spinloom.study.brains_scores import among_themselves, asked_and_got, described, least_of, row
from spinloom.study.brains_sets import Compared, bent_anew, learned_from, numbered, people_of, real
from spinloom.study.brains_units import Ask, generated
from spinloom.study.units import placed
from spinloom.study.write import write_study
from spinloom.translate.brain_model import BrainModel, fetched_brains

LEVEL_MM = 15.0
"""Where slices show the bodies of the lateral ventricles."""
ASKED_FROM = 10_000
"""Number of the first head whose ventricles are asked for."""
Say = Callable[[str], None]


def study_brains(
    names: Sequence[str],
    labels: Path,
    out: Path,
    executor: Executor,
    *,
    slices: int = 24,
    heads: int = 10,
    asked: int = 40,
    seed: int = 0,
    command: str = "",
    say: Say = lambda text: None,
) -> tuple[Path, ...]:
    """Compare generators with held-out label maps and write the page.

    names     of models, files or runs, of two or three dimensions, all trained with the same people held out
    labels    the folder of label maps they were trained on
    executor  of what is generated; what lies in `out` already is not generated again
    slices    levels of each held-out map, and as many generated for each map;  heads: volumes generated
    asked     how many sizes of ventricles are asked for (heads: a third of it)

    Raises UsageError for models that were trained on other people, InputError for label maps that are not there,
    PartialFailure where a part of what is generated failed, once the others are over.
    """
    models = {placed(name): fetched_brains(name) for name in names}
    held = {str(m.about.get("held out")) for m in models.values()}
    if len(held) != 1:
        raise UsageError("the models were trained on different people", remedy="Train all with one --held and --seed.")
    if len({m.plan.name for m in models.values()}) < len(names):
        raise UsageError("two models have one name", remedy="Give each a --name in training.")
    parts: dict[int, Found] = {}
    for dims in sorted({m.plan.dims for m in models.values()}):
        of = {name: m for name, m in models.items() if m.plan.dims == dims}
        count = slices if dims == 2 else heads
        parts[dims] = compared(of, labels, count, asked if dims == 2 else max(3, asked // 3), seed, out, executor, say)
    results = {
        "spinloom": __version__, "seed": seed, "command": command,
        "models": {m.plan.name: {"sha256": m.sha256, "plan": m.plan.model_dump(mode="json")} for m in models.values()},
        **{f"dims {d}": {"rows": [r.plain() for r in p.rows], "asked": plain(p.asked)} for d, p in parts.items()},
    }  # fmt: skip
    told = {tuple(str(m.about.get(k) or "") for k in ("attribution", "licence")) for m in models.values()}
    credits = [", ".join(filter(None, each)) for each in sorted(told) if any(each)]
    return write_study(page_of(parts, command, credits), results, out)


def compared(
    models: Mapping[str, BrainModel], labels: Path, count: int, asked: int, seed: int, folder: Path,
    executor: Executor, say: Say,
) -> Found:  # fmt: skip
    """All sets of one number of dimensions: rows, ventricles asked for, pictures, and what was trained."""
    first = next(iter(models.values()))
    plan, dims = first.plan, first.plan.dims
    say(f"{dims} dimensions: reading label maps")
    train, out = people_of(first, labels)
    held = real(out, first, count, "held-out maps")
    wanted = len(out) if dims == 2 else count
    known = learned_from(train, first, LEVEL_MM)
    seen, (low, high) = known.labels, known.ventricles
    sizes = np.linspace(low, high, asked).tolist()
    level = LEVEL_MM if dims == 2 else None
    asks: dict[tuple[str, str], Sequence[Ask]] = {
        (name, "set"): numbered(m, wanted, count) for name, m in models.items()
    }
    asks |= {(name, "asked"): [(ASKED_FROM + n, level, v) for n, v in enumerate(sizes)] for name in models}
    made = generated(asks, models, seed, folder, executor, say)
    sets = [bent_anew(train, first, wanted, count)]
    for name, m in models.items():
        classes = made[name, "set"]
        sets.append(Compared(m.plan.name, classes, np.arange(len(classes))))
    say("describing")
    truth = described(held, dims, plan.voxel_mm)
    least = least_of(truth, seen)
    rows = [among_themselves(truth, least, seen, dims)]
    for some in sets:
        one = described(some, dims, plan.voxel_mm)
        rows.append(row(one, truth, copies(one.thin, seen, least), dims))
        say(f"scored {some.name}")
    wishes = {
        m.plan.name: {**asked_and_got(m, sizes, made[name, "asked"]), "low": low, "high": high}
        for name, m in models.items()
    }
    if dims == 2:
        at = [round(f * (count - 1)) for f in (0.15, 0.35, 0.5, 0.65, 0.85)]
        pictures: list[tuple[str, Picture]] = [(s.name, strip(s, at)) for s in (held, *sets)]
        for name, picture in scanned(first, 0, seed, LEVEL_MM).items():
            pictures.append((f"a slice of {plan.name}, scanned {name}", picture))
    else:
        pictures = [(f"{s.name}, {k + 1}", planes(s, k)) for s in (held, *sets) for k in range(min(2, len(s.labels)))]
    facts = (
        f"{len(train)} maps trained on, {len(out)} held out; base on voxels of {plan.voxel_mm * 2**plan.finer:g} mm, "
        f"result on {plan.voxel_mm:g} mm; {len(seen)} {'slices' if dims == 2 else 'heads'} seen by the base; "
        f"seed {seed}."
    )
    return Found(
        rows, wishes, pictures, [_trained(m) for m in models.values()], facts, (len(train), len(out)), LEVEL_MM
    )


def plain(asked: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """For JSON, which knows no NaN."""
    return {k: {n: None if isinstance(v, float) and v != v else v for n, v in a.items()} for k, a in asked.items()}


def _trained(model: BrainModel) -> str:
    told: Any = model.about.get("training", {})
    steps = ", ".join(f"{k}: {v['steps']} steps in {v['minutes']:.1f} min" for k, v in told.items())
    weights = sum(int(np.prod(p.shape)) for part in (model.base, *model.finer) for p in part.parameters())
    return f"{model.plan.name}: {model.plan.family}, {weights:,} weights in all" + (f"; {steps}." if steps else ".")
