"""What the studies of trust and of intervals learn first: small networks, on people with lesions of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from spinloom.core.errors import InputError
from spinloom.core.rng import stream
from spinloom.files.hashes import sha256_json
from spinloom.study.people import diseased, lesions_of, person
from spinloom.train.data import Data
from spinloom.train.folder import MODEL
from spinloom.train.heads import Head
from spinloom.train.loop import Progress
from spinloom.train.train import train
from spinloom.train.whole import seen
from spinloom.translate.model import Model, read_model
from spinloom.translate.plan import Network, Plan, Side, Training

GROUPS = 3
"""Of lesions in a head, each visible in T1w to another degree."""
T1W, T2W = (Side(contrast=c, B0=3.0) for c in ("T1w", "T2w"))
MAPS = (
    Side(contrast="T1map", quantity="T1", low=0.1, high=5.0, bias=False, log=True, B0=3.0),
    Side(contrast="T2map", quantity="T2", low=0.01, high=2.5, bias=False, log=True, B0=3.0),
    Side(contrast="PDmap", quantity="PD", low=0.0, high=1.2, bias=False, B0=3.0),
)
ANY_T1W = Side(contrast="T1w")
QUESTIONS: dict[str, tuple[tuple[Side, ...], tuple[Side, ...], Literal["any", "usual"]]] = {
    "auditor": ((ANY_T1W,), MAPS, "any"),
    "translator": ((ANY_T1W,), (T2W,), "any"),
    "maps": ((T1W, T2W), MAPS, "usual"),
}
"""Source, target and protocols of each network. The auditor never sees a T2w image, the translator never a map."""


def plan_for(what: str, *, steps: int, seconds: float | None, voxel_mm: float, seed: int, small: bool = False) -> Plan:
    """Axial slices, one at a time."""
    source, target, protocols = QUESTIONS[what]
    return Plan(
        name=f"{what}-from-T1w" if what == "auditor" else what,
        source=source,
        target=target,
        voxel_mm=voxel_mm,
        network=Network(
            dims=2, slices=1, views=(2,), channels=(8, 16) if small else (16, 32, 64, 96), blocks=1,
            patch=(64, 64) if small else (80, 96),
        ),
        training=Training(
            steps=steps, seconds=seconds, batch=4, rate=1.5e-3, average=0.9 if small else 0.995, bf16=not small,
            panel=max(1, steps // 2), simulated=1.0, protocols=protocols, seed=seed,
        ),
    )  # fmt: skip


def crowd(
    bases: Sequence[Head], count: int, seed: int, part: str = "learn", *, lesions: int = 6, **how: Any
) -> list[Head]:
    """People with GROUPS groups of lesions of 3 to 12 mm, visible in T1w to degrees from 0 to 1;  how: of `person`."""
    made = []
    for n in range(count):
        name = f"{part}-{n:03d}"
        rng = stream(seed, "lesions to learn from", name)
        head = person(bases[n % len(bases)], seed, name, **how)
        for group in range(GROUPS):
            places = lesions_of(head, rng, lesions, (3.0, 12.0))
            head = diseased(head, places, visible=float(rng.uniform()), seed=int(rng.integers(2**31)) + group)
        made.append(head)
    return made


def origin_of(labels: Sequence[Sequence[str]], anatomies: int, people: int) -> str:
    """Whom a network learns from, in a few letters: contents of label maps [path, SHA-256], or how many anatomies are
    drawn; how many people are bent out of them. The seed is the plan's."""
    return sha256_json([[h for _, h in labels] or anatomies, people])[:8]


def learned(
    people: Callable[[], tuple[Sequence[Head], Sequence[str]]], folder: Path, plan: Plan, origin: str,
    say: Callable[[Progress], None] = lambda progress: None,
) -> Model:  # fmt: skip
    """The network of a plan, trained on people; a folder that holds it already is read, one that was left is gone
    on with.

    people  made only where they are needed, and names of the anatomies they are bent out of
    origin  as of origin_of

    Raises InputError for a folder of another plan or of other people: they might be those who test now.
    """
    if (folder / MODEL).exists():
        known = read_model(folder / MODEL)
        if known.plan != plan or known.about.get("origin") != origin:
            raise InputError("was learned with other settings or people", file=folder, remedy="Choose another folder.")
        return known
    heads, anatomies = people()
    known_range = tuple(seen(heads, plan, plan.training.seed))
    heads = [replace(h, name=f"{h.name} of {origin}") for h in heads]
    told = {
        "data": f"simulated from {len(heads)} heads with lesions drawn into them",
        "split": {"train": [h.name for h in heads], "held": []},
        "simulated heads": len(heads),
        "origin": origin,
        "anatomies": sorted(set(anatomies)),
    }
    return train(plan, Data(heads=heads, seen=known_range, told=told), folder, say=say).model
