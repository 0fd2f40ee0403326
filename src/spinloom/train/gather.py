"""Pairs and heads → what a run learns from and is judged by, split by subject."""

from __future__ import annotations

from collections.abc import Callable

from spinloom.core.errors import UsageError
from spinloom.dataset.pairs import Pairs
from spinloom.dataset.split_cases import Split, split
from spinloom.train.cases import load
from spinloom.train.heads import draw_heads
from spinloom.train.train import Data
from spinloom.translate.plan import Plan

HELD = 0.15
"""Share of subjects held out where no split is given, but at least one subject."""


def gather(
    plan: Plan,
    pairs: Pairs | None,
    *,
    heads: int = 0,
    split_by: Split | None = None,
    say: Callable[[str], None] = lambda name: None,
) -> Data:
    """Read and prepare scans, draw heads.

    split_by  who is trained on (train) and held out (val, test); None: 15 % are held out, nobody of one subject

    Cases that cannot be read are named in `told["left out"]`. Raises UsageError if there is nothing to learn from.
    """
    people = draw_heads(heads, plan.training.seed) if heads else []
    if pairs is None:
        if not heads:
            raise UsageError("there is nothing to learn from", remedy="Name a folder of scans, or --simulated 4.")
        return Data(heads=people, told={"data": "simulated heads", "attribution": "made from the MNI152 template"})
    parts = parts_of(pairs, split_by, plan.training.seed)
    train = load(pairs, plan, parts["train"], say)
    held = load(pairs, plan, parts["held"], say) if parts["held"] else None
    every = (train,) if held is None else (train, held)
    told = {
        "layout": pairs.layout,
        "licence": pairs.licence,
        "origins": [dict(o) for part in every for o in part.origins],
        "split": {k: sorted(v) for k, v in parts.items()},
        "left out": [list(fault) for part in every for fault in part.faults],
    }
    return Data(train.volumes, held.volumes if held else (), people, train.seen, told)


def parts_of(pairs: Pairs, split_by: Split | None, seed: int) -> dict[str, set[str]]:
    """Subjects to train on, and those held out."""
    people = {p.subject for p in pairs.pairs}
    if split_by is not None:
        held = {*split_by.parts["val"], *split_by.parts["test"]}
        return {"train": set(split_by.parts["train"]) & people, "held": held & people}
    if len(people) < 2:
        return {"train": people, "held": set()}
    share = max(HELD, 1 / len(people))
    made = split(pairs.pairs, (1 - share, share, 0), seed=seed)
    return {"train": set(made.parts["train"]), "held": set(made.parts["val"])}
