"""Pairs and heads → what a run learns from and is judged by, split by subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, UsageError
from spinloom.core.rng import stream
from spinloom.dataset.pairs import Pairs
from spinloom.dataset.split_cases import Split
from spinloom.train.cases import load
from spinloom.train.data import Data
from spinloom.train.examples import Volumes
from spinloom.train.from_shards import streams
from spinloom.train.heads import Head, draw_heads, heads_from_labels, stem
from spinloom.train.held_out import HELD, NOBODY, both_sides, parts_of
from spinloom.train.simulated import needs_CT
from spinloom.train.thick_heads import thick_volumes
from spinloom.train.whole import seen, whole
from spinloom.translate.limits import measured_of
from spinloom.translate.plan import Plan

FITTED = 3
"""Simulated heads that the lookup table is fitted to."""


def gather(
    plan: Plan,
    pairs: Pairs | None,
    *,
    heads: int = 0,
    labels: Path | None = None,
    split_by: Split | None = None,
    say: Callable[[str], None] = lambda name: None,
) -> Data:
    """Read and prepare scans, draw heads, make heads of label maps.

    heads     how many are drawn
    labels    a folder of label maps, one per head, to make heads of
    split_by  who is trained on (train) and held out (val, test); None: 15 % are held out, nobody of one subject

    Cases that cannot be read are named in `told["left out"]`. Raises UsageError if there is nothing to learn from.
    """
    files = [] if labels is None else maps_in(labels)
    if pairs is None:
        return simulated_alone(plan, heads, files, say)
    people = people_of(plan, heads, files, say)
    if plan.paired and not pairs.paired:
        raise UsageError("this list holds scans without partners", remedy="Add --unpaired, or list pairs.")
    parts, notes = parts_of(pairs, split_by, plan.training.seed)
    complete, held = both_sides(pairs), None
    if parts["held"] & {p.subject for p in complete.pairs}:
        try:
            held = load(complete, plan, parts["held"], say)
        except InputError as error:
            if split_by is not None:
                raise
            parts, notes = {"train": parts["train"] | parts["held"], "held": set()}, (f"{error} So {NOBODY}",)
    turned = plan.thick is not None and plan.thick.turned
    train = load(pairs, plan, parts["train"], say, turned=turned)
    every = (train,) if held is None else (train, held)
    told: dict[str, object] = {
        "layout": pairs.layout,
        "licence": pairs.licence,
        "origins": [dict(o) for part in every for o in part.origins],
        "split": {k: sorted(v) for k, v in parts.items()},
        "left out": [list(fault) for part in every for fault in part.faults],
        **({"notes": list(notes)} if notes else {}),
    }
    if plan.thick is not None:
        made, told_of = thick_volumes(people, plan, turned=turned)
        told = {**told, "simulated heads": len(people)}
        seen_of = (*train.seen, *told_of)
        return Data(train.volumes, held.volumes if held else (), (), seen_of, told, made=made)
    back = backs(train.volumes) if plan.family == "cyclegan" else ()
    return Data(train.volumes, held.volumes if held else (), people, train.seen, told, seen_back=back)


def gather_shards(
    plan: Plan, folder: Path, *, heads: int = 0, labels: Path | None = None,
    say: Callable[[str], None] = lambda name: None,
) -> Data:  # fmt: skip
    """The same from shards (spinloom pack): their train split is streamed, some of their val split are held out.

    Raises InputError for shards without a subject to train on, UsageError for training without pairs.
    """
    if not plan.paired:
        raise UsageError("shards hold pairs", remedy="Train without pairs from a folder of scans.")
    people = people_of(plan, heads, [] if labels is None else maps_in(labels), say)
    stream, held, seen_of, told = streams(folder, plan, say)
    if plan.thick is not None:
        made, told_of = thick_volumes(people, plan, turned=plan.thick.turned)
        told = {**told, "simulated heads": len(people)}
        return Data((), held, (), (*seen_of, *told_of), told, stream=stream, made=made)
    return Data((), held, people, seen_of, told, stream=stream)


def simulated_alone(
    plan: Plan, heads: int, files: Sequence[Path] = (), say: Callable[[str], None] = lambda name: None
) -> Data:
    """Heads to learn from, drawn ones and those of label maps; 15 %, but at least one where there are two, are held out
    and simulated once as a whole.

    Raises UsageError if there is none.
    """
    if not heads and not files:
        raise UsageError("there is nothing to learn from", remedy="Name a folder of scans, or --simulated 4.")
    seed = plan.training.seed
    people = people_of(plan, heads, files, say)
    among = list(range(heads, len(people))) if files else list(range(heads))
    count = max(1, round(HELD * len(among))) if len(people) > 1 else 0
    out = {int(i) for i in stream(seed, "held out").permutation(among)[:count]}
    if plan.thick is not None:
        return thick_alone(plan, people, out)
    held = [whole(people[i], plan, seed) for i in sorted(out)]
    kept = [h for i, h in enumerate(people) if i not in out]
    told = {
        "data": f"simulated from {len(files)} label maps and {heads} heads made from the MNI152 template",
        "attribution": "MNI152 template" if heads else "",
        "split": {"train": [h.name for h in kept], "held": [v.name for v in held]},
    }
    reference = [whole(h, plan, seed) for h in kept[-FITTED:]] if held else []
    back = tuple(seen(kept, plan, seed, back=True)) if plan.family == "cyclegan" else ()
    return Data((), held, kept, tuple(seen(kept, plan, seed)), told, reference, seen_back=back)


def backs(volumes: Sequence[Volumes]) -> tuple[Mapping[str, Any], ...]:
    """What `limits.measured_of` says of targets."""
    return tuple(measured_of(v.target.numpy(), v.mask.numpy(), v.voxel_mm) for v in volumes if v.target is not None)


def thick_alone(plan: Plan, people: Sequence[Head], out: set[int]) -> Data:
    """Super-resolution without scans."""
    assert plan.thick is not None
    kept, seen_of = thick_volumes([h for i, h in enumerate(people) if i not in out], plan, turned=plan.thick.turned)
    held, _ = thick_volumes([people[i] for i in sorted(out)], plan)
    told = {
        "data": f"simulated from {len(people)} heads",
        "attribution": "MNI152 template",
        "simulated heads": len(people) - len(out),
        "split": {"train": [v.name for v in kept], "held": [v.name for v in held]},
    }
    return Data(kept, held, (), seen_of, told)


def people_of(plan: Plan, heads: int, files: Sequence[Path], say: Callable[[str], None]) -> list[Head]:
    """Drawn ones, then those of label maps."""
    seed, with_CT = plan.training.seed, needs_CT(plan)
    drawn = draw_heads(heads, seed, voxel_mm=plan.voxel_mm or 1.0, with_CT=with_CT) if heads else []
    return drawn + heads_from_labels(files, seed, voxel_mm=plan.voxel_mm, with_CT=with_CT, say=say)


def maps_in(folder: Path) -> list[Path]:
    """NIfTI files of a folder, in the order of their names; a file is itself. Raises InputError if there is none."""
    if folder.is_file():
        return [folder]
    found = sorted((p for p in folder.glob("*.nii*") if p.name.endswith((".nii", ".nii.gz"))), key=stem)
    if not found:
        raise InputError("holds no label maps (*.nii, *.nii.gz)", file=folder, remedy="Name the folder they lie in.")
    return found
