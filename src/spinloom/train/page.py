"""A run as one page: what it learned from, its curves, its pictures, its scores beside the floors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spinloom.files import atomic
from spinloom.report.page import Facts, Page, Part, Picture, Prose, Section, Table, render
from spinloom.train.curves import curves
from spinloom.train.folder import losses
from spinloom.train.loop import Progress
from spinloom.translate.plan import Plan

SHOWN = ("MAE", "PSNR", "SSIM", "NCC", "MAE soft", "MAE bone", "Dice bone")


def write_page(root: Path, plan: Plan, about: Mapping[str, Any], progress: Progress) -> None:
    """report.html in the run's folder."""
    goes, comes = (", ".join(s.contrast for s in side) for side in (plan.source, plan.target))
    trained = about["trained"]
    facts = Facts(
        (
            ("from", goes),
            ("to", comes),
            ("family", plan.family),
            ("steps", f"{progress.step:,}"),
            ("minutes", f"{progress.seconds / 60:.1f}"),
            ("subjects", str(len(trained["subjects"]))),
            ("simulated heads", str(trained["simulated heads"])),
        )
    )
    last = sorted((root / "panels").glob("step-*.png"))[-1:]
    sections = [Section("Scores of subjects held out", _scores(about), "scores")]
    pictures: list[Part] = [Picture(p.read_bytes(), "Source, made, real and difference") for p in last]
    if (root / "training.webp").exists():
        pictures.append(Picture((root / "training.webp").read_bytes(), "From the first interval to the last"))
    sections.append(Section("Pictures", tuple(pictures) or (Prose(("None were made.",)),), "pictures"))
    sections.append(
        Section("Losses", (Picture(curves(losses(root)), "Smoothed over a fiftieth of the run"),), "losses")
    )
    if out := about.get("left out"):
        rows = tuple((str(who), str(why)) for who, why in out)
        sections.append(Section("Left out", (Table(("who", "why"), rows, "Could not be read."),), "left-out"))
    sections.append(Section("Plan", (Prose((plan.to_json(),)),), "plan"))
    page = Page(
        title=f"{plan.name}: {goes} to {comes}",
        subtitle=f"trained {trained['steps']:,} steps on {trained['device']}",
        sections=(Section("Run", (facts,), "run"), *sections),
        footer="Made images are for research, teaching and testing; not for diagnosis.",
    )
    atomic.write_text(root / "report.html", render(page))


def _scores(about: Mapping[str, Any]) -> tuple[Part, ...]:
    scores = about["scores"]
    if not scores:
        why = [n[0].upper() + n[1:] + "." for n in about.get("notes", ())]
        return (Prose(tuple(why or ["Nobody was held out, or there are no pairs: this run has no score."])),)
    rows = []
    for who, contrasts in scores.items():
        for contrast, metrics in contrasts.items():
            rows.append((who, contrast, *(f"{metrics[m]['mean']:.4g}" if m in metrics else "" for m in SHOWN)))
    text = "Means over subjects, inside the foreground, by the honest protocol; lookup and identity are floors."
    return (Table(("by", "contrast", *SHOWN), tuple(rows), text),)
