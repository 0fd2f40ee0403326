"""The page of new digital brains: what was measured, beside what needs no network, and what did not work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from spinloom.report.page import Gallery, Page, Picture, Prose, Section, Table
from spinloom.study.brains_pictures import LEGEND
from spinloom.study.brains_scores import SHOWN, Row
from spinloom.study.brains_text import AMOUNTS, ASKED, CONTACT, LIMITS, NEAREST

NEAR = ("least", "5 %", "quarter", "median")


@dataclass(frozen=True, eq=False)
class Found:
    """What was measured in two or three dimensions.

    asked    model → r, mean error, bias, low, high of ventricles asked for, at `level` [mm]
    trained  a sentence for each model;  facts: one for all
    maps     label maps trained on, held out
    """

    rows: Sequence[Row]
    asked: Mapping[str, Mapping[str, Any]]
    pictures: Sequence[tuple[str, Picture]]
    trained: Sequence[str]
    facts: str
    maps: tuple[int, int]
    level: float


def page_of(parts: Mapping[int, Found], command: str, credits: Sequence[str] = ()) -> Page:
    """parts: by dims;  credits: whose label maps the models say they learned from"""
    trained, held = next(iter(parts.values())).maps
    made = (
        f"Command: `{command}`.",
        *(t for found in parts.values() for t in found.trained),
        *(f"Attribution: {c}." for c in credits),
    )
    asked, limits = (
        [p.format(trained=trained, held=held, all=trained + held) for p in each] for each in (ASKED, LIMITS)
    )
    sections = (
        Section("What was asked", (Prose(_joined(asked)),), "asked"),
        *(_measured(dims, found) for dims, found in sorted(parts.items())),
        Section("Limits", (Prose(_joined(limits)),), "limits"),
        Section("How it was made", (Prose(made),), "made"),
    )
    return Page("New digital brains", f"Heads that nobody has, from {trained + held} label maps.", sections)


def _measured(dims: int, found: Found) -> Section:
    unit, what = ("cm2", "Slices at 1 mm") if dims == 2 else ("mL", "Heads at 2 mm")
    tables = (_amounts(found, unit), _contacts(found, dims), _nearest(found), _asked(found, unit, dims))
    gallery = Gallery(tuple(found.pictures), f"Colours: {LEGEND}.")
    return Section(what, (Prose((found.facts, *verdict(found))), *tables, gallery), f"dims-{dims}")


def verdict(found: Found) -> tuple[str, ...]:
    """A sentence for each model; the first row is people among themselves, the second bent maps."""
    people, bent, *models = found.rows
    said = []
    for r in models:
        asked = found.asked.get(r.name, {})
        said.append(
            f"{r.name}: amounts off by {100 * r.wrong:.0f} % (one held-out map against the others "
            f"{100 * people.wrong:.0f} %, bent training maps {100 * bent.wrong:.0f} %); kernel distance {_short(r.KD)} "
            f"(bent maps {_short(bent.KD)}); precision {_short(r.precision)} and recall {_short(r.recall)} (bent maps "
            f"{_short(bent.precision)} and {_short(bent.recall)}); {100 * r.copies:.0f} % nearer to a training "
            f"sample than any held-out map (bent maps {100 * bent.copies:.0f} %); ventricles asked for and got: "
            f"r = {_short(asked.get('r', float('nan')))}."
        )
    return tuple(said)


def _amounts(found: Found, unit: str) -> Table:
    head = ("set", "n", *(f"{k} [{unit}]" for k in SHOWN), "mean error")
    rows = [
        (r.name, str(r.n), *(f"{r.amounts[k]:.3g}" for k in SHOWN), f"{100 * r.wrong:.0f} %")
        for r in found.rows
    ]  # fmt: skip
    return Table(head, tuple(rows), f"Mean {'area' if unit == 'cm2' else 'volume'} of each class, {AMOUNTS}")


def _contacts(found: Found, dims: int) -> Table:
    holes, kinds = "holes" if dims == 2 else "tunnels", ("white", "grey")
    head = ("set", "contact", "pieces of white", "of grey", f"{holes} in white", "in grey", "pieces of brain",
        "faces per white voxel")  # fmt: skip
    rows = []
    for r in found.rows:
        counts = [_short(v) for v in (*(r.pieces[k] for k in kinds), *(r.holes[k] for k in kinds), r.brain)]
        rows.append((r.name, f"{r.contact:.3f}", *counts, f"{r.rough:.3f}"))
    return Table(head, tuple(rows), " ".join(CONTACT.format(holes=holes).split()))


def _nearest(found: Found) -> Table:
    head = ("set", *(f"nearest: {n}" for n in NEAR), "copies", "FD", "KD", "precision", "recall")
    rows = []
    for r in found.rows:
        near = [f"{100 * q:.1f} %" for q in (*r.nearest, r.copies)]
        rows.append((r.name, *near, *(_short(v) for v in (r.FD, r.KD, r.precision, r.recall))))
    people, held = found.rows[0], found.maps[1]
    few = f"KD, precision and recall of the first row: {people.n // held} samples of one held-out map against "
    few += f"{people.n - people.n // held} of the others, means over maps; of every other row all {people.n} of these."
    return Table(head, tuple(rows), f"{' '.join(NEAREST.split())} {few}")


def _asked(found: Found, unit: str, dims: int) -> Table:
    head = ("model", "r", f"mean error [{unit}]", f"bias [{unit}]", f"asked for [{unit}]")
    rows = [
        (name, _short(a["r"]), f"{a['mean error']:.2f}", f"{a['bias']:+.2f}", f"{a['low']:.1f} to {a['high']:.1f}")
        for name, a in found.asked.items()
    ]
    at = f" at level {found.level:g} mm" if dims == 2 else ""
    return Table(head, tuple(rows), f"Ventricles asked for and got{at}; r is Pearson's.")


def _short(x: float) -> str:
    return f"{x:.3g}" if isfinite(x) else "none"


def _joined(paragraphs: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(p.split()) for p in paragraphs)
