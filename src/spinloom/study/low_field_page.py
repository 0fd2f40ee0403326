"""The study as a page: what was done, scores beside filters, pictures, noise, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spinloom.report.page import Gallery, Page, Part, Picture, Prose, Section, Table
from spinloom.report.slices import webp
from spinloom.study.low_field import INPUT, MODEL, NETWORK, TUNED, Case
from spinloom.study.low_field_noise import COLUMNS, cells
from spinloom.study.low_field_text import FAILED, HOW, LIMITS, NOISE
from spinloom.translate.model import Model

SHOWN = ("SSIM", "structure", "third factor")
NAMES = {"SSIM": "SSIM", "structure": "structural correlation", "third factor": "third factor"}
EDGE = 8


def page_of(
    cases: Sequence[Case],
    models: Mapping[str, Model],
    noise: Mapping[str, Mapping[str, Sequence[float]]],
    command: str,
) -> Page:
    """noise  contrast → whose → the numbers of COLUMNS"""
    return Page(
        "Ultra-low field: 0.055 T brought nearer to 3 T",
        "Real k-space of three people, reconstructed here, enhanced by networks that have seen simulated heads alone, "
        "and compared with the 3 T slice of the same person.",
        (
            Section("Result", (Prose((verdict(cases),)), gains(cases)), "result"),
            Section("Pictures", (pictures(cases),), "pictures"),
            Section("Beside filters without learning", tuple(filters(cases)), "filters"),
            Section("How it was done", (Prose(HOW), trained(models)), "how"),
            Section("Noise, measured and simulated", tuple(noises(noise)), "noise"),
            Section("What did not work", (Prose(FAILED),), "failed"),
            Section("Limits", (Prose(LIMITS),), "limits"),
        ),
        f"Made by `{command}`.",
    )


def verdict(cases: Sequence[Case]) -> str:
    """Counted, not chosen."""
    told = []
    for where, name in (("deep", "15 mm inside the head"), ("head", "In the whole head")):
        each = []
        for m in SHOWN:
            up = [c for c in cases if c.mean(MODEL, m, where) > c.mean(INPUT, m, where)]
            best = [c for c in up if all(c.mean(MODEL, m, where) > c.mean(w, m, where) for w in rivals(c))]
            counted = f"in {len(up)} of {len(cases)}, above every filter's, too, in {len(best)}"
            each.append(f"{NAMES[m]} above the input's own {counted}")
        told.append(f"{name}: {'; '.join(each)}.")
    others = ", ".join(sorted({c.subject for c in cases if c.subject != TUNED}))
    return (
        f"{' '.join(told)} (Subjects times contrasts.) Every setting was chosen on {TUNED} alone; "
        f"{others or 'nobody else'} were scored once with the networks, and once more when what stays of the input "
        f"near the head's edge had been chosen, on {TUNED}, too."
    )


def rivals(case: Case) -> list[str]:
    """The ways without learning."""
    return [way for way in case.images if way not in (NETWORK, MODEL)]


def gains(cases: Sequence[Case]) -> Table:
    """Input → model, the mean over slices."""
    rows = []
    for c in cases:
        each = [f"{c.mean(INPUT, m, w):.3f} → {c.mean(MODEL, m, w):.3f}" for w in ("deep", "head") for m in SHOWN]
        rows.append((c.subject + (" (tuned on)" if c.subject == TUNED else ""), c.contrast, *each))
    names = [f"{NAMES[m]}, {w}" for w in ("15 mm inside", "head") for m in SHOWN]
    return Table(
        ("subject", "contrast", *names),
        tuple(rows),
        "Input → model, mean over the slices; against the same 3 T slices.",
    )


def filters(cases: Sequence[Case]) -> list[Part]:
    """Each way's mean gain over the input, and how often it gains."""
    ways = [w for w in dict.fromkeys(w for c in cases for w in c.images) if w != INPUT]
    parts: list[Part] = []
    for contrast in dict.fromkeys(c.contrast for c in cases):
        own = [c for c in cases if c.contrast == contrast]
        rows = []
        for way in ways:
            there = [c for c in own if way in c.images]
            row = [way]
            for where in ("deep", "head"):
                for m in SHOWN:
                    up = [c.mean(way, m, where) - c.mean(INPUT, m, where) for c in there]
                    row.append(f"{np.mean(up):+.3f} ({sum(u > 0 for u in up)} of {len(up)} up)" if up else "")
            rows.append(tuple(row))
        names = [f"{NAMES[m]}, {w}" for w in ("15 mm inside", "head") for m in SHOWN]
        parts.append(Table((f"{contrast}: change of the input's score", *names), tuple(rows), "Mean over subjects."))
    return parts


def pictures(cases: Sequence[Case]) -> Gallery:
    """Per case the second slice: input, model, 3 T."""
    shown = []
    for c in cases:
        z = min(1, c.high.shape[2] - 1)
        inside = np.nonzero(c.head[..., z])
        box = tuple(slice(max(0, i.min() - EDGE), i.max() + EDGE) for i in inside)
        mask = c.head[..., z]
        strip = [grey(v[..., z], mask)[box] for v in (c.images[INPUT], c.images[MODEL], c.high)]
        shown.append((f"{c.subject}, {c.contrast}", Picture(webp(np.concatenate([s.T[::-1] for s in strip], 1)))))
    return Gallery(
        tuple(shown),
        "Each: the 0.055 T input as reconstructed here, the model's answer, the 3 T slice registered to it. "
        "White is the 98th percentile of the head in each picture."
    )  # fmt: skip


def grey(plane: Any, mask: Any) -> Any:
    return (255 * np.clip(plane / max(float(np.percentile(plane[mask], 98)), 1e-12), 0, 1)).astype(np.uint8)


def noises(noise: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Part]:
    rows = [(c, who, *cells(v)) for c, each in noise.items() for who, v in each.items()]
    return [
        Prose(NOISE),
        Table(("contrast", "scan", *COLUMNS), tuple(rows), "Means over slices; simulated: percentiles of slices."),
    ]


def trained(models: Mapping[str, Model]) -> Table:
    """What each model says of itself; scores on a simulated head that was held out."""
    rows = []
    for contrast, model in models.items():
        about: Any = model.about
        made = about.get("scores", {}).get("this", {}).get(contrast, {})
        told = about.get("trained", {})
        rows.append((
            contrast, model.name, f"{told.get('steps', 0):,}", f"{told.get('seconds', 0) / 60:.0f}",
            str(told.get("simulated heads", "")),
            ", ".join(f"{m} {made[m]['mean']:.3f}" for m in ("SSIM of slices", "NCC") if m in made),
        ))  # fmt: skip
    return Table(("contrast", "model", "steps", "minutes", "heads", "on a simulated head held out"), tuple(rows))
