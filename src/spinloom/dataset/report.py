"""A data set → its report: one self-contained page of pictures, numbers and words."""

from __future__ import annotations

import os
from pathlib import Path

from spinloom.core.version import __version__
from spinloom.dataset.methods import methods_paragraphs
from spinloom.dataset.report_pictures import legend, subject_parts
from spinloom.dataset.report_sequences import sequence_parts
from spinloom.dataset.summary import DatasetSummary, SubjectSummary, summarise
from spinloom.files.atomic import write_text
from spinloom.report.page import Facts, Page, Part, Prose, References, Section, Table, render

NAME = "report.html"
MOST_PICTURED = 8
"""Subjects with pictures; the numbers are of all."""


def write_report(out: str | os.PathLike[str]) -> Path:
    """Write report.html into a data set and return its path.

    Raises InputError if the folder holds no data set in BIDS.
    """
    path = Path(out) / NAME
    write_text(path, render(report_page(summarise(out))))
    return path


def report_page(summary: DatasetSummary) -> Page:
    """The page of a data set."""
    recipe = summary.recipe
    pictured = summary.subjects[:MOST_PICTURED]
    sections = [
        Section("Overview", _overview(summary), "overview"),
        *(Section(_title(s), subject_parts(s, summary.label_names), s.name) for s in pictured),
        Section("Signal, noise, contrast", _numbers(summary), "numbers"),
        Section("Sequences", sequence_parts(summary), "sequences"),
        Section("Methods", (Prose(methods_paragraphs(summary)),), "methods"),
        Section("References", (References(summary.citations),), "references"),
    ]
    scans = ", ".join(section.label for section in recipe.protocol)
    return Page(
        title=recipe.name,
        subtitle=f"{len(summary.subjects)} simulated subjects: {scans}. Nobody was ever scanned.",
        sections=tuple(sections),
        footer=f"Made by Spinloom {__version__}. For research, teaching and testing; not for diagnosis.",
    )


def _title(subject: SubjectSummary) -> str:
    return subject.name


def _overview(summary: DatasetSummary) -> tuple[Part, ...]:
    images = sum(len(s.scans) for s in summary.subjects)
    seconds = summary.run.get("seconds")
    facts = [
        ("subjects", str(len(summary.subjects))),
        ("images", str(images)),
        ("files, in the manifest", str(summary.files)),
        ("size", f"{summary.bytes / 1e6:.0f} MB"),
        ("made in", f"{seconds / 60:.1f} min" if isinstance(seconds, int | float) else "unknown"),
        ("seed", str(summary.recipe.seed)),
    ]
    parts: list[Part] = [Facts(tuple(facts)), legend(summary)]
    if summary.recipe.description:
        parts.insert(0, Prose((summary.recipe.description,)))
    if summary.failures:
        parts.append(Table(("failed", "why"), summary.failures, "These subjects could not be made."))
    if summary.warnings:
        parts.append(Prose(tuple(f"Assumed: {text}" for text in summary.warnings)))
    columns = tuple(dict.fromkeys(key for s in summary.subjects for key in s.row))
    rows = tuple(tuple(s.row.get(key, "") for key in columns) for s in summary.subjects)
    parts.append(Table(columns, rows, "Subjects, as in participants.tsv."))
    timing = tuple(
        (s.name, f"{s.seconds:.0f}" if s.seconds is not None else "found from an earlier run") for s in summary.subjects
    )
    machine = str(summary.run.get("machine", "an unknown machine"))
    parts.append(Table(("subject", "wall time [s]"), timing, f"Timing on {machine}, {summary.run.get('jobs')} jobs."))
    return tuple(parts)


def _numbers(summary: DatasetSummary) -> tuple[Part, ...]:
    shown = ("white_matter", "grey_matter", "csf", "fat", "muscle")
    rows = []
    for subject in summary.subjects:
        for scan in subject.scans:
            if scan.contrast is None:
                continue
            by_name = {t.name: t for t in scan.contrast.tissues}
            cells = [f"{by_name[n].mean:.3f} ± {by_name[n].sd:.3f}" if n in by_name else "" for n in shown]
            white = by_name.get("white_matter")
            SNR = f"{white.SNR:.0f}" if white is not None and white.SNR is not None else ""
            CNR = f"{scan.contrast.CNR:.1f}" if scan.contrast.CNR is not None else ""
            rows.append((f"{subject.name} {scan.label}", *cells, f"{scan.contrast.noise:.4f}", SNR, CNR))
    columns = ("image", *(n.replace("_", " ") for n in shown), "noise", "SNR", "CNR")
    caption = (
        "Mean ± SD of the magnitude in each tissue, by the true labels on the image's own grid. Noise: SD of the real "
        "part, from the air around the head. SNR: white matter; CNR: grey against white matter."
    )
    return (Table(columns, tuple(rows), caption),)
