"""The page of the study of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spinloom.report.page import Facts, Page, Picture, Prose, Section, Table
from spinloom.study.intervals_measured import KINDS
from spinloom.study.intervals_picture import TOLD

TITLES = {"maps": "T1, T2 and PD from T1w and T2w", "translator": "T2w from T1w of any protocol"}
UNITS = {
    "T1map": ("ms", 1e3),
    "T2map": ("ms", 1e3),
    "PDmap": ("%", 100.0),
    "T2w": ("% of the 99.5th percentile", 100.0),
}


def page_of(results: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Page:
    """results  of study();  pictures  by question"""
    parts = [Section("What was measured", (Prose(about(results)), Facts(headline(results))), "measured")]
    for what, found in results["questions"].items():
        caption = f"One test subject, {next(iter(found['coverage']))}: {TOLD}."
        told = (table_of(found), shift_table(found), Picture(pictures[what], caption))
        parts.append(Section(TITLES[what], told, what))
    parts += [Section("What is promised", (Prose(PROMISE),), "promise"), Section("Limits", (Prose(LIMITS),), "limits")]
    return Page("Calibrated intervals", f"`{results['command']}`", tuple(parts),
                f"Spinloom {results['spinloom']}, seed {results['settings']['seed']}.")  # fmt: skip


def about(results: Mapping[str, Any]) -> tuple[str, ...]:
    s, bases = results["settings"], results["anatomies"]
    took = ", ".join(
        f"{what}: {q['trained']['steps']} steps, {q['trained']['seconds'] / 60:.0f} minutes"
        for what, q in results["questions"].items() if q.get("trained")
    )  # fmt: skip
    who = (
        f"Simulated people at {s['voxel_mm']:g} mm, {s['slices']} axial slices each, stripped, with small lesions: "
        f"{s['calibrated']} to calibrate with, {s['tested']} to test on; each is an anatomy bent and given tissue "
        f"values, a scanner and noise of its own. {len(bases[0])} anatomies were learned from, {len(bases[1])} others "
        f"calibrate, {len(bases[2])} others test."
    )
    how = (
        "An interval goes from q s- below the answer to q s+ above it, on the plan's scale (of T1 and T2 a logarithm). "
        f"s- and s+ are a second small network's guesses of the 5 % and 95 % quantiles of the error, by the "
        f"pinball loss in {s['spread_steps']} steps on {s['spread_people']} people of the first network's anatomies; "
        "q is one number per predicted tissue, by conformal prediction over subjects."
    )
    beside = (
        "Beside it, calibrated with the same people: the answer, less and plus one width for all voxels; the middle of "
        "the learned ends, less and plus one width, which shows what is gained by moving the middle alone; and the "
        "answer, less and plus one width per predicted tissue."
    )
    return who, how, beside, f"Trained: {took}."


def headline(results: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    rows = []
    for found in results["questions"].values():
        for contrast, kinds in found["coverage"].items():
            a = kinds["learned ends"]["all"]
            rows.append((f"{contrast} within 90 % intervals; {saved(kinds)}", f"{100 * a['coverage']:.1f} %"))
    return tuple(rows)


def saved(kinds: Mapping[str, Any]) -> str:
    """How much narrower in the mean than constant ones."""
    one, recentred, tissue, own = (kinds[k]["all"]["width"] for k in KINDS)
    if None in (one, recentred, tissue, own):
        return "too few people for widths"
    less = [f"{100 * (1 - own / w):.0f} %" for w in (one, recentred, tissue)]
    return f"{less[0]} narrower than one width, {less[1]} than one recentred, {less[2]} than one per tissue"


def table_of(found: Mapping[str, Any]) -> Table:
    rows = []
    for contrast, kinds in found["coverage"].items():
        unit, factor = UNITS[contrast]
        for tissue in kinds["learned ends"]:
            cells = []
            for kind in KINDS:
                a = kinds[kind].get(tissue)
                cells.append("-" if a is None or a["width"] is None else f"{covered(a)}, {factor * a['width']:.3g}")
            rows.append((f"{contrast} [{unit}]", tissue.replace("_", " "), *cells))
    return Table(
        ("of", "predicted tissue", *KINDS),
        tuple(rows),
        "Share of voxels within 90 % intervals [95 % over subjects], then their mean width; means over test subjects.",
    )


def covered(a: Mapping[str, Any]) -> str:
    if a["coverage"] is None:
        return "-"
    ends = "" if a["low"] is None else f" [{100 * a['low']:.1f}, {100 * a['high']:.1f}]"
    return f"{100 * a['coverage']:.1f} %{ends}"


def shift_table(found: Mapping[str, Any]) -> Table:
    contrasts = list(found["coverage"])
    rows = tuple((name, *(covered(each[c]) for c in contrasts)) for name, each in found["shifts"].items())
    n = next(iter(next(iter(found["shifts"].values())).values()))["subjects"]
    return Table(
        ("beyond what was calibrated with", *contrasts), rows, f"Share within 90 % intervals, {n} subjects each."
    )


_MEAN = (
    "For subjects exchangeable with those calibrated with, a voxel drawn from those of one predicted tissue of a new "
    "subject lies in its 90 % interval with probability at least 90 %: the mean over such subjects of the share "
    "covered is at least 90 %, and at most about 1 / (subjects + 1) more. That holds whatever the second network "
    "learned, for it learned from others; a bad one makes them wide. Of the whole brain the same holds as far as how "
    "much of each tissue a subject has tells nothing of its errors. Subjects are counted, not voxels, for voxels of "
    "one subject err together (Lee, Barber & Willett, arXiv:2306.06342; two learned ends: Romano, Patterson & Candes, "
    "NeurIPS 2019)."
)
_NOT = (
    "Nothing is promised of one certain subject, of one certain voxel, or of a tissue truly there but predicted to be "
    "another: lesions are no group of their own, and the table says how often they are covered."
)
PROMISE = (_MEAN, _NOT)
_ANATOMIES = (
    "Anatomies that calibrate and anatomies that test are others, so that subjects are exchangeable only as far as "
    "label maps are alike. Real scans are a further shift: the intervals of these models must not be read as if they "
    "held there. Calibrate with subjects like your own."
)
_SIMPLE = (
    "Two dimensions, stripped brains, closed forms, no B1 and no motion. Field, noise, protocol and blur move coverage "
    "as the tables say."
)
_NARROW = (
    "Brackets are 95 % intervals over the people tested on, who are bent out of a few anatomies and so resemble each "
    "other: for people in general they are too narrow."
)
LIMITS = (_ANATOMIES, _NARROW, _SIMPLE)
